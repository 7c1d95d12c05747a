/**
 * The offers of one segment in one run: each block's attempts, its retries with backoff, and, in the last segment, its
 * re-offers when ownership moves. Whatever is tried again is the same block with a fresh context, and counts once.
 */
import { type Backoff, backoffMs } from '../async/backoff.ts'
import { pause } from '../async/slices.ts'
import type { Task, WorkQueue } from '../async/work-queue.ts'
import type { BlockId, BlockMeta, Candidate } from '../contracts/block.ts'
import { codeOf, ErrorCode, isRetryable } from '../contracts/errors.ts'
import type { Epoch, OwnershipChange } from '../contracts/ownership.ts'
import type { Outcome } from '../contracts/stage.ts'
import type { Engine } from './engine.ts'

/** Tries of one block in one run, the first included; after them the next run tries. */
const MAX_ATTEMPTS = 4
const BACKOFF: Backoff = { base: 1_000, max: 30_000 }
/** A plugin whose epoch never rests must not keep a run from ending. */
const MAX_REOFFERS = 16

/** Whether try number `attempts` is followed by another one in this run. */
export function retries(outcome: Outcome, attempts: number): boolean {
  return outcome.kind === 'failed' && isRetryable(outcome.error) && attempts < MAX_ATTEMPTS
}

/** One attempt, and its outcome written down. Never rejects. */
export type Attempt = (candidate: Candidate, number: number) => Promise<Outcome>

interface Offer {
  readonly candidate: Candidate
  attempts: number
  reoffers: number
  /** The epoch at its last re-offer: an answer that stays older than that is not asked for again. */
  offeredIn: Epoch
}

/** A walk through a retry queue that goes on. A change that comes meanwhile counts for the rest of it. */
interface Recheck {
  readonly changes: Changes
  /** From `at` on; undefined where one was taken before its turn. */
  readonly waiting: (Offer | undefined)[]
  at: number
}

export class Offers {
  readonly #engine: Engine
  readonly #queue: WorkQueue
  readonly #attempt: Attempt
  /** Blocks that may be offered again when ownership changes. */
  #retryQueue: Offer[] = []
  readonly #rechecks = new Set<Recheck>()
  readonly #timers = new Set<Disposable>()

  constructor(engine: Engine, queue: WorkQueue, attempt: Attempt) {
    this.#engine = engine
    this.#queue = queue
    this.#attempt = attempt
  }

  /** The task of a block's first offer. */
  task(candidate: Candidate): () => Promise<void> {
    const offer: Offer = { candidate, attempts: 0, reoffers: 0, offeredIn: Number.NEGATIVE_INFINITY }
    return () => this.#offer(offer)
  }

  /** Offers again what the change affects. What is in flight is not touched: its lease says when it is lost. */
  onChange(change: OwnershipChange): void {
    for (const { changes } of this.#rechecks) changes.add(change)
    if (this.#retryQueue.length === 0) return
    const recheck: Recheck = { changes: new Changes(), waiting: this.#retryQueue, at: 0 }
    recheck.changes.add(change)
    this.#rechecks.add(recheck)
    this.#retryQueue = []
    this.#queue.pushFront(this.#affected(recheck))
  }

  /** Of the blocks that are to be asked for again those in `wanted` are first. They are taken out of it. */
  async first(wanted: Set<BlockId>): Promise<void> {
    for (const { changes, waiting, at } of this.#rechecks) {
      for (let i = at; i < waiting.length && wanted.size > 0; i++) {
        const offer = waiting[i]
        if (offer && wanted.delete(offer.candidate.meta.ulid)) {
          waiting[i] = undefined
          const again = this.#againIf(offer, changes)
          if (again) this.#queue.pushFirst(again)
        }
        if (i % 16 === 0) await pause(this.#engine.host)
      }
    }
  }

  /** Cancels the backoffs that still wait. */
  stop(): void {
    for (const timer of this.#timers) timer[Symbol.dispose]()
    this.#timers.clear()
  }

  /** Checks one after another when a worker is free: there may be as many as the bucket has. */
  *#affected(recheck: Recheck): Generator<Task, void> {
    let others = 0
    while (recheck.at < recheck.waiting.length) {
      const offer = recheck.waiting[recheck.at++]
      const again = offer && this.#againIf(offer, recheck.changes)
      if (again) yield again
      else if (++others % 64 === 0) yield nothing
    }
    this.#rechecks.delete(recheck)
  }

  /** What offers the block again where one of the changes affects it; where none does, it waits for the next change. */
  #againIf(offer: Offer, changes: Changes): Task | undefined {
    if (offer.reoffers < MAX_REOFFERS && changes.affects(offer.candidate.meta)) return this.#again(offer)
    this.#retryQueue.push(offer)
    return undefined
  }

  async #offer(offer: Offer): Promise<void> {
    const { ownership } = this.#engine.plan
    const queue = this.#queue
    const { meta } = offer.candidate
    const before = ownership.epoch(meta)
    const outcome = await this.#attempt(offer.candidate, ++offer.attempts)
    if (queue.closed) return
    if (outcome.kind === 'failed') {
      if (!retries(outcome, offer.attempts)) return
      this.#engine.metrics?.retried(outcome.by, codeOf(outcome.error) ?? ErrorCode.internal)
      this.#later(offer)
      return
    }
    if (outcome.kind !== 'skipped' || !outcome.recheck) return
    // The lost wake-up: the change may have come between the answer and this line, when nobody waited for it yet.
    const now = ownership.epoch(meta)
    const newer = now > (outcome.epoch ?? before) && now > offer.offeredIn
    if (newer && offer.reoffers < MAX_REOFFERS) queue.pushFront([this.#again(offer)])
    else this.#retryQueue.push(offer)
  }

  #again(offer: Offer): () => Promise<void> {
    offer.reoffers++
    this.#engine.metrics?.reoffered(1)
    offer.attempts = 0
    offer.offeredIn = this.#engine.plan.ownership.epoch(offer.candidate.meta)
    return () => this.#offer(offer)
  }

  #later(offer: Offer): void {
    const { host } = this.#engine
    const queue = this.#queue
    const release = queue.hold()
    const timer = host.setTimer(backoffMs(host, BACKOFF, offer.attempts), () => {
      this.#timers.delete(timer)
      queue.pushFront([() => this.#offer(offer)])
      release()
    })
    this.#timers.add(timer)
  }
}

async function nothing(): Promise<void> {}

/** More than so many stand for a change of everything: asking once too often is cheap, asking too seldom loses a block. */
const MOST = 64

/** Ownership changes that nobody has acted on yet. They come as often as members come and go; what is kept of them is bounded. */
export class Changes {
  #list: readonly OwnershipChange[] = []

  add(change: OwnershipChange): void {
    this.#list = this.#list.length < MOST ? [...this.#list, change] : [{ ...change, affects: () => true }]
  }

  get none(): boolean {
    return this.#list.length === 0
  }

  /** Whether one of them affects the block; also where the plugin cannot say. */
  affects(block: BlockMeta): boolean {
    return this.#list.some(change => {
      try {
        return change.affects(block) !== false
      } catch {
        return true
      }
    })
  }
}
