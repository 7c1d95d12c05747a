/** A member in a process of its own, which can be killed. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { MemberInput } from './member.ts'

export class MemberProcess {
  readonly #input: MemberInput
  readonly #child: ChildProcess

  private constructor(input: MemberInput, child: ChildProcess) {
    this.#input = input
    this.#child = child
  }

  /** All is loaded when it resolves; nothing is connected yet. */
  static async start(input: MemberInput): Promise<MemberProcess> {
    const child = fork(join(import.meta.dirname, 'member-main.ts'), { execArgv: process.execArgv })
    await once(child, 'message')
    return new MemberProcess(input, child)
  }

  async join(): Promise<void> {
    const joined = once(this.#child, 'message')
    this.#child.send(this.#input)
    await joined
  }

  /** By SIGKILL; resolves when it is gone. Safe twice. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
  }
}
