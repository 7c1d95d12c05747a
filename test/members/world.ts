/** Members on fake hosts, all on one member table, each with a line to it that can fail in every way. */
import type { BlockId, BlockMeta, OwnershipChange, OwnershipPlugin, Services } from 'blockgate'
import { OwnershipUnavailable } from 'blockgate'
import { type MemberOptions, MemberTable, type SlotStore } from 'blockgate/members'
import { type HashRingOptions, hashRing } from 'blockgate/plugins/ownership/hash-ring'
import { blockMeta, type FakeHost, fakeHost, memoryBucket, services, settle, testId } from 'blockgate/testing'

/** `away`: nothing arrives. `lost`: it is done, and the answer does not come. `late`: refused now, done by `land()`. `twice`: as a client does that lost its connection. */
export type Fault = 'away' | 'lost' | 'late' | 'hangs' | 'twice'

const READS = ['advertised', 'entries', 'heartbeats', 'slots'] as const
const STEPS = ['expire', 'evict', 'forget', 'drain', 'freeze', 'fence'] as const
const WRITES = ['join', 'heartbeat', 'leave', 'serve', 'release', 'hold', 'publishPlacement', ...STEPS] as const
type Method = (typeof READS)[number] | (typeof WRITES)[number]

export interface Line extends SlotStore {
  /** Names of the calls that were made, reads left out. */
  readonly writes: string[]
  /** Every call fails. */
  away: boolean
  /** The next `times` calls of `method` have the fault. */
  fault(method: Method, fault: Fault, times?: number): void
  /** What was `late` arrives now. */
  land(): void
  /** Calls `then` once, when the next call of `method` is done and before its answer arrives. */
  after(method: Method, then: () => void): void
}

/** A line to `table`. Every call takes a turn of the event loop, as on a network. */
export function line(table: MemberTable): Line {
  const faults: { readonly method: Method; readonly fault: Fault }[] = []
  const late: (() => unknown)[] = []
  const writes: string[] = []
  const hooks = new Map<Method, () => void>()
  const call = async (method: Method, work: () => unknown) => {
    if (!READS.some(read => read === method)) writes.push(method)
    await undefined
    if (own.away) throw new OwnershipUnavailable('away')
    const at = faults.findIndex(f => f.method === method)
    const [found] = at < 0 ? [] : faults.splice(at, 1)
    if (found?.fault === 'away') throw new OwnershipUnavailable('away')
    if (found?.fault === 'hangs') return new Promise(() => {})
    if (found?.fault === 'late') {
      late.push(work)
      throw new OwnershipUnavailable('no answer')
    }
    if (found?.fault === 'twice') work()
    const result = work()
    const hook = hooks.get(method)
    hooks.delete(method)
    hook?.()
    if (found?.fault === 'lost') throw new OwnershipUnavailable('no answer')
    await undefined
    return result
  }
  const calls = [...READS, ...WRITES].map(method => {
    const step = table[method].bind(table) as (...args: unknown[]) => unknown
    return [method, (...args: unknown[]) => call(method, () => step(...args))] as const
  })
  const own: Line = {
    name: 'line',
    shared: true,
    away: false,
    writes,
    fault(method, fault, times = 1) {
      for (let i = 0; i < times; i++) faults.push({ method, fault })
    },
    land() {
      for (const work of late.splice(0)) work()
    },
    after: (method, then) => void hooks.set(method, then),
    watch: listener => table.onEpoch(() => queueMicrotask(() => own.away || listener())),
    ...(Object.fromEntries(calls) as unknown as Pick<SlotStore, Method>),
  }
  return own
}

export interface TestMember {
  readonly id: string
  readonly host: FakeHost
  readonly line: Line
  readonly plugin: OwnershipPlugin
  readonly handover: NonNullable<OwnershipPlugin['handover']>
  readonly changes: OwnershipChange[]
  readonly services: Services
  start(): Promise<void>
  stop(): Promise<void>
}

/** The plugin of a member, on its line to the store. */
export type MakePlugin<T> = (store: Line, options: Partial<T>, id: string) => OwnershipPlugin

/** One store and its time; members are made as they are needed. All of it is fake, so nothing need be stopped. */
export class World<T extends MemberOptions = HashRingOptions> {
  readonly host: FakeHost = fakeHost()
  readonly table: MemberTable = new MemberTable({ clock: () => this.host.now(), storeId: 'store-1' })
  readonly hosts = new Set<FakeHost>([this.host])
  readonly #make: MakePlugin<T>
  #seed = 1

  constructor(make: MakePlugin<T> = (store, options) => hashRing({ store, ...options })) {
    this.#make = make
  }

  /** Not started. On the world's host, or on one of its own, which `advance` moves along. */
  member(id: string, options: Partial<T> = {}, given: Partial<Services> = {}): TestMember {
    const host = (given.host as FakeHost | undefined) ?? fakeHost({ seed: ++this.#seed, now: this.host.now() })
    this.hosts.add(host)
    const own = line(this.table)
    const plugin = this.#make(own, options, id)
    const instance = { zone: undefined, ...given.instance, id }
    const all = services({ bucket: memoryBucket(), ...given, host, instance })
    const changes: OwnershipChange[] = []
    plugin.watch?.(change => changes.push(change))
    const { handover } = plugin
    if (!handover) throw new Error(`${plugin.name} must have a handover`)
    return {
      ...{ id, host, line: own, plugin, handover, changes, services: all },
      start: async () => plugin.start?.(all),
      stop: async () => plugin.stop?.(never),
    }
  }

  /** Made, started, and with `served` published. */
  async started(
    id: string,
    options: Partial<T> = {},
    served: readonly BlockId[] = [],
    given: Partial<Services> = {},
  ): Promise<TestMember> {
    const member = this.member(id, options, given)
    await this.along(member.start())
    await member.handover.publish(new Set(served), never)
    await settle()
    return member
  }

  /** The process is gone without a word. */
  kill(member: TestMember): void {
    this.hosts.delete(member.host)
    member.line.away = true
  }

  /** As another member does that saw no heartbeat of it. */
  expire(id: string): void {
    const seen = this.table.heartbeats().heartbeats.get(id) ?? { incarnation: 0, sequence: 0 }
    this.table.expire(id, seen, { max: 9, windowMs: 1 }, 'x')
  }

  /** A copy takes over that is `snapshot`, or has lost nothing. */
  failOver(snapshot: ReturnType<MemberTable['snapshot']> = this.table.snapshot()): void {
    this.table.restore(snapshot, 'store-2')
  }

  /** Moves all clocks in steps of 250 ms, and lets everything settle in between. */
  async advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 250) {
      const step = Math.min(250, left)
      for (const host of this.hosts) await host.advance(step)
    }
    await settle()
  }

  /** What `work` settles as, with time moving along until then. */
  async along<T>(work: Promise<T>): Promise<T> {
    let settled = false
    const watched = work.finally(() => {
      settled = true
    })
    watched.catch(() => {})
    await settle()
    for (let i = 0; i < 120 && !settled; i++) await this.advance(250)
    if (!settled) throw new Error('it must settle within 30 s')
    return watched
  }

  state(id: string): string | undefined {
    return this.table.entries().members.get(id)?.state
  }

  advertised(id: string): readonly BlockId[] {
    return [...this.table.advertised(id)].sort()
  }
}

/** A world with one member that serves nothing; and with two. */
export async function one() {
  const world = new World()
  return { world, a: await world.started('a') }
}

export async function two() {
  const { world, a } = await one()
  return { world, a, b: await world.started('b') }
}

export const never: AbortSignal = new AbortController().signal

export const ids = (...numbers: readonly number[]): readonly BlockId[] => numbers.map(n => testId(n))

export const meta = (n: number): BlockMeta => blockMeta({ ulid: testId(n) })

/** Blocks 1 to 200. */
export const ALL: readonly BlockMeta[] = Array.from({ length: 200 }, (_, i) => meta(i + 1))

/** Those of them whose only target is `member`. */
export function blocksOf(plugin: OwnershipPlugin, member: string): readonly BlockMeta[] {
  return ALL.filter(block => {
    const targets = plugin.handover?.owners(block).filter(o => o.target) ?? []
    return targets.length === 1 && targets[0]?.member === member
  })
}

/** The `n`th of them. */
export function blockOf(plugin: OwnershipPlugin, member: string, n = 0): BlockMeta {
  return must(blocksOf(plugin, member)[n])
}

export function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the blocks of this world must have what the test needs')
  return value
}
