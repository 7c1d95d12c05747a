/**
 * The slot leases of this member: it locks, records, renews and gives up. A pass follows each look and each tick. It compares the
 * entries of the store with what is held, so that whatever was lost on the way is done by a later pass.
 */
import { codeOf, type Host, isOwnershipUnavailable, rawMessageOf } from 'blockgate'
import {
  Coalesced,
  eachBounded,
  elapsed,
  type Fence,
  type Mark,
  type Membership,
  type MembersView,
  mark,
  type SlotRank,
  type SlotStore,
} from 'blockgate/members'
import type { Candidates } from './candidates.ts'
import type { Lock } from './lock.ts'
import type { Locks } from './locks.ts'
import { Plan } from './plan.ts'
import { keyOf, type Slots } from './slots.ts'
import { Suspects } from './suspects.ts'

/** Slots of one request: they share a lock value, an entry in the store's list of changes, and a packet. */
const TOGETHER = 128
/** Requests at once. */
const AT_ONCE = 8

/** A member gives up at most this share of all slots at once, and one at least: so many have no holder until others take them. */
const GIVEN = 1 / 32

/** A lease that was lost or refused is tried again after this long: whatever the store says, nobody runs in circles. */
const AGAIN_MS = 250

export interface LeaseManagerOptions {
  readonly host: Host
  readonly store: SlotStore
  readonly membership: Membership
  readonly locks: Locks
  readonly slots: Slots
  readonly ttlMs: number
}

export class LeaseManager {
  readonly #options: LeaseManagerOptions
  /** Locks whose entries were made, by slot: a member holds one rank of a slot at most. */
  readonly #held = new Map<number, { readonly rank: number; readonly lock: Lock }>()
  readonly #passes = new Coalesced(() => this.#pass())
  readonly #renewals = new Coalesced(() => this.#renew())
  readonly #suspects: Suspects
  /** When each rank was tried last. */
  readonly #tried = new Map<string, Mark>()
  /** Readings that had begun when this member wrote last: until a later one was taken in, the entries do not show it. */
  #written = 0
  #timer: Disposable | undefined
  #closed = false

  constructor(options: LeaseManagerOptions) {
    this.#options = options
    this.#suspects = new Suspects(options.host)
  }

  start(): void {
    const { host, ttlMs } = this.#options
    this.#timer = host.setTimer(Math.min(1_000, Math.max(100, ttlMs / 12)), () => {
      this.start()
      void this.#renewals.request()
    })
    this.onPoll()
  }

  /** After each poll, also one that failed. `broken`: nothing seen before may count as seen without a break. */
  onPoll(broken = false): void {
    if (broken) this.#suspects.clear()
    if (!this.#closed) void this.#passes.request()
  }

  /** What this member holds of the slot; undefined where it holds no lock that is valid now. */
  lockOf(slot: number): Lock | undefined {
    const lock = this.#held.get(slot)?.lock
    return lock?.valid ? lock : undefined
  }

  /** Nothing new is begun; what is held stays locked. */
  close(): void {
    this.#closed = true
    this.#timer?.[Symbol.dispose]()
  }

  /** After close(): gives all locks back, so that a process that is started again soon need not wait for their end. */
  async release(): Promise<void> {
    await Promise.all([this.#passes.idle(), this.#renewals.idle()])
    await this.#letGo([...this.#held.keys()])
    await this.#options.locks.close()
  }

  /** Never rejects. */
  async #pass(): Promise<void> {
    const { membership, slots } = this.#options
    await this.#letGo([...this.#held.keys()].filter(slot => !this.#stands(slot)))
    const { known, me, session } = membership
    if (this.#closed || !known || session?.superseded || !slots.readSince(this.#written)) return
    if (known.member(me)?.draining) {
      if (!known.frozen) await this.#giveUp(slots.all.filter(({ holder }) => holder === me))
      return
    }
    const candidates = slots.candidates(known.entries)
    const plan = this.#plan(known, candidates)
    const mine = slots.all.filter(({ slot, holder }) => holder === me && !this.#held.has(slot))
    const own = mine.filter(entry => slots.has(entry) && candidates.holders(slots.of(entry.slot)).includes(entry))
    const open = plan?.open.filter(({ to }) => to === me) ?? []
    if (own.length + open.length > 0) return await this.#takeAll([...own, ...open])
    const most = Math.max(1, Math.floor(slots.numbers.length * GIVEN))
    const given = known.fingerprintsAgree ? (plan?.gives(me, most) ?? []) : []
    // Without its lock nobody could take it.
    await this.#giveUp(given.filter(({ slot }) => this.lockOf(slot)))
  }

  /** Whether the lock of a slot is to be kept: it is valid, and the entries show what was recorded for it. */
  #stands(slot: number): boolean {
    const { slots, membership } = this.#options
    const { lock, rank } = this.#held.get(slot) ?? {}
    if (!lock?.valid || membership.session?.superseded) return false
    if (!slots.readSince(this.#written)) return true
    const first = slots.of(slot).find(({ holder }) => holder === membership.me)
    return first?.rank === rank && first?.fence === lock.fence
  }

  /** Whoever leaves open what is its to take is passed over for a while. Undefined while nobody may take anything. */
  #plan(view: MembersView, candidates: Candidates): Plan | undefined {
    const { slots, membership, locks } = this.#options
    if (view.frozen || !locks.reachable) this.#suspects.clear()
    if (view.frozen) return undefined
    this.#suspects.working(slots.all)
    for (;;) {
      const takers = candidates.ids.filter(id => view.live.has(id) && (id === membership.me || !this.#suspects.has(id)))
      const plan = new Plan(slots, candidates, takers)
      const others = plan.open.map(({ to }) => to).filter(id => id !== membership.me)
      if (!this.#suspects.wait(new Set(others))) return plan
    }
  }

  /** Where lock servers or store are away, those that come later are not tried. */
  async #takeAll(ranks: readonly SlotRank[]): Promise<void> {
    const { host } = this.#options
    const now = mark(host)
    const isDue = (tried: Mark | undefined) => !tried || elapsed(tried, now) >= AGAIN_MS
    const due = ranks.filter(rank => isDue(this.#tried.get(keyOf(rank))))
    const before = this.#held.size
    await this.#together('slots could not be taken', due, some => this.#take(some))
    const taken = this.#held.size - before
    if (taken > 0) host.log.info('slots taken', { taken, held: this.#held.size })
  }

  /** Locks, a fence, a look at the locks, entries: in this order. */
  async #take(ranks: readonly SlotRank[]): Promise<void> {
    const { host, store, membership, locks } = this.#options
    const now = mark(host)
    for (const rank of ranks) this.#tried.set(keyOf(rank), now)
    const resourceOf = (rank: SlotRank) => `blockgate:{${store.cluster ?? ''}}:lock/${keyOf(rank)}`
    const granted = await locks.acquire(ranks.map(resourceOf))
    const lockOf = new Map(granted.map(lock => [lock.resource, lock]))
    try {
      if (granted.length === 0) return
      const fence = (await membership.calls?.make(() => store.fence())) ?? 0
      for (const lock of granted) lock.fence = fence
      // The turn may have come late: the fence of whoever was granted a lock since is larger, and nothing is lost by not trying.
      const may = (rank: SlotRank) => lockOf.get(resourceOf(rank))?.valid && !this.#closed && this.#free(rank)
      for (const { slot, rank } of await this.#record(fence, false, () => ranks.filter(may))) {
        const lock = lockOf.get(resourceOf({ slot, rank }))
        if (!lock) continue
        this.#held.set(slot, { rank, lock })
        lockOf.delete(lock.resource)
      }
    } finally {
      await locks.release([...lockOf.values()])
    }
  }

  /** Whether the entries still say that nobody else holds it: since the plan was made this process may have stood still. */
  #free({ slot, rank }: SlotRank): boolean {
    const { membership, slots } = this.#options
    const { known, me } = membership
    if (!known) return false
    const holders = slots.candidates(known.entries).holders(slots.of(slot))
    return !holders.some(entry => entry.rank === rank && entry.holder !== me)
  }

  /** Makes the entries that `which` names when its turn has come. @returns those that were made */
  async #record(fence: Fence, give: boolean, which: () => readonly SlotRank[]): Promise<readonly SlotRank[]> {
    const { store, membership, slots } = this.#options
    const { session, calls } = membership
    const answer = await session?.inTurn(async () => {
      const ranks = which()
      if (!calls || ranks.length === 0) return undefined
      try {
        return await session.write(stamp => calls.make(() => store.hold(stamp, { ranks, fence, give })))
      } finally {
        this.#written = slots.readings
      }
    })
    // Where it failed, the next poll is soon enough.
    if (answer !== undefined) membership.poll()
    return answer?.status === 'ok' ? answer.recorded : []
  }

  async #giveUp(ranks: readonly SlotRank[]): Promise<void> {
    const { host, store, membership } = this.#options
    if (ranks.length === 0) return
    await this.#together('slots could not be given up', ranks, async some => {
      const fence = (await membership.calls?.make(() => store.fence())) ?? 0
      // The locks first: whoever reads the entries can take them at once.
      await this.#letGo(some.map(({ slot }) => slot))
      await this.#record(fence, true, () => some)
    })
    host.log.info('slots given up', { given: ranks.length, held: this.#held.size })
  }

  /** Never rejects. What was lost is let go, and taken anew, by a pass. */
  async #renew(): Promise<void> {
    const held = [...this.#held.values()].map(({ lock }) => lock)
    await this.#quietly('locks could not be renewed', () => this.#options.locks.renew(held))
    this.onPoll()
  }

  /** Gives locks back. Never rejects. */
  async #letGo(slots: readonly number[]): Promise<void> {
    const held = slots.flatMap(slot => this.#held.get(slot)?.lock ?? [])
    for (const slot of slots) this.#held.delete(slot)
    await this.#options.locks.release(held)
  }

  /** As many as one request may have, and a few requests at once. Never rejects; after a failure none is begun. */
  async #together(
    failure: string,
    ranks: readonly SlotRank[],
    work: (some: readonly SlotRank[]) => Promise<void>,
  ): Promise<void> {
    const from = Array.from({ length: Math.ceil(ranks.length / TOGETHER) }, (_, i) => i * TOGETHER)
    const each = (at: number) => work(ranks.slice(at, at + TOGETHER))
    await this.#quietly(failure, () => eachBounded(from, AT_ONCE, each))
  }

  /** Never rejects. Servers that are away have been logged. */
  async #quietly(failure: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (this.#closed || isOwnershipUnavailable(error)) return
      this.#options.host.log.error(failure, { code: codeOf(error), error: rawMessageOf(error) })
    }
  }
}
