/** What the parts of a simulated cluster know of each other, and where the real code can be bent from outside. */
import type { BlockId, BlockMeta, Epoch, Gateway, LoadedBlock, OwnershipPlugin, SetStage } from 'blockgate'
import type {
  HoldRequest,
  MemberTable,
  MemberTableOptions,
  ReleaseItem,
  ReleaseRequest,
  SlotEntry,
  SlotStore,
} from 'blockgate/members'
import type { LockArguments } from '../support/lock-table.ts'
import type { Listings, SimBucket } from './bucket.ts'
import type { LockServer } from './lock-server.ts'
import type { NetworkWeather } from './network.ts'
import type { Process } from './process.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'
import type { Records } from './seats.ts'
import type { Violation } from './violation.ts'

export interface WorldOptions {
  readonly seed: number
  readonly members: number
  readonly blocks: number
  /** 0: zones do not count. */
  readonly zones: number
  readonly replicas: 1 | 2
  readonly placement: 'rendezvous' | 'token-ring'
  readonly handoverDelayMs: number
  /** For a plugin that leases slots. */
  readonly leases: Leases | undefined
}

export interface Leases {
  readonly slots: number
  readonly ttlMs: number
  /** Lock servers. */
  readonly servers: 1 | 3
  /** The one lock server is the store's own Redis. */
  readonly inStore: boolean
}

/** An ownership plugin under test. */
export interface Tested {
  readonly name: string
  /** What its histories have beside those of others, drawn after all that is the same. */
  leases(random: Random): Leases | undefined
  make(world: World, store: SlotStore, clients: readonly LockClient[]): OwnershipPlugin
  /** Its invariants beside those of all. */
  rules(world: World): Rules
}

export interface Hold {
  readonly request: HoldRequest
  /** What the store had in that place before. */
  readonly before: SlotEntry | undefined
  /** When the process asked for it, ms, and what it had read by then. */
  readonly asked: number
  readonly read: Records | undefined
}

export interface Rules {
  /** Owners change only with the record of the members: then a block moves only to and from those that come and go. */
  readonly byRecord: boolean
  /** What the owners of the block follow from, of what the process has read: who has the same names the same owners. */
  basis(running: Running, block: BlockMeta): string
  /** What the process has not read of what the store has now. */
  behind(running: Running): string | undefined
  /** What the process has read says that it may load the block. */
  mayLoad(running: Running, block: BlockMeta): boolean
  /** A new epoch has begun. */
  changed(): void
  /** The store has lost something of what it knew. */
  forgot(before: Records): void
  /** The store has recorded it. */
  held(running: Running, hold: Hold): Violation | undefined
  /** The store has granted it. */
  released(item: ReleaseItem): Violation | undefined
  /** What is not as it must be at rest. */
  unsettled(): string | undefined
}

/** What is used of a client of ioredis. */
export interface LockClient {
  readonly options: object
  readonly isCluster: boolean
  duplicate(override: object): LockConnection
}

export interface LockConnection {
  readonly status: string
  connect(): Promise<void>
  disconnect(reconnect?: boolean): void
  on(event: string, listener: (arg?: unknown) => void): unknown
  once(event: string, listener: (arg?: unknown) => void): unknown
  eval(script: string, keyCount: number, args: LockArguments): Promise<number>
}

/** The lock servers, as they truly are. */
export interface Locks {
  readonly servers: readonly LockServer[]
  readonly weather: NetworkWeather
  /** When a lock may have been lost by a server last, ms. */
  readonly forgot: number
  /** No server's clock can have ended the member's lock of the seat, and it has not been given back since then, ms. */
  counts(member: string, seat: string, since: number): boolean
  reaches(member: string, server: LockServer): boolean
  /** What a process sends, before it arrives. */
  sent(running: Running, command: string, key: string): void
  /** A server has done what the process had sent then, ms, and the process knows. */
  answered(running: Running, command: string, key: string, sent: number): void
  /** A server has granted what is locked by this key. */
  granted(running: Running, key: string): void
  lose(server: LockServer, change: (server: LockServer) => void): void
}

/** A process of a member, from its start to its end. */
export interface Running {
  readonly id: string
  readonly process: Process
  readonly gateway: Gateway | undefined
  readonly plugin: OwnershipPlugin | undefined
  readonly listings: Listings
  /** What its sink holds now. */
  readonly loaded: ReadonlyMap<BlockId, LoadedBlock>
  /** Released by the store for this process, and neither dropped nor claimed since. */
  readonly released: Set<BlockId>
  /** Of its last join that reached the store; 0 before. */
  incarnation: number
  /** What it has read last, all of one look. */
  read: Records | undefined
  /** The newest record that was delivered to it. */
  seen: Epoch
  /** As they were after the last event. */
  ready: boolean
  epoch: Epoch
  /** It was asked to stop. */
  stopping: boolean
  /** It was stopped in an orderly way while the store could be reached. */
  left: boolean
}

/** The store that all share, as it truly is. */
export interface Server {
  readonly table: MemberTable
  up: boolean
  readonly storeId: string
  operate(work: (table: MemberTable) => unknown): void
  watch(watcher: () => void): Disposable
  /** For the members this process is one of them, and up. */
  knows(running: Running): boolean
  /** The store has the process's claim on one of these blocks. */
  claims(running: Running, ids: readonly BlockId[]): boolean
  /** The process's claims that a release may count. */
  counted(running: Running): ReadonlySet<BlockId>
  /** The members that counted for placement in this epoch. */
  placed(epoch: Epoch): ReadonlySet<string> | undefined
}

/** Told of everything at the instant it happens. */
export interface Watch {
  /** Loads begun and drops made, of blocks that can be loaded: it rests when the cluster does. */
  readonly moves: number
  readonly gaps: number
  prepare(running: Running, id: BlockId): void
  commit(running: Running, id: BlockId): void
  drop(running: Running, id: BlockId): void
  released(running: Running, request: ReleaseRequest, released: readonly BlockId[]): void
  joined(running: Running, incarnation: number, before: number): void
  delivered(running: Running, read: Records): void
  held(running: Running, hold: Hold): void
  /** It asks for a seat: for how many ms the request gets stuck. */
  holding(running: Running): number | undefined
  setDown(): void
  forgot(before: Records): void
  stopping(): void
  /** What it serves is gone, by no fault of the code. */
  lost(running: Running): void
  ended(running: Running): void
}

export interface World {
  readonly options: WorldOptions
  readonly variant: Variant
  readonly scheduler: Scheduler
  readonly random: Random
  readonly bucket: SimBucket
  readonly weather: NetworkWeather
  readonly server: Server
  readonly locks: Locks
  readonly plugin: Tested
  readonly rules: Rules
  readonly zones: readonly string[] | undefined
  readonly watch: Watch
  /** Every process that is alive. */
  readonly runnings: ReadonlySet<Running>
  /** When something was last done to the cluster, ms. */
  readonly disturbed: number
  readonly config: {
    readonly every: number
    readonly blockTimeout: number
    readonly stopGrace: number
    readonly concurrency: number
  }
  reaches(member: string): boolean
  stages(): readonly SetStage[]
  /** Nobody can load it, or the one that is to take its place: it stays where it is. */
  stuck(id: BlockId): boolean
  /** Writes a line of the story. */
  note(who: string, what: string, ...details: readonly unknown[]): void
}

/** Product code carries no flags for these. */
export interface Variant {
  readonly name: string
  /** What its histories are like, where most of them would not show it. */
  readonly world?: Partial<WorldOptions>
  readonly table?: (options: MemberTableOptions) => MemberTable
  readonly store?: (store: SlotStore, running: Running) => SlotStore
  readonly client?: (client: LockClient, running: Running) => LockClient
  readonly plugin?: (plugin: OwnershipPlugin, running: Running, store: SlotStore) => OwnershipPlugin
  readonly stages?: () => readonly SetStage[]
}

/** Nothing is bent. */
export const SOUND: Variant = { name: 'sound' }
