/** Servers as processes of their own, and what they take. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'

/** Linux counts CPU in hundredths of a second. */
const TICK_MS = 10

/** User and system, ms. */
export function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

/** Resident bytes: now, or the most since the process began or the mark was put back. */
export function memoryOf(pid: number, what: 'VmRSS' | 'VmHWM'): number {
  const [, kib] = new RegExp(`${what}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib) * 1024
}

export interface Served {
  readonly url: string
  readonly pid: number
  /** Gives the script a line, and takes the line that it answers. */
  ask(): Promise<string>
  stop(): Promise<void>
}

/** Starts a script of this folder, or a path, whose first line is its address. */
export async function startScript(
  name: string,
  args: readonly string[],
  flags: readonly string[] = [],
): Promise<Served> {
  const child: ChildProcess = spawn(
    process.execPath,
    [...flags, '--conditions=blockgate-source', resolve(import.meta.dirname, name), ...args],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const ended = new Promise(resolve => child.once('exit', resolve))
  if (!child.stdout) throw new Error(`${name} has no output`)
  const lines = createInterface({ input: child.stdout })
  const url = await new Promise<string>(resolve => lines.once('line', resolve))
  return {
    url,
    pid: child.pid ?? 0,
    async ask() {
      const answer = new Promise<string>(resolve => lines.once('line', resolve))
      child.stdin?.write('\n')
      return await answer
    },
    async stop() {
      child.kill()
      await ended
    },
  }
}
