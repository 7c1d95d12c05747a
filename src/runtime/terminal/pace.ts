/** How fast a run goes lately. Over the whole run it would be wrong: most blocks are skipped in the first seconds. */

export interface Sample {
  /** Monotonic ms. */
  readonly at: number
  readonly done: number
  readonly bytes: number
}

export interface Rates {
  /** Blocks a second. */
  readonly blocks: number
  readonly bytes: number
}

/** The rate is of these last ms, or of more where fewer than so many blocks were done in them. */
const WINDOW_MS = 10_000
const ENOUGH = 5
/** Samples closer together than this add nothing; more of them than MOST are forgotten, oldest first. */
const APART_MS = 500
const MOST = 600

export class Pace {
  #samples: Sample[] = []

  /** Notes where the run stands. A run that goes backwards is another run: everything before is forgotten. */
  note(now: Sample): void {
    const last = this.#samples.at(-1)
    if (last && now.done < last.done) this.#samples = []
    else if (last && now.at - last.at < APART_MS) return
    this.#samples.push(now)
    if (this.#samples.length > MOST) this.#samples.shift()
  }

  /** Undefined while less than a second has been seen. */
  rates(now: Sample): Rates | undefined {
    const from =
      this.#samples.findLast(s => now.at - s.at >= WINDOW_MS && now.done - s.done >= ENOUGH) ?? this.#samples[0]
    if (!from || now.at - from.at < 1_000) return undefined
    const seconds = (now.at - from.at) / 1000
    return { blocks: (now.done - from.done) / seconds, bytes: Math.max(0, now.bytes - from.bytes) / seconds }
  }
}
