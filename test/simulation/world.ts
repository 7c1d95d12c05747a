/** What is simulated: the options of a cluster, an ownership plugin under test, and where the real code can be bent from outside. */
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { BlockMeta, BlockSink, OwnershipPlugin, SetStage, Tail } from 'blockgate'
import type {
  HoldRequest,
  MemberTable,
  MemberTableOptions,
  ReleaseItem,
  SlotEntry,
  SlotRank,
  SlotStore,
} from 'blockgate/members'
import type { Placement } from 'blockgate/plugins/ownership/hash-ring'
import type { LockArguments } from '../support/lock-table.ts'
import type { Cluster } from './cluster.ts'
import type { Random } from './random.ts'
import type { Records } from './rules.ts'
import type { Running } from './running.ts'

/** Something that must never happen has happened. The name is that of an invariant in the heads of these files. */
export class Violation extends Error {
  readonly invariant: string

  constructor(invariant: string, what: string) {
    super(`${invariant}: ${what}`)
    this.invariant = invariant
  }
}

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
  /** Bytes that each member may load ahead; undefined: nothing is. */
  readonly prewarm: number | undefined
  /** Runs between two listings of everything look at new blocks alone. */
  readonly looks?: boolean
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
  make(cluster: Cluster, store: SlotStore, clients: readonly LockClient[]): OwnershipPlugin
  /** Its invariants beside those of all. */
  rules(cluster: Cluster): Rules
}

/** One rank that was recorded. */
export interface Hold {
  readonly request: SlotRank & Omit<HoldRequest, 'ranks'>
  /** What the store had in that place before. */
  readonly before: SlotEntry | undefined
  /** When the process asked for it, ms, and what it had read by then. */
  readonly asked: number
  readonly read: Records | undefined
}

export interface Rules {
  /** Owners change only with the entries of the members: then a block moves only to and from those that come and go. */
  readonly byRecord: boolean
  /** What the owners of the block follow from, of what the process has read: who has the same names the same owners. */
  basis(running: Running, block: BlockMeta): string
  /** What the process has not read of what the store has now. */
  behind(running: Running): string | undefined
  /** What the process has read says that it may load the block. */
  mayLoad(running: Running, block: BlockMeta): boolean
  /** The process begins to load the block. */
  loads(running: Running, block: BlockMeta): Violation | undefined
  /** A new epoch has begun. */
  changed(): void
  /** The store has lost something of what it knew. */
  forgot(before: Records): void
  /** The store has recorded it. */
  held(running: Running, hold: Hold): Violation | undefined
  /** The store has granted it. */
  released(item: ReleaseItem): Violation | undefined
  /** What may move yet, though nothing is wrong. */
  stirring?(): string | undefined
  /** What is not as it must be at rest. */
  unsettled(): string | undefined
}

/** What is used of a client of ioredis, and of its connections. */
export interface LockClient {
  readonly options: object
  readonly isCluster: boolean
  duplicate(override: LockOverride): LockConnection
}

export interface LockOverride {
  readonly commandTimeout?: number
  readonly retryStrategy?: (times: number) => number
}

export interface LockConnection {
  readonly status: string
  connect(): Promise<void>
  disconnect(): void
  on(event: string, listener: (arg?: unknown) => void): unknown
  once(event: string, listener: (arg?: unknown) => void): unknown
  eval(script: string, keyCount: number, args: LockArguments): Promise<number>
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
  readonly sink?: (sink: BlockSink) => BlockSink
  /** What a look at new blocks comes to. */
  readonly compare?: Tail['compare']
  /** Whether the sink checks what was loaded ahead. Default true. */
  readonly verifies?: boolean
  /** What the prewarmer takes for its budget. */
  readonly budget?: (bytes: number) => number
  /** Of a plugin with a placement that members publish. */
  readonly placement?: (placement: Placement) => Placement
  /** Of a tale: spans that never arrive. */
  readonly isLost?: (span: ReadableSpan) => boolean
}

/** Nothing is bent. */
export const SOUND: Variant = { name: 'sound' }
