/** What a member says of itself: that it is there, that it is back, and what it serves. */
import { codeOf, isOwnershipUnavailable, rawMessageOf } from '../errors.ts'
import type { Host } from '../host.ts'
import type { Epoch, MemberStats } from '../ownership.ts'
import { type JoinDeps, join } from './joining.ts'
import type { Served } from './served.ts'

/** Joining, telling, and the beat that carries it: each takes one round, and each may find that the member is down again. */
const ROUNDS = 3

export interface BeatingDeps extends JoinDeps {
  readonly served: Served
  /** The epoch of an answer, as soon as it comes. */
  readonly onEpoch: (epoch: Epoch) => void
}

export class Beating {
  readonly #deps: BeatingDeps
  #stats: MemberStats | undefined
  #everJoined = false
  #refused: string | undefined

  constructor(deps: BeatingDeps) {
    this.#deps = deps
  }

  get everJoined(): boolean {
    return this.#everJoined
  }

  /** Told with the next beat. */
  report(stats: MemberStats): void {
    this.#stats = stats
  }

  /**
   * Joins where needed, beats, and tells what is to be told.
   * @throws what join() throws, and what a store call rejects with
   */
  beat(): Promise<void> {
    const { store, calls, session, served, closed, onEpoch } = this.#deps
    return session.inTurn(async () => {
      for (let round = 1; round <= ROUNDS && !session.superseded && !closed.aborted; round++) {
        if (!session.joined && !(await this.#join())) return
        const beat = { storeId: served.counts ? served.told : '', stats: this.#stats, seen: session.seen }
        const reply = await session.write(stamp => calls.make(() => store.beat(stamp, beat)))
        session.see(reply.epoch)
        onEpoch(reply.epoch)
        if (reply.status === 'missing' || reply.status === 'down') continue
        if (reply.status !== 'ok' || !served.mustTell(reply.storeId)) return
        await served.tell(session, calls, reply.storeId)
      }
    })
  }

  /** In the background: what goes wrong is said, and tried again with the next beat. */
  async beatQuietly(host: Host): Promise<void> {
    const { session, closed } = this.#deps
    if (session.superseded || closed.aborted) return
    try {
      await this.beat()
      this.#refused = undefined
    } catch (error) {
      // A store that is away was said already.
      if (closed.aborted || isOwnershipUnavailable(error)) return
      const refused = rawMessageOf(error)
      if (refused !== this.#refused) host.log.error('the beat failed', { code: codeOf(error), error: refused })
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
