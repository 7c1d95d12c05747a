/** How fast a run goes lately. Over the whole run it would be wrong: most blocks are skipped in the first seconds. */

export interface Sample {
  /** Monotonic ms. */
  readonly at: number
  readonly done: number
  readonly bytes: number
}

/** A second. */
export interface Rates {
  readonly blocks: number
  readonly bytes: number
}

/** The rate is of these last ms, or of more where fewer than so many blocks were done in them. */
const WINDOW_MS = 10_000
const ENOUGH = 5
/** Samples closer together add nothing; of more than MOST the oldest are forgotten. */
const APART_MS = 500
const MOST = 600

export class Pace {
  #samples: Sample[] = []

  /** Notes where the run stands, and tells its rates; undefined while less than a second has been seen. */
  rates(now: Sample): Rates | undefined {
    const last = this.#samples.at(-1)
    if (!last || now.at - last.at >= APART_MS) this.#samples.push(now)
    if (this.#samples.length > MOST) this.#samples.shift()
    const from =
      this.#samples.findLast(s => now.at - s.at >= WINDOW_MS && now.done - s.done >= ENOUGH) ?? this.#samples[0]
    if (!from || now.at - from.at < 1_000) return undefined
    const seconds = (now.at - from.at) / 1000
    const rate = (before: number, after: number) => Math.max(0, after - before) / seconds
    return { blocks: rate(from.done, now.done), bytes: rate(from.bytes, now.bytes) }
  }
}
