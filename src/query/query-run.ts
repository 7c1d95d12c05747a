/** One query from its begin to its end: what it may take, what ends it, where its time went, and what must be told beside its answer. */
import { type LinkedSignal, linkSignals } from '../async/signals.ts'
import { pause } from '../async/slices.ts'
import type { BlockId } from '../contracts/block.ts'
import { codeOf, rawMessageOf } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import { DEFAULT_LIMITS, type QueryLimits } from '../contracts/query-limits.ts'
import { Budget } from './limits.ts'
import type { QueryMemory } from './memory.ts'
import type { Selection } from './selection.ts'
import { QueryTimes } from './times.ts'

/** Why an answer may be short. */
export type WarningReason = 'missing-blocks' | 'bad-block' | 'downsampled'

export interface Warning {
  readonly reason: WarningReason
  /** For people, one sentence without a final period. */
  readonly text: string
}

export interface QueryRunOptions {
  readonly limits?: QueryLimits | undefined
  readonly memory?: QueryMemory | undefined
  /** What is done where a block cannot be read. Default 'fail'. */
  readonly badBlock?: 'fail' | 'warn' | undefined
  /** Called in the moment in which the blocks of a part of the query are chosen and held; what it throws ends the query. */
  readonly onSelect?: ((selection: Selection) => void) | undefined
  /** Its clock tells where the time went, and lets others have their turn. Default: no clock and no turns. */
  readonly host?: Host | undefined
}

export class QueryRun implements Disposable {
  readonly budget: Budget
  readonly times: QueryTimes
  readonly warnings: Warning[] = []
  readonly #link: LinkedSignal
  readonly #bad = new Set<BlockId>()
  readonly #badBlock: 'fail' | 'warn'
  readonly #host: Host | undefined
  readonly #onSelect: QueryRunOptions['onSelect']
  #told = false

  /** @param signal ends the query, such as that of its client */
  constructor(signal: AbortSignal | undefined, options: QueryRunOptions = {}) {
    const { limits = DEFAULT_LIMITS, memory, badBlock = 'fail', host, onSelect } = options
    this.#link = linkSignals(signal)
    this.#badBlock = badBlock
    this.#host = host
    this.#onSelect = onSelect
    this.times = new QueryTimes(() => host?.monotonic() ?? 0)
    // Reads of other blocks end with it: a query that is refused asks nothing more.
    this.budget = new Budget(limits, { memory, onRefused: error => this.abort(error) })
  }

  /** Aborts when the client has gone, when the query takes too long or too much. */
  get signal(): AbortSignal {
    return this.#link.signal
  }

  abort(reason: unknown): void {
    this.#link.abort(reason)
  }

  /** After each series: what must be awaited before the next one. Reads that come from memory give nobody else a turn. */
  pause(): Promise<void> | undefined {
    return pause(this.#host)
  }

  /** To be called where blocks are chosen, in the same turn. */
  selects(selection: Selection): void {
    this.#onSelect?.(selection)
  }

  warn(reason: WarningReason, text: string): void {
    // Two queries of one request may miss the same blocks.
    if (!this.warnings.some(known => known.text === text)) this.warnings.push({ reason, text })
  }

  /** Whether the client is told this, also where its answer has begun. */
  tells(text: string): boolean {
    return !this.#told || this.warnings.some(known => known.text === text)
  }

  /** The warnings, for the client: a block that turns out to be bad later fails the query, since nobody would be told. */
  tell(): readonly Warning[] {
    this.#told = true
    return this.warnings
  }

  /** Whether a block that is bad may still be left out, with a warning: not once the answer has begun. */
  get leavesOutBad(): boolean {
    return this.#badBlock === 'warn' && !this.#told
  }

  /** What `read` gives of a block; undefined where the block is bad and the query goes on without it. */
  async of<T>(id: BlockId, read: () => Promise<T>): Promise<T | undefined> {
    if (this.#bad.has(id)) return undefined
    try {
      return await read()
    } catch (error) {
      if (this.#badBlock === 'fail' || this.#told || this.signal.aborted) throw error
      // Parts of the block that fail side by side are one warning.
      if (!this.#bad.has(id)) {
        const code = codeOf(error)
        const why = code === undefined ? rawMessageOf(error) : `${code}: ${rawMessageOf(error)}`
        this.warn('bad-block', `block ${id} cannot be read, so series of it are left out: ${why}`)
      }
      this.#bad.add(id)
      return undefined
    }
  }

  /** Gives back what it holds. */
  [Symbol.dispose](): void {
    this.times.end()
    this.budget.end()
    this.#link[Symbol.dispose]()
  }
}
