/** Releases on their way to the store: those that wait for one another go together. */
import { type Span, trace } from '@opentelemetry/api'
import { Coalesced } from '../async/coalesced.ts'
import { OwnershipUnavailable } from '../contracts/errors.ts'
import type { Epoch } from '../contracts/ownership.ts'
import { MAX_IDS, type MemberStore, type ReleaseItem } from './contract.ts'
import { tellRelease } from './epoch-spans.ts'
import type { Membership } from './membership.ts'
import type { Session } from './session.ts'

interface Waiting {
  readonly item: ReleaseItem
  readonly decidedIn: Epoch
  readonly signal: AbortSignal
  /** The block's, of this step. */
  readonly span: Span | undefined
  readonly resolve: (released: boolean) => void
  readonly reject: (error: unknown) => void
}

export class Releases {
  readonly #store: MemberStore
  readonly #membership: Membership
  readonly #sends = new Coalesced(() => this.#sendAll())
  #waiting: Waiting[] = []

  constructor(store: MemberStore, membership: Membership) {
    this.#store = store
    this.#membership = membership
  }

  /**
   * Whether it is advertised no more, by the store's word; then the block is not in the served set any more. Rejects where that is not known:
   * the block is served still, and published again. A signal that aborts while the call is under way is ignored.
   */
  release(item: ReleaseItem, decidedIn: Epoch, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, decidedIn, signal, span: trace.getActiveSpan(), resolve, reject })
      void this.#sends.request()
    })
  }

  async #sendAll(): Promise<void> {
    const { session } = this.#membership
    try {
      if (!session) throw new OwnershipUnavailable('a process that only observes releases nothing')
      while (this.#waiting.length > 0) {
        await session.inTurn(async () => {
          // Those that were asked for in the same breath come along.
          await undefined
          await this.#send(session, this.#take())
        })
      }
    } catch (error) {
      for (const { reject } of this.#waiting.splice(0)) reject(error)
    }
  }

  /** As many of one epoch as one call may carry. */
  #take(): readonly Waiting[] {
    for (const { signal, reject } of this.#waiting) if (signal.aborted) reject(signal.reason)
    const left = this.#waiting.filter(({ signal }) => !signal.aborted)
    const batch = left.filter(({ decidedIn }) => decidedIn === left[0]?.decidedIn).slice(0, MAX_IDS)
    this.#waiting = left.filter(waiting => !batch.includes(waiting))
    return batch
  }

  async #send(session: Session, batch: readonly Waiting[]): Promise<void> {
    const { served, view } = this.#membership
    const [first] = batch
    if (!first || !view) return
    const { freshMs } = view
    const request = { decidedIn: first.decidedIn, freshMs, items: batch.map(({ item }) => item) }
    try {
      const reply = await session.write(stamp => session.calls.make(() => this.#store.release(stamp, request)))
      const released = new Set(reply.status === 'ok' ? reply.released : [])
      for (const id of released) served.released(id)
      for (const { item, span, resolve } of batch) {
        const status = reply.status === 'ok' ? 'kept' : reply.status
        tellRelease(span, released.has(item.id) ? 'released' : status, item.targets, item.quorum)
        resolve(released.has(item.id))
      }
      if (reply.status !== 'ok') this.#membership.poll()
    } catch (error) {
      // For the others they may be released, here they are held: so they are claimed again.
      served.dirty = true
      for (const { reject } of batch) reject(error)
    }
  }
}
