/** What a member says of itself: that it is there, that it is back, and what it serves. */
import { codeOf, isOwnershipUnavailable, rawMessageOf } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { Epoch, MemberStats } from '../contracts/ownership.ts'
import { type JoinDeps, join } from './joining.ts'
import type { Served } from './served.ts'

/** Joining, telling, and the heartbeat that carries it: each takes one round, and each may find that the member is down again. */
const ROUNDS = 3
/** Heartbeats whose delays are remembered: five minutes at the default times. */
const MOST_DELAYS = 60

export interface HeartbeatingDeps extends JoinDeps {
  readonly served: Served
  /** The epoch of an answer, as soon as it comes. */
  readonly onEpoch: (epoch: Epoch) => void
}

export class Heartbeating {
  readonly #deps: HeartbeatingDeps
  #stats: MemberStats | undefined
  #everJoined = false
  /** When a heartbeat became due that has not begun, on the monotonic clock. */
  #due: number | undefined
  readonly #delays: number[] = []
  #refused: string | undefined

  constructor(deps: HeartbeatingDeps) {
    this.#deps = deps
  }

  get everJoined(): boolean {
    return this.#everJoined
  }

  /** Told with the next heartbeat. */
  report(stats: MemberStats): void {
    this.#stats = stats
  }

  /**
   * Joins where needed, heartbeats, and tells what is to be told.
   * @throws what join() throws, and what a store call rejects with
   */
  heartbeat(): Promise<void> {
    const { store, calls, session, served, closed, host, onEpoch } = this.#deps
    return session.inTurn(async () => {
      for (let round = 1; round <= ROUNDS && !session.superseded && !closed.aborted; round++) {
        if (!session.joined && !(await this.#join())) return
        this.#begun()
        const heartbeat = { storeId: served.counts ? served.told : '', stats: this.#stats, seen: session.seen }
        const reply = await session.write(stamp => calls.make(() => store.heartbeat(stamp, heartbeat)))
        session.see(reply.epoch)
        onEpoch(reply.epoch)
        if (reply.status === 'missing' || reply.status === 'down') continue
        if (reply.status !== 'ok' || !served.mustTell(reply.storeId)) return
        await served.tell(host, session, calls, reply.storeId)
      }
    })
  }

  /** A heartbeat is due since `at`, on the monotonic clock. */
  due(at: number): void {
    this.#due ??= at
  }

  /** How late a heartbeat began, ms: the most of the last 60, and of one that has not begun. */
  get delayMs(): number {
    const waits = this.#due === undefined ? 0 : this.#deps.host.monotonic() - this.#due
    return Math.max(waits, ...this.#delays)
  }

  #begun(): void {
    if (this.#due === undefined) return
    this.#delays.push(this.#deps.host.monotonic() - this.#due)
    if (this.#delays.length > MOST_DELAYS) this.#delays.shift()
    this.#due = undefined
  }

  /** In the background: what goes wrong is said, and tried again with the next heartbeat. */
  async heartbeatQuietly(host: Host): Promise<void> {
    const { session, closed } = this.#deps
    if (session.superseded || closed.aborted) return
    try {
      await this.heartbeat()
      this.#refused = undefined
    } catch (error) {
      // A store that is away was said already.
      if (closed.aborted || isOwnershipUnavailable(error)) return
      const refused = rawMessageOf(error)
      if (refused !== this.#refused) host.log.error('the heartbeat failed', { code: codeOf(error), error: refused })
      this.#refused = refused
    }
  }

  async #join(): Promise<boolean> {
    const joined = await join(this.#deps)
    if (!joined) return false
    this.#everJoined = true
    // Whatever was claimed before is gone.
    this.#deps.served.lost()
    this.#deps.onEpoch(joined.epoch)
    return true
  }
}
