/** What the parts of a simulated cluster know of each other, and where the real code can be bent from outside. */
import type { BlockId, Epoch, Gateway, LoadedBlock, OwnershipPlugin, SetStage } from 'blockgate'
import type { MemberStore, MemberTable, MemberTableOptions, RecordView, ReleaseRequest } from 'blockgate/members'
import type { Listings, SimBucket } from './bucket.ts'
import type { NetworkWeather } from './network.ts'
import type { Process } from './process.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

export interface WorldOptions {
  readonly seed: number
  readonly members: number
  readonly blocks: number
  /** 0: zones do not count. */
  readonly zones: number
  readonly replicas: 1 | 2
  readonly placement: 'rendezvous' | 'token-ring'
  readonly handoverDelayMs: number
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
  delivered(running: Running, view: RecordView): void
  setDown(): void
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
  ownership(store: MemberStore): OwnershipPlugin
  stages(): readonly SetStage[]
  /** Nobody can load it, or the one that is to take its place: it stays where it is. */
  stuck(id: BlockId): boolean
  /** Writes a line of the story. */
  note(who: string, what: string, ...details: readonly unknown[]): void
}

/** Product code carries no flags for these. */
export interface Variant {
  readonly name: string
  readonly table?: (options: MemberTableOptions) => MemberTable
  readonly store?: (store: MemberStore, running: Running) => MemberStore
  readonly plugin?: (plugin: OwnershipPlugin, running: Running, store: MemberStore) => OwnershipPlugin
  readonly stages?: () => readonly SetStage[]
}

/** Nothing is bent. */
export const SOUND: Variant = { name: 'sound' }
