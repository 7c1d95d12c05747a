/** A process of a member, from its start to its end: the real engine and the real plugin on what the simulation has for them. */
import {
  type BlockId,
  type BlockSink,
  type Epoch,
  type Gateway,
  gateway,
  type LoadedBlock,
  type OwnershipPlugin,
  owned,
  type Pipeline,
  resolveConfig,
  type StateStore,
} from 'blockgate'
import { prewarm } from 'blockgate/plugins/warm/prewarm'
import { Listings, simSource } from './bucket.ts'
import type { Cluster } from './cluster.ts'
import { lockClient } from './lock-client.ts'
import { Connection } from './network.ts'
import type { Process } from './process.ts'
import type { Random } from './random.ts'
import type { Records } from './rules.ts'
import { type Disk, simSink, type WarmDisk } from './sink.ts'
import { simStore } from './store.ts'

/** What of a member outlives its processes. */
export interface Remains {
  readonly id: string
  readonly zone: string | undefined
  readonly disk: Disk
  readonly warm: WarmDisk
  readonly state: StateStore
}

const NONE: ReadonlyMap<BlockId, LoadedBlock> = new Map()

export class Running {
  readonly id: string
  readonly process: Process
  readonly listings: Listings = new Listings()
  /** Released by the store for this process, and neither dropped nor claimed since. */
  readonly released: Set<BlockId> = new Set()
  /** Blocks that were committed, or found on the disk, and not dropped since. */
  readonly shown: Set<BlockId> = new Set()
  #sink: BlockSink | undefined
  gateway: Gateway | undefined
  plugin: OwnershipPlugin | undefined
  /** Of its last join that reached the store; 0 before. */
  incarnation = 0
  /** What it has read last, all of one look. */
  read: Records | undefined
  /** The newest epoch that was delivered to it. */
  seen: Epoch = 0
  /** As they were after the last event. */
  ready = false
  epoch: Epoch = 0
  /** It was asked to stop. */
  stopping = false
  /** It was stopped in an orderly way while the store could be reached. */
  left = false

  constructor(process: Process) {
    this.id = process.id
    this.process = process
  }

  /** What its sink holds now. */
  get loaded(): ReadonlyMap<BlockId, LoadedBlock> {
    return this.#sink?.loaded() ?? NONE
  }

  /** Puts the process together and starts it. Rejects where it refuses to start. */
  async start(cluster: Cluster, { id, zone, disk, state, warm }: Remains, random: Random): Promise<void> {
    const { process, listings } = this
    const { scheduler, bucket, variant, locks, watch } = cluster
    const route = { scheduler, process, weather: cluster.weather, open: () => cluster.reaches(id) }
    const own = simStore(new Connection({ ...route, random: random.fork('connection') }), cluster, this)
    const store = variant.store?.(own, this) ?? own
    const clients = locks.servers.map(server => {
      const way = { ...route, weather: locks.weather, open: () => locks.reaches(id, server) }
      const client = lockClient(cluster, this, server, () => ({ ...way, random: random.fork(server.name) }))
      return variant.client?.(client, this) ?? client
    })
    const plugin = cluster.plugin.make(cluster, store, clients)
    this.plugin = variant.plugin?.(plugin, this, store) ?? plugin
    const events = {
      prepare: (block: BlockId) => watch.prepare(this, block),
      commit: (block: BlockId, isBad: boolean) => watch.commit(this, block, isBad),
      drop: (block: BlockId) => watch.drop(this, block),
      warm: (block: BlockId, isDropped: boolean) => watch.warm(this, block, warm, isDropped),
      hit: () => watch.warmth.hits++,
    }
    const budget = cluster.options.prewarm
    const verifies = variant.verifies ?? true
    const made = { bucket, process, random: random.fork('disk'), disk, events, verifies }
    const plain = simSink({ ...made, warm: budget === undefined ? undefined : warm })
    const sink = variant.sink?.(plain) ?? plain
    this.#sink = sink
    const source = simSource(bucket, process, random.fork('listings'), listings, cluster.compare)
    const pipeline = [source, ...cluster.stages(), owned(this.plugin), sink] as Pipeline
    const ahead = budget === undefined ? undefined : prewarm({ budget: variant.budget?.(budget) ?? budget })
    const config = await resolveConfig(
      { pipeline, instance: { id, zone }, prewarm: ahead, ...cluster.config },
      { env: {} },
    )
    this.gateway = gateway(config, { host: process, state })
    await this.gateway.start()
  }
}
