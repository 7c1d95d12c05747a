/**
 * The seats of this member: it locks, records, renews and gives up. One pass after each look and at each tick: what the records and
 * the plan say is compared with what is held, so that whatever was lost on the way is done by a later pass.
 */
import { codeOf, type Host, isOwnershipUnavailable, rawMessageOf } from 'blockgate'
import {
  Coalesced,
  eachBounded,
  elapsed,
  type Fence,
  type LeasedLock,
  type Mark,
  type Membership,
  type MembersView,
  mark,
  type SlotStore,
} from 'blockgate/members'
import type { Seating, SlotAssignments } from './assign.ts'
import { type Held, HeldSeats } from './held-seats.ts'
import type { Lock, LockProvider } from './lock.ts'
import { Patience } from './patience.ts'
import { Planner } from './planner.ts'
import { type Seat, type SeatKey, seatKey } from './seats.ts'
import type { SlotBook } from './slot-book.ts'

/** Seats that are locked and recorded at once. */
const AT_ONCE = 32

/** A seat that was lost or refused is tried again after this long: whatever the store says, nobody runs in circles. */
const AGAIN_MS = 250

/** How long a seat that was given up may wait for its taker before another one is given up. */
const HANDING_MS = 10_000

export interface SeatKeeperOptions {
  readonly store: SlotStore
  readonly membership: Membership
  readonly book: SlotBook
  readonly assignments: SlotAssignments
  readonly slots: number
  readonly replicas: number
  readonly ttlMs: number
}

export class SeatKeeper {
  readonly #options: SeatKeeperOptions
  readonly #locks: LockProvider
  readonly #host: Host
  readonly #held: HeldSeats
  readonly #passes = new Coalesced(() => this.#pass())
  readonly #renewals = new Coalesced(() => this.#renew())
  readonly #patience: Patience
  readonly #planner: Planner
  /** When each seat was tried last. */
  readonly #tried = new Map<SeatKey, Mark>()
  /** Seats that were given up, and the readings that had begun by then: only a later one shows that this member has it again. */
  readonly #given = new Map<SeatKey, number>()
  #handing: { readonly seat: Seat; readonly fence: Fence; readonly since: Mark } | undefined
  #timer: Disposable | undefined
  #closed = false

  constructor(options: SeatKeeperOptions, locks: LockProvider, host: Host) {
    this.#options = options
    this.#locks = locks
    this.#host = host
    this.#held = new HeldSeats(host, options.ttlMs)
    this.#patience = new Patience(host)
    const { book, slots, replicas, membership } = options
    this.#planner = new Planner({ book, patience: this.#patience, slots, replicas, me: () => membership.me })
  }

  start(): void {
    this.#arm()
    this.look()
  }

  /** Something is known that was not before. */
  look(): void {
    if (!this.#closed) void this.#passes.request()
  }

  /** What this member holds of the slot; undefined where it holds no lock that is valid now. */
  lockOf(slot: number): LeasedLock | undefined {
    return this.#held.lockOf(slot, this.#options.replicas)
  }

  /** Nothing new is begun; what is held stays locked. */
  close(): void {
    this.#closed = true
    this.#timer?.[Symbol.dispose]()
  }

  /** After close(): gives all locks back, so that a process that is started again soon need not wait for their end. */
  async release(): Promise<void> {
    await Promise.all([this.#passes.idle(), this.#renewals.idle()])
    await this.#held.letGo(this.#held.all())
  }

  #arm(): void {
    if (this.#closed) return
    const { ttlMs } = this.#options
    this.#timer = this.#host.setTimer(Math.min(1_000, Math.max(100, ttlMs / 12)), () => {
      this.#arm()
      void this.#renewals.request()
      this.look()
    })
  }

  /** One pass. Never rejects. */
  async #pass(): Promise<void> {
    const { membership } = this.#options
    await this.#held.letGo(this.#held.all().filter(held => !this.#stands(held)))
    const { known, me, session } = membership
    if (this.#closed || !known || session?.superseded) return
    const mine = known.member(me)
    if (mine?.draining) return known.frozen ? undefined : this.#leave()
    const seating = this.#options.assignments.seating(known.record)
    const took = await this.#takeAll(this.#wanted(known, seating))
    if (took > 0) membership.poll()
    await this.#give(known, seating)
  }

  /** Whether a lock is to be kept: it is valid, and the records do not say that a later one was given. */
  #stands({ seat, lock, fence, begun }: Held): boolean {
    const { book, membership } = this.#options
    if (!lock.valid || membership.session?.superseded) return false
    const records = book.of(seat.slot)
    // Two seats of one slot are one too many.
    if (records.some(({ rank, holder }) => rank < seat.rank && holder === membership.me)) return false
    const record = records.find(({ rank }) => rank === seat.rank)
    if (record && record.fence >= fence) return record.fence === fence
    // Older, or not there: not read yet, or the store has lost it. Then it is taken once more.
    return !book.readSince(begun)
  }

  /** The seats that this member is to lock and to record now. */
  #wanted(view: MembersView, seating: Seating): readonly Seat[] {
    const { book, replicas, membership } = this.#options
    const { me } = membership
    const own = this.#planner
      .own(seating)
      .filter(seat => !this.#held.of(seat) && book.readSince(this.#given.get(seatKey(seat)) ?? 0))
    const open = view.frozen ? [] : this.#planner.plan(view, seating).open.filter(({ to }) => to === me)
    const now = mark(this.#host)
    // What was taken since the records were read is not in the plan yet.
    return [...own, ...open.filter(({ slot }) => !this.#held.inSlot(slot, replicas))].filter(seat => {
      const tried = this.#tried.get(seatKey(seat))
      return !tried || elapsed(tried, now) >= AGAIN_MS
    })
  }

  /**
   * One of them first, whichever: where lock servers or store are away the others need not ask as well.
   * @returns how many were recorded
   */
  async #takeAll(seats: readonly Seat[]): Promise<number> {
    let took = 0
    const probe = Math.floor(this.#host.random() * seats.length)
    const take = async (seat: Seat): Promise<boolean> => {
      const answer = await this.#take(seat)
      if (answer === 'taken') took++
      return answer !== 'unreachable'
    }
    const first = seats[probe]
    if (first && (await take(first))) {
      await eachBounded(
        seats.filter((_, i) => i !== probe),
        AT_ONCE,
        async seat => void (await take(seat)),
      )
    }
    if (took > 0) this.#host.log.info('slots taken', { taken: took, held: this.#held.size })
    return took
  }

  /** Lock, fence, a look at the lock, record: in this order. Never rejects. */
  async #take(seat: Seat): Promise<'taken' | 'refused' | 'unreachable'> {
    const { store, membership, book } = this.#options
    const { session, calls } = membership
    if (this.#closed || !session || !calls) return 'unreachable'
    if (!this.#free(seat)) return 'refused'
    let lock: Lock | undefined
    let kept = false
    try {
      const at = mark(this.#host)
      this.#tried.set(seatKey(seat), at)
      lock = await this.#locks.acquire(this.#resource(seat))
      this.#patience.reached()
      if (!lock) {
        // The plan of others, or of an earlier process of this member, goes on.
        this.#patience.busy(seatKey(seat))
        return 'refused'
      }
      const own = lock
      const fence = await calls.make(() => store.fence())
      const answer = await session.inTurn(async () => {
        // The turn may have come late: the fence of whoever was granted the lock since is larger, and nothing is lost by not trying.
        if (!own.valid || this.#closed || !this.#free(seat)) return undefined
        return session.write(stamp => calls.make(() => store.hold(stamp, { ...seat, fence, give: false })))
      })
      if (answer !== 'ok') return 'refused'
      this.#held.add({ seat, lock: own, fence, begun: book.begun, at })
      kept = true
      return 'taken'
    } catch (error) {
      this.#failed('a slot could not be taken', error)
      return isOwnershipUnavailable(error) ? 'unreachable' : 'refused'
    } finally {
      if (!kept) await lock?.release()
    }
  }

  /** Whether the records still say that nobody else has the seat: since the plan was made this process may have stood still. */
  #free({ slot, rank }: Seat): boolean {
    const { membership, book, assignments } = this.#options
    const { known, me } = membership
    if (!known) return false
    const sitting = assignments
      .seating(known.record)
      .seated(book.of(slot))
      .find(record => record.rank === rank)
    return sitting === undefined || sitting.holder === me
  }

  /** At most one seat is on its way from this member to another. */
  async #give(view: MembersView, seating: Seating): Promise<void> {
    if (this.#closed || view.frozen || !view.fingerprintsAgree || this.#onItsWay()) return
    const { open, gives: seat } = this.#planner.plan(view, seating)
    // While seats are open it is not known yet who has how many.
    const held = seat && open.length === 0 ? this.#held.of(seat) : undefined
    // Without its lock nobody could take it.
    if (!held?.lock.valid) return
    await this.#giveUp(held.seat, held)
  }

  #onItsWay(): boolean {
    if (!this.#handing) return false
    const { seat, fence, since } = this.#handing
    const record = this.#options.book.of(seat.slot).find(({ rank }) => rank === seat.rank)
    const taken = record !== undefined && record.fence > fence
    if (taken || elapsed(since, mark(this.#host)) > HANDING_MS) this.#handing = undefined
    return this.#handing !== undefined
  }

  /** This member drains: it gives up all that the records say it has. */
  async #leave(): Promise<void> {
    const { book, slots, membership } = this.#options
    const seats: Seat[] = []
    for (let slot = 0; slot < slots; slot++) {
      for (const { rank, holder } of book.of(slot)) if (holder === membership.me) seats.push({ slot, rank })
    }
    if (seats.length === 0) return
    await eachBounded(seats, AT_ONCE, seat => this.#giveUp(seat, this.#held.of(seat)))
    this.#host.log.info('slots given up', { given: seats.length })
  }

  /** The lock first: whoever reads the record can take it at once. Never rejects. */
  async #giveUp(seat: Seat, held: Held | undefined): Promise<void> {
    const { store, membership, book } = this.#options
    const { session, calls } = membership
    if (!session || !calls) return
    try {
      const fence = await calls.make(() => store.fence())
      if (held) await this.#held.letGo([held])
      const request = { ...seat, fence, give: true }
      const answer = await session.inTurn(() => session.write(stamp => calls.make(() => store.hold(stamp, request))))
      if (answer !== 'ok') return
      this.#given.set(seatKey(seat), book.begun)
      this.#handing = { seat, fence, since: mark(this.#host) }
    } catch (error) {
      this.#failed('a slot could not be given up', error)
    } finally {
      membership.poll()
    }
  }

  /** Never rejects. What was lost is taken anew, or let go. */
  async #renew(): Promise<void> {
    const lost = await this.#held.renew({
      extended: () => this.#patience.reached(),
      failed: error => this.#failed('a lock could not be renewed', error),
    })
    if (lost) this.look()
  }

  #resource({ slot, rank }: Seat): string {
    return `blockgate:{${this.#options.store.cluster ?? ''}}:lock/${slot}/${rank}`
  }

  /** Servers that are away were told already; then nobody can be blamed for not taking what is open. */
  #failed(what: string, error: unknown): void {
    this.#patience.forgive()
    if (this.#closed || isOwnershipUnavailable(error)) return
    this.#host.log.error(what, { code: codeOf(error), error: rawMessageOf(error) })
  }
}
