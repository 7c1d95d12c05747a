/**
 * The slot leases of this member: it locks, records, renews and gives up. A pass follows each look and each tick. It compares the
 * entries of the store with what is held, so that whatever was lost on the way is done by a later pass.
 */
import { codeOf, type Host, isOwnershipUnavailable, rawMessageOf } from 'blockgate'
import {
  Coalesced,
  eachBounded,
  elapsed,
  type HoldRequest,
  type Mark,
  type Membership,
  type MembersView,
  mark,
  type SlotStore,
} from 'blockgate/members'
import type { Candidates } from './candidates.ts'
import type { Lock } from './lock.ts'
import type { Locks } from './locks.ts'
import { Plan } from './plan.ts'
import { keyOf, type SlotRank, type Slots } from './slots.ts'
import { Suspects } from './suspects.ts'

/** Leases that are taken, renewed or given up at once: requests of one turn of the event loop share a packet. */
const AT_ONCE = 32

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
    const recorded = slots.numbers.flatMap(slot => candidates.holders(slots.of(slot)))
    const own = recorded.filter(({ slot, holder }) => holder === me && !this.#held.has(slot))
    const open = plan?.open.filter(({ to }) => to === me) ?? []
    if (own.length + open.length > 0) return await this.#takeAll([...own, ...open])
    const given = known.fingerprintsAgree ? plan?.gives(me) : undefined
    // Without its lock nobody could take it.
    if (given && this.lockOf(given.slot)) await this.#giveUp([given])
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
    await this.#quietly('a slot could not be taken', () => eachBounded(due, AT_ONCE, rank => this.#take(rank)))
    const taken = this.#held.size - before
    if (taken > 0) host.log.info('slots taken', { taken, held: this.#held.size })
  }

  /** Lock, fence, a look at the lock, entry: in this order. */
  async #take({ slot, rank }: SlotRank): Promise<void> {
    const { host, store, membership, locks } = this.#options
    const key = keyOf({ slot, rank })
    this.#tried.set(key, mark(host))
    const lock = await locks.acquire(`blockgate:{${store.cluster ?? ''}}:lock/${key}`)
    if (!lock) return
    try {
      lock.fence = (await membership.calls?.make(() => store.fence())) ?? 0
      // The turn may have come late: the fence of whoever was granted the lock since is larger, and nothing is lost by not trying.
      const may = () => lock.valid && !this.#closed && this.#free(slot, rank)
      if (await this.#record({ slot, rank, fence: lock.fence, give: false }, may)) this.#held.set(slot, { rank, lock })
    } finally {
      if (this.#held.get(slot)?.lock !== lock) await lock.release()
    }
  }

  /** Whether the entries still say that nobody else holds it: since the plan was made this process may have stood still. */
  #free(slot: number, rank: number): boolean {
    const { membership, slots } = this.#options
    const { known, me } = membership
    if (!known) return false
    const holders = slots.candidates(known.entries).holders(slots.of(slot))
    return !holders.some(entry => entry.rank === rank && entry.holder !== me)
  }

  /** Makes an entry, unless `may` says otherwise when its turn has come. @returns whether it was made */
  async #record(request: HoldRequest, may = () => true): Promise<boolean> {
    const { store, membership, slots } = this.#options
    const { session, calls } = membership
    const answer = await session?.inTurn(async () => {
      if (!calls || !may()) return undefined
      try {
        return await session.write(stamp => calls.make(() => store.hold(stamp, request)))
      } finally {
        this.#written = slots.readings
      }
    })
    // Where it failed, the next poll is soon enough.
    if (answer !== undefined) membership.poll()
    return answer === 'ok'
  }

  async #giveUp(ranks: readonly SlotRank[]): Promise<void> {
    const { host, store, membership } = this.#options
    if (ranks.length === 0) return
    const give = async ({ slot, rank }: SlotRank) => {
      const fence = (await membership.calls?.make(() => store.fence())) ?? 0
      // The lock first: whoever reads the entry can take it at once.
      await this.#letGo([slot])
      await this.#record({ slot, rank, fence, give: true })
    }
    await this.#quietly('a slot could not be given up', () => eachBounded(ranks, AT_ONCE, give))
    host.log.info('slots given up', { given: ranks.length, held: this.#held.size })
  }

  /** Never rejects. What was lost is let go, and taken anew, by a pass. */
  async #renew(): Promise<void> {
    const due = [...this.#held.values()].filter(({ lock }) => lock.due)
    await eachBounded(due, AT_ONCE, ({ lock }) => this.#quietly('a lock could not be renewed', () => lock.extend()))
    this.onPoll()
  }

  /** Gives locks back. Never rejects. */
  async #letGo(slots: readonly number[]): Promise<void> {
    const held = slots.map(slot => this.#held.get(slot)?.lock)
    for (const slot of slots) this.#held.delete(slot)
    await Promise.all(held.map(lock => lock?.release()))
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
