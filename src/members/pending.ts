/** Blocks that this process serves, and that others are to serve: kept until the others do. */
import { elapsed, type Mark, mark } from '../async/clock.ts'
import { Coalesced } from '../async/coalesced.ts'
import { inSlices } from '../async/slices.ts'
import type { BlockId, BlockMeta } from '../contracts/block.ts'
import { BlockMap, BlockSet } from '../contracts/block-map.ts'
import { codeOf, rawMessageOf } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'

/** A block that could go, and that nobody asked for since that was told, is told again after this long, ms. */
const TELL_AGAIN = 30_000

export interface PendingHandOff {
  readonly id: BlockId
  readonly superseding: BlockMeta
  readonly urgent: boolean
  /** When it was asked for first. */
  readonly since: Mark
  /** Since when each member was seen serving `superseding` without a break, on the monotonic clock. */
  readonly seen: Map<string, number>
  /** How many interruptions there had been when `seen` was begun. */
  interruptions: number
  /** When it was told that it could go; undefined where it was asked for since. */
  told: Mark | undefined
}

/** Whether a block could go now; `wait`: not before so many ms, by what is known now. `over`: it is not pending any more. */
export type Verdict = 'ready' | 'blocked' | 'owned again' | { readonly wait: number }

export class PendingHandOffs {
  readonly #blocks = new BlockMap<PendingHandOff>()
  readonly #judge: (block: PendingHandOff) => Verdict
  readonly #tell: (ids: ReadonlySet<BlockId>) => void
  #checks: Coalesced | undefined
  #interruptions = 0
  #timer: { readonly at: number; readonly timer: Disposable } | undefined

  /** `judge` is asked after each poll and when a wait is over; `tell` hears of those that could go now. */
  constructor(judge: (block: PendingHandOff) => Verdict, tell: (ids: ReadonlySet<BlockId>) => void) {
    this.#judge = judge
    this.#tell = tell
  }

  /** Somebody asks whether the block may go. What was seen for another `superseding` does not count. */
  ask(host: Host, id: BlockId, superseding: BlockMeta, urgent: boolean): PendingHandOff {
    const before = this.#blocks.get(id)
    if (before) this.#afterInterruption(before)
    const block: PendingHandOff = {
      id,
      superseding,
      urgent,
      since: before?.since ?? mark(host),
      seen: before?.superseding.ulid === superseding.ulid ? before.seen : new Map(),
      interruptions: this.#interruptions,
      told: undefined,
    }
    this.#blocks.set(id, block)
    return block
  }

  delete(id: BlockId): void {
    this.#blocks.delete(id)
  }

  /** This process did not poll for a while: nobody was seen without a break. */
  interrupted(): void {
    this.#interruptions++
  }

  #afterInterruption(block: PendingHandOff): void {
    if (block.interruptions !== this.#interruptions) block.seen.clear()
    block.interruptions = this.#interruptions
  }

  /** Judges all of them anew, and tells which could go: once more where it was asked for meanwhile. */
  check(host: Host): void {
    this.#checks ??= new Coalesced(() => this.#check(host))
    void this.#checks.request()
  }

  async #check(host: Host): Promise<void> {
    // What is asked for meanwhile sets its own.
    this.stop()
    const now = mark(host)
    const ready = new BlockSet()
    let next = Number.POSITIVE_INFINITY
    try {
      await inSlices(host, this.#blocks.values(), block => {
        this.#afterInterruption(block)
        const verdict = this.#judge(block)
        if (verdict === 'owned again') this.#blocks.delete(block.id)
        else if (typeof verdict === 'object') next = Math.min(next, verdict.wait)
        if (verdict !== 'ready' || (block.told && elapsed(block.told, now) < TELL_AGAIN)) return
        block.told = now
        ready.add(block.id)
      })
    } catch (error) {
      host.log.error('pending hand-offs could not be judged', { code: codeOf(error), error: rawMessageOf(error) })
    }
    if (Number.isFinite(next)) this.later(host, next)
    if (ready.size > 0) this.#tell(ready)
  }

  /** Judges again after `ms`, if nothing happens before. */
  later(host: Host, ms: number): void {
    const at = host.monotonic() + ms
    if (this.#timer && this.#timer.at <= at) return
    this.stop()
    const timer = host.setTimer(ms, () => {
      this.#timer = undefined
      this.check(host)
    })
    this.#timer = { at, timer }
  }

  stop(): void {
    this.#timer?.timer[Symbol.dispose]()
    this.#timer = undefined
  }
}
