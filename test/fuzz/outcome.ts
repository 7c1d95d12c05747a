/** What came of damaged bytes, and whether that is allowed. */
import { BlockgateError, codeOf } from 'blockgate'
import { samplesIn } from '../query/answers.ts'
import { compareLabels } from '../support/block-files.ts'
import type { Chance } from './chance.ts'
import type { Form } from './worlds.ts'

/** `right`: as without the damage; `formed`: another answer, where nothing could tell; else the code of the error. */
export type Outcome = 'right' | 'formed' | `refused: ${string}`

/** What damaged bytes are given to, one case a call. */
export interface Target {
  readonly name: string
  /** @throws Error where a rule is broken */
  run(chance: Chance): Promise<Outcome>
}

/** What `work` says, or the code of its error, which must be one of `codes`. */
export async function outcome(codes: readonly string[], work: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await work()
  } catch (error) {
    const code = codeOf(error)
    if (!(error instanceof BlockgateError) || code === undefined) throw error
    if (codes.includes(code)) return `refused: ${code}`
    throw new Error(`the code must be one of ${codes.join(', ')}: it is ${code}`, { cause: error })
  }
}

export function isSame(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && a.length === b.length && a.every((byte, i) => byte === b[i])
}

/** An answer that a client can read: its series in order, each once. */
export function assertFormed(bytes: Uint8Array, form: Form): void {
  if (form === 'labels') return
  const series = form === 'samples' ? (samplesIn(bytes)[0] ?? []) : []
  for (const [i, { labels }] of series.entries()) {
    const before = series[i - 1]
    if (before && compareLabels(before.labels, labels) >= 0) {
      throw new Error(`series must be in order, each once: ${JSON.stringify([before.labels, labels])}`)
    }
  }
}
