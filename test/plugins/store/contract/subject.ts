/** What each case of the member store kit is given: an empty store, with short words for what cases do. */
import type { BlockId } from 'blockgate'
import type {
  ExpireLimit,
  HeartbeatReply,
  HeartbeatRequest,
  JoinReply,
  JoinRequest,
  MemberEntry,
  MemberStore,
  ReleaseItem,
  ReleaseReply,
  ReleaseRequest,
  Stamp,
  WriteStatus,
} from 'blockgate/members'
import { assert, assertEqual } from 'blockgate/testing'
import { hasSlots, slotsOf } from './slot-views.ts'

export interface Fixture {
  /** Empty, started, used by one case. */
  readonly store: MemberStore
  /** Another client of the same store, started. Default: the same one. */
  readonly other?: (() => Promise<MemberStore> | MemberStore) | undefined
  /** Moves the store's clock by whole ms. Default: the kit waits for the real one, a few ms at a time. */
  readonly advance?: ((ms: number) => Promise<void> | void) | undefined
  /** Called after the case, also one that failed: stops every client. */
  readonly dispose: () => Promise<void> | void
}

export interface Contract {
  /** Registers one case with a store of its own. */
  readonly it: (name: string, fn: (subject: Subject) => Promise<void>) => void
}

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

  constructor(store: MemberStore, other: MemberStore, advance: Fixture['advance']) {
    this.store = store
    this.other = other
    this.#advance = advance
  }

  /** A process that did not join yet. */
  process(id: string, process = `${id}-1`): Process {
    return new Process(this.store, id, process)
  }

  /** A process that joined, claims `claims`, and has told the store all of it. */
  async member(id: string, claims: readonly BlockId[] = []): Promise<Process> {
    const process = this.process(id)
    await process.joined()
    if (claims.length > 0) assertEqual(await process.serve(claims), 'ok', `the claims of ${id} to be written`)
    assertEqual((await process.heartbeat()).status, 'ok', `the heartbeat of ${id} to be written`)
    return process
  }

  async epoch(): Promise<number> {
    return (await this.store.entries()).epoch
  }

  async record(id: string): Promise<MemberEntry> {
    const record = (await this.store.entries()).members.get(id)
    assert(record, `a record of ${id}`)
    return record
  }

  /** Sets the member down as if it were silent. */
  async expire(id: string): Promise<void> {
    const { heartbeats } = await this.store.heartbeats()
    const heartbeat = heartbeats.get(id)
    assert(heartbeat, `a heartbeat of ${id}`)
    assertEqual(await this.store.expire(id, heartbeat, ANY_NUMBER, 'kit'), 'expired', `the expiry of ${id}`)
  }

  /** All that the store knows, but for the age of heartbeats: equal where nothing was written. */
  async everything(): Promise<unknown> {
    const record = await this.store.entries()
    const { heartbeats } = await this.store.heartbeats()
    const ageless = [...heartbeats].map(([id, heartbeat]) => [id, { ...heartbeat, age: 0 }] as const)
    const claims: [string, ReadonlySet<BlockId>][] = []
    for (const id of record.members.keys()) claims.push([id, new Set([...(await this.store.claims(id))].sort())])
    const slots = hasSlots(this.store) ? await slotsOf(this.store) : []
    return {
      record: { ...record, members: byId(record.members) },
      heartbeats: byId(ageless),
      claims: byId(claims),
      slots,
    }
  }

  /** Lets the heartbeat of `id` grow older by at least `ms`; by exactly that where the clock can be moved. */
  async pass(ms: number, id: string): Promise<void> {
    if (this.#advance) return await this.#advance(ms)
    const age = async () => (await this.store.heartbeats()).heartbeats.get(id)?.age ?? 0
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
    const texts = { zone: undefined, address: undefined, process, rules: 'rules', bucket: 'bucket' }
    const reply = await this.store.join({ ...this.stamp(), ...texts, replaces: 0, seen: 0, ...given })
    if (reply.status === 'joined') {
      this.incarnation = reply.incarnation
      this.storeId = reply.storeId
    }
    return reply
  }

  /** The reply of a join that must not be refused. */
  async joined(given: Partial<JoinRequest> = {}): Promise<JoinReply & { readonly status: 'joined' }> {
    const reply = await this.join(given)
    assert(reply.status === 'joined', `${this.id} to join: current value is ${JSON.stringify(reply)}`)
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

  /** Decided in the epoch of now, with heartbeats of any age, where `given` does not say otherwise. */
  async release(items: readonly ReleaseItem[], given: Partial<ReleaseRequest> = {}): Promise<ReleaseReply> {
    const decidedIn = given.decidedIn ?? (await this.store.entries()).epoch
    return await this.store.release(this.stamp(), { freshMs: FRESH, items, ...given, decidedIn })
  }
}

/** The claims of `process`, in their order. */
export async function claimsOf({ store, id }: Process): Promise<readonly BlockId[]> {
  return [...(await store.claims(id))].sort()
}

/** The version of the claims of `process`. */
export async function versionOf({ store, id }: Process): Promise<number> {
  const heartbeat = (await store.heartbeats()).heartbeats.get(id)
  assert(heartbeat, `a heartbeat of ${id}`)
  return heartbeat.claims
}

/** Runs `fn` with a subject; disposes of the fixture whatever happens. */
export async function withSubject(fixture: Fixture, fn: (subject: Subject) => Promise<void>): Promise<void> {
  const { store, other, advance, dispose } = fixture
  try {
    await fn(new Subject(store, (await other?.()) ?? store, advance))
  } finally {
    await dispose()
  }
}

/** A hash has no order. */
function byId<T>(entries: Iterable<readonly [string, T]>): ReadonlyMap<string, T> {
  return new Map([...entries].sort(([a], [b]) => (a < b ? -1 : 1)))
}
