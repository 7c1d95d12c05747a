/** Where the time of one query went: its phases one after the other, and the steps of each block, side by side. */
import type { BlockId } from '../contracts/block.ts'

/** One is on at any time: together they are the whole query. */
export type Phase = 'queue' | 'request' | 'select' | 'chunks' | 'write'
export type Step = 'header' | 'postings' | 'series' | 'chunks'

/** A stretch of time with breaks, ms of the clock. */
export interface Stretch {
  first: number
  last: number
  /** Without the breaks; side by side counts twice. */
  busy: number
}

export class QueryTimes {
  readonly #clock: () => number
  readonly phases: Map<Phase, Stretch> = new Map()
  readonly blocks: Map<BlockId, BlockTimes> = new Map()
  #phase: Phase | undefined
  #since = 0

  /** @param clock ms, monotonic */
  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** Ends the phase that is on, and begins this one; a phase may come more than once. */
  enter(phase: Phase | undefined): void {
    const now = this.#clock()
    if (this.#phase) extend(this.phases, this.#phase, this.#since, now)
    this.#phase = phase
    this.#since = now
  }

  end(): void {
    this.enter(undefined)
  }

  of(id: BlockId): BlockTimes {
    const known = this.blocks.get(id)
    if (known) return known
    const made = new BlockTimes(this.#clock)
    this.blocks.set(id, made)
    return made
  }
}

/** Of one block. */
export class BlockTimes {
  readonly steps: Map<Step, Stretch> = new Map()
  readonly #clock: () => number

  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** All steps together. */
  get busy(): number {
    let sum = 0
    for (const { busy } of this.steps.values()) sum += busy
    return sum
  }

  async timed<T>(step: Step, work: () => Promise<T>): Promise<T> {
    const start = this.#clock()
    try {
      return await work()
    } finally {
      extend(this.steps, step, start, this.#clock())
    }
  }
}

function extend<K>(stretches: Map<K, Stretch>, key: K, first: number, last: number): void {
  const known = stretches.get(key)
  if (known) {
    known.last = Math.max(known.last, last)
    known.busy += last - first
  } else stretches.set(key, { first, last, busy: last - first })
}
