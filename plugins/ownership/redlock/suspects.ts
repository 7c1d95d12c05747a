/**
 * The suspect timer of slots: how long others are waited for. A member that is up and takes nothing of what is open for it cannot
 * reach the lock servers, or plans otherwise. It is passed over for a while, so that the next one takes it.
 */
import type { Host } from 'blockgate'
import { elapsed, type Fence, type Mark, mark, type SlotEntry } from 'blockgate/members'

/** How long a member may take nothing. */
const WAIT_MS = 2_000
/** For how long it is passed over. */
const PASSED_OVER_MS = 60_000

export class Suspects {
  readonly #host: Host
  /** Since when something is open for a member, and it has taken nothing. */
  readonly #idle = new Map<string, Mark>()
  readonly #suspected = new Map<string, Mark>()
  /** The newest fence of each member. */
  readonly #fences = new Map<string, Fence>()

  constructor(host: Host) {
    this.#host = host
  }

  /** Whether the member is passed over now. */
  has(id: string): boolean {
    const since = this.#suspected.get(id)
    return since !== undefined && elapsed(since, mark(this.#host)) < PASSED_OVER_MS
  }

  /** Notes who was recorded anew: it is at work, also where it was passed over until now. */
  working(entries: Iterable<SlotEntry>): void {
    for (const { holder, fence } of entries) {
      if (fence <= (this.#fences.get(holder) ?? 0)) continue
      this.#fences.set(holder, fence)
      this.#idle.delete(holder)
      this.#suspected.delete(holder)
    }
  }

  /**
   * Notes for whom something is open.
   * @returns whether one of them is passed over from now on: then plan anew
   */
  wait(members: ReadonlySet<string>): boolean {
    const now = mark(this.#host)
    for (const id of this.#idle.keys()) if (!members.has(id)) this.#idle.delete(id)
    for (const id of members) if (!this.#idle.has(id)) this.#idle.set(id, now)
    const late = [...this.#idle].filter(([, since]) => elapsed(since, now) >= WAIT_MS)
    for (const [id] of late) this.#suspected.set(id, now)
    return late.length > 0
  }

  /** The fault may be here: all are waited for once more. */
  clear(): void {
    this.#idle.clear()
    this.#suspected.clear()
  }
}
