/** A process of a member, from its start to its end: the real engine and the real plugin on what the simulation has for them. */
import {
  type BlockId,
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
import { Listings, simSource } from './bucket.ts'
import type { Cluster } from './cluster.ts'
import { lockClient } from './lock-client.ts'
import { Connection } from './network.ts'
import type { Process } from './process.ts'
import type { Random } from './random.ts'
import type { Records } from './rules.ts'
import { type Disk, simSink } from './sink.ts'
import { simStore } from './store.ts'

/** What of a member outlives its processes. */
export interface Remains {
  readonly id: string
  readonly zone: string | undefined
  readonly disk: Disk
  readonly state: StateStore
}

export class Running {
  readonly id: string
  readonly process: Process
  readonly listings: Listings = new Listings()
  /** Released by the store for this process, and neither dropped nor claimed since. */
  readonly released: Set<BlockId> = new Set()
  /** What its sink holds now. */
  loaded: ReadonlyMap<BlockId, LoadedBlock> = new Map()
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

  /** Puts the process together and starts it. Rejects where it refuses to start. */
  async start(cluster: Cluster, { id, zone, disk, state }: Remains, random: Random): Promise<void> {
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
      commit: (block: BlockId) => watch.commit(this, block),
      drop: (block: BlockId) => watch.drop(this, block),
    }
    const sink = simSink({ bucket, process, random: random.fork('disk'), disk, events })
    this.loaded = sink.loaded()
    const source = simSource(bucket, process, random.fork('listings'), listings)
    const pipeline = [source, ...cluster.stages(), owned(this.plugin), sink] as Pipeline
    const config = await resolveConfig({ pipeline, instance: { id, zone }, ...cluster.config }, { env: {} })
    this.gateway = gateway(config, { host: process, state })
    await this.gateway.start()
  }
}
