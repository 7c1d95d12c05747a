/**
 * Whether every block was served at every instant, told from what gateways answered at different times.
 *
 * An answer holds for one unknown instant between its request's start and end. Two answers of one gateway that follow each
 * other and both have a block span the time from the start of the first to the end of the second. A block that was spanned
 * once has a gap where an instant lies in no span of any gateway.
 *
 * Slow answers could make a gap of what was none: the new server may have begun right after its last answer without the
 * block, and the old one ended right before its first. If that leaves room for the overlap that a hand-over promises, the
 * gap is not `certain`.
 */

export interface Answer {
  /** Start and end of the request, ms of one clock. */
  readonly from: number
  readonly to: number
  /** What a client may ask this gateway for; nothing where it is not ready. The same set where nothing has changed. */
  readonly blocks: ReadonlySet<string>
}

export interface Gap {
  readonly block: string
  /** The end of the last answer with the block, and the start of the next one: the block was away for no longer than `longest`. */
  readonly from: number
  readonly to: number
  readonly longest: number
  readonly certain: boolean
  /** Who had it last, and who had it next. */
  readonly last: string
  readonly next: string
}

interface Seen {
  until: number
  /** Start of the answer that ended at `until`. */
  lastFrom: number
  last: string
  /** When the last server had surely ended, at the latest. */
  endedBy: number
}

/** Two answers of one gateway that follow each other. */
interface Segment {
  readonly gateway: string
  readonly first: Answer
  readonly second: Answer
}

interface Watched {
  latest: Answer
  /** When a gateway may have begun to serve a block, at the earliest. */
  readonly begun: Map<string, number>
}

const NOTHING: ReadonlySet<string> = new Set()

export class Coverage {
  readonly #overlapMs: number
  readonly #gateways = new Map<string, Watched>()
  readonly #seen = new Map<string, Seen>()
  #segments: Segment[] = []

  /** `overlapMs`: for how long at least old and new server of a block both serve it in a hand-over. */
  constructor(overlapMs: number) {
    this.#overlapMs = overlapMs
  }

  /** The gateway is asked from now on: what others answered after `at` waits for it. */
  come(gateway: string, at: number): void {
    this.#gateways.set(gateway, { latest: { from: at, to: at, blocks: NOTHING }, begun: new Map() })
  }

  /** It cannot be asked any more: killed, stopped or paused. */
  go(gateway: string, at: number): readonly Gap[] {
    const gaps = this.answer(gateway, { from: at, to: at, blocks: NOTHING })
    this.#gateways.delete(gateway)
    return [...gaps, ...this.#settle()]
  }

  /** @returns the gaps that are known now */
  answer(gateway: string, answer: Answer): readonly Gap[] {
    const watched = this.#gateways.get(gateway)
    if (!watched) return []
    this.#segments.push({ gateway, first: watched.latest, second: answer })
    watched.latest = answer
    return this.#settle()
  }

  /** Blocks that were served, and that no answer since `at` has. */
  missing(at: number): readonly string[] {
    return [...this.#seen].flatMap(([block, { until }]) => (until < at ? [block] : []))
  }

  /** Takes in, by their starts, the segments that nothing earlier can come before. */
  #settle(): readonly Gap[] {
    const horizon = Math.min(...[...this.#gateways.values()].map(({ latest }) => latest.from))
    const due = this.#segments.filter(({ first }) => first.from <= horizon)
    this.#segments = this.#segments.filter(({ first }) => first.from > horizon)
    due.sort((a, b) => a.first.from - b.first.from)
    return due.flatMap(segment => this.#take(segment))
  }

  #take({ gateway, first, second }: Segment): readonly Gap[] {
    const begun = this.#gateways.get(gateway)?.begun ?? new Map<string, number>()
    const gaps: Gap[] = []
    for (const block of first.blocks) {
      const seen = this.#seen.get(block)
      if (second.blocks !== first.blocks && !second.blocks.has(block)) {
        begun.delete(block)
        if (seen) seen.endedBy = Math.max(seen.endedBy, second.to)
        continue
      }
      if (seen && first.from > seen.until) {
        const start = begun.get(block) ?? first.from
        gaps.push({
          block,
          from: seen.until,
          to: first.from,
          longest: first.to - seen.lastFrom,
          certain: seen.endedBy - start < this.#overlapMs,
          last: seen.last,
          next: gateway,
        })
      }
      if (!seen) this.#seen.set(block, { until: second.to, lastFrom: second.from, last: gateway, endedBy: 0 })
      else if (second.to > seen.until) {
        seen.until = second.to
        seen.lastFrom = second.from
        seen.last = gateway
      }
    }
    if (second.blocks === first.blocks) return gaps
    for (const block of second.blocks) if (!first.blocks.has(block)) begun.set(block, first.from)
    return gaps
  }
}
