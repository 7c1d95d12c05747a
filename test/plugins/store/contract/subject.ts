/** What each case of the contract is given: an empty store, with short words for what cases do. */
import { type BlockId, codeOf } from 'blockgate'
import type {
  ExpireLimit,
  Fence,
  Heartbeat,
  HeartbeatReply,
  HeartbeatRequest,
  HoldRequest,
  JoinReply,
  JoinRequest,
  MemberEntry,
  MemberStore,
  ReleaseItem,
  ReleaseReply,
  ReleaseRequest,
  SlotEntry,
  SlotRank,
  SlotStore,
  SlotView,
  Stamp,
  WriteStatus,
} from 'blockgate/members'
import { testId } from 'blockgate/testing'
import { expect } from 'vitest'

export interface Fixture {
  /** Empty, started, used by one case. */
  readonly store: MemberStore
  /** Another client of the same store, started. Default: the same one. */
  readonly other?: MemberStore
  /** Moves the store's clock by whole ms. Default: the cases wait for the real one, a few ms at a time. */
  readonly advance?: (ms: number) => Promise<void>
  /** Called after the case, also one that failed: stops every client. */
  readonly dispose: () => Promise<void> | void
}

/** Cases by their names. */
export type Cases<S extends Subject = Subject> = Readonly<Record<string, (subject: S) => Promise<void>>>

export const [A, B, C, PARENT] = [testId(1), testId(2), testId(3), testId(9)]

export const STATS = { assigned: 1, serving: 2, pendingHandOff: 3, lastCopy: 4, failed: 5, bytes: 6.5e12 }

/** Heartbeats of this age are fresh in every case that does not say otherwise, ms. */
export const FRESH = 3_600_000

/** No expiry is refused for the number of them. */
export const ANY_NUMBER: ExpireLimit = { max: 1000, windowMs: 60_000 }

/** Questions that one wait asks at most. */
const POLLS = 20_000

export class Subject {
  readonly store: MemberStore
  /** Another client of the same store, where there is one. */
  readonly other: MemberStore
  readonly #advance: Fixture['advance']

  constructor({ store, other = store, advance }: Fixture) {
    this.store = store
    this.other = other
    this.#advance = advance
  }

  /** A process that did not join yet. */
  process(id: string, process = `${id}-1`): Process {
    return new Process(this.store, id, process)
  }

  /** A process that joined, serves `blocks`, and has told the store all of it: its sequence is 3, or 2 without blocks. */
  async member(id: string, blocks: readonly BlockId[] = []): Promise<Process> {
    const process = this.process(id)
    await process.joined()
    if (blocks.length > 0) expect(await process.serve(blocks)).toBe('ok')
    expect((await process.heartbeat()).status).toBe('ok')
    return process
  }

  /** Members a and b, which both serve A. */
  async pair(): Promise<readonly [Process, Process]> {
    const b = await this.member('b', [A])
    return [await this.member('a', [A]), b]
  }

  async epoch(): Promise<number> {
    return (await this.store.entries()).epoch
  }

  async entry(id: string): Promise<MemberEntry> {
    const entry = (await this.store.entries()).members.get(id)
    if (!entry) throw new Error(`${id} must have an entry`)
    return entry
  }

  /** State, `placed`, `draining`, and whether the entry was changed in the epoch of now. */
  async state(id: string) {
    const { state, placed, draining, changed } = await this.entry(id)
    return { state, placed, draining, changedNow: changed === (await this.epoch()) }
  }

  async heartbeat(id: string): Promise<Heartbeat> {
    const heartbeat = (await this.store.heartbeats()).heartbeats.get(id)
    if (!heartbeat) throw new Error(`${id} must have a heartbeat`)
    return heartbeat
  }

  /** Makes the member unhealthy as if it were silent. */
  async expire(id: string): Promise<void> {
    expect(await this.store.expire(id, await this.heartbeat(id), ANY_NUMBER, 'somebody')).toBe('expired')
  }

  async evict(id: string): Promise<boolean> {
    return await this.store.evict(id, (await this.entry(id)).changed)
  }

  async forget(id: string): Promise<boolean> {
    return await this.store.forget(id, (await this.entry(id)).changed)
  }

  /** All that the store knows, but for the age of heartbeats: equal where nothing was written. */
  async everything(): Promise<unknown> {
    const entries = await this.store.entries()
    const { heartbeats } = await this.store.heartbeats()
    const ids = [...entries.members.keys()]
    const served = await Promise.all(ids.map(async id => [id, await this.store.advertised(id)] as const))
    return {
      entries,
      heartbeats: new Map([...heartbeats].map(([id, heartbeat]) => [id, { ...heartbeat, age: 0 }])),
      served: new Map(served),
      slots: hasSlots(this.store) ? await slotsOf(this.store) : [],
    }
  }

  /** Expects that `call` gives `reply` and writes nothing. */
  async refused(call: () => Promise<unknown>, reply: unknown): Promise<void> {
    const before = await this.everything()
    expect(await call()).toEqual(reply)
    expect(await this.everything()).toEqual(before)
  }

  /** Expects that each call rejects with `code` and writes nothing. */
  async rejected(calls: readonly (() => Promise<unknown>)[], code: string): Promise<void> {
    const before = await this.everything()
    for (const call of calls) {
      const error: unknown = await call().then(
        () => undefined,
        (reason: unknown) => reason,
      )
      expect(codeOf(error), String(call)).toBe(code)
    }
    expect(await this.everything()).toEqual(before)
  }

  /** Lets the heartbeat of `id` grow older by at least `ms`; by exactly that where the clock can be moved. */
  async pass(ms: number, id: string): Promise<void> {
    if (this.#advance) return await this.#advance(ms)
    const age = async () => (await this.heartbeat(id)).age
    const until = (await age()) + ms
    await this.until(async () => (await age()) >= until, `the heartbeat of ${id} to grow older by ${ms} ms`)
  }

  /** Asks until `condition` holds. The store is asked in between, so that what is on its way arrives. */
  async until(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
    for (let poll = 0; poll < POLLS; poll++) {
      if (await condition()) return
      await this.store.entries()
    }
    throw new Error(`expected ${what} within ${POLLS} questions to the store`)
  }
}

/** One rank. */
type OneHold = Partial<SlotRank> & Pick<HoldRequest, 'fence'> & Partial<Pick<HoldRequest, 'give'>>

/** The subject of a store that has slots. */
export class SlotSubject extends Subject {
  declare readonly store: SlotStore
  declare readonly other: SlotStore

  /** Asks for rank 1 of slot 7, where `given` does not say otherwise. */
  async hold(member: Process, { slot = 7, rank = 1, fence, give = false }: OneHold): Promise<WriteStatus | 'older'> {
    const reply = await this.store.hold(member.stamp(), { ranks: [{ slot, rank }], fence, give })
    return reply.status === 'ok' && reply.recorded.length === 0 ? 'older' : reply.status
  }

  /** As hold(), with a new fence, and it must not be refused. @returns the fence */
  async held(member: Process, given: Partial<OneHold> = {}): Promise<Fence> {
    const fence = await this.store.fence()
    expect(await this.hold(member, { ...given, fence })).toBe('ok')
    return fence
  }
}

/** One process of a member, which counts its sequence as it must. */
export class Process {
  readonly store: MemberStore
  readonly id: string
  readonly process: string
  /** 0 until it joined. */
  incarnation = 0
  sequence = 0
  storeId = ''

  constructor(store: MemberStore, id: string, process: string) {
    this.store = store
    this.id = id
    this.process = process
  }

  /** The stamp of its next write. */
  stamp(): Stamp {
    return { id: this.id, incarnation: this.incarnation, sequence: ++this.sequence }
  }

  async join(given: Partial<JoinRequest> = {}): Promise<JoinReply> {
    const { process } = this
    const texts = { zone: undefined, address: undefined, process, fingerprint: 'fingerprint', bucket: 'bucket' }
    const reply = await this.store.join({ ...this.stamp(), ...texts, replaces: 0, seen: 0, ...given })
    if (reply.status === 'joined') Object.assign(this, { incarnation: reply.incarnation, storeId: reply.storeId })
    return reply
  }

  /** The reply of a join that must not be refused. */
  async joined(given: Partial<JoinRequest> = {}): Promise<JoinReply & { readonly status: 'joined' }> {
    const reply = await this.join(given)
    if (reply.status !== 'joined') throw new Error(`${this.id} must join: current value is ${JSON.stringify(reply)}`)
    return reply
  }

  heartbeat(given: Partial<HeartbeatRequest> = {}): Promise<HeartbeatReply> {
    return this.store.heartbeat(this.stamp(), { storeId: this.storeId, stats: undefined, seen: 0, ...given })
  }

  leave(): Promise<WriteStatus> {
    return this.store.leave(this.stamp())
  }

  serve(added: readonly BlockId[], dropped: readonly BlockId[] = []): Promise<WriteStatus> {
    return this.store.serve(this.stamp(), { added, dropped })
  }

  /** In the epoch of now, where `decidedIn` does not say otherwise. */
  async publishPlacement(text: string, decidedIn?: number): Promise<string> {
    const epoch = decidedIn ?? (await this.store.entries()).epoch
    return await this.store.publishPlacement(this.stamp(), { decidedIn: epoch, text })
  }

  /** What it serves, in order. */
  async served(): Promise<readonly BlockId[]> {
    return [...(await this.store.advertised(this.id))].sort()
  }

  /** The version of what it serves. */
  async version(): Promise<number> {
    return (await this.store.heartbeats()).heartbeats.get(this.id)?.version ?? Number.NaN
  }

  /** Decided in the epoch of now, with heartbeats of any age, where `given` does not say otherwise. */
  async release(items: readonly ReleaseItem[], given: Partial<ReleaseRequest> = {}): Promise<ReleaseReply> {
    const decidedIn = given.decidedIn ?? (await this.store.entries()).epoch
    return await this.store.release(this.stamp(), { freshMs: FRESH, items, ...given, decidedIn })
  }
}

/** Member b must serve the block itself, where `given` does not say otherwise. */
export function itemOf(id: BlockId, given: Partial<ReleaseItem> = {}): ReleaseItem {
  return { id, superseding: id, targets: ['b'], quorum: 'all', ...given }
}

/** The reply to a release that was decided in the right epoch. */
export function ok(...released: readonly BlockId[]): ReleaseReply {
  return { status: 'ok', released }
}

/** One that has a part of it must have all. */
export function hasSlots(store: object): store is SlotStore {
  return 'fence' in store || 'hold' in store || 'slots' in store
}

/** The whole view, whatever is known. */
export async function viewOf(store: SlotStore): Promise<SlotView> {
  const view = await store.slots(undefined)
  if (!view) throw new Error('one who knows no slots must be given all')
  return view
}

/** The entries by slot and rank: a hash has no order. */
export async function slotsOf(store: SlotStore): Promise<readonly SlotEntry[]> {
  return (await viewOf(store)).slots.toSorted((a, b) => a.slot - b.slot || a.rank - b.rank)
}
