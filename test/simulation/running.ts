/** A process of a member at work: the real engine and the real plugin on a host, a store, a bucket and a disk of the simulation. */
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
import { Connection } from './network.ts'
import type { Process } from './process.ts'
import type { Random } from './random.ts'
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
  /** Released by the store for this process, and not dropped since. */
  readonly released = new Set<BlockId>()
  /** Of its last join that reached the store; 0 before. */
  incarnation = 0
  /** The newest record that was delivered to it. */
  seen: Epoch = 0
  /** As they were after the last event. */
  ready = false
  epoch: Epoch = 0
  /** Its leave has reached the store. */
  left = false
  /** It was asked to stop. */
  stopping = false
  #gateway: Gateway | undefined
  #plugin: OwnershipPlugin | undefined
  #loaded: (() => ReadonlyMap<BlockId, LoadedBlock>) | undefined

  constructor(process: Process) {
    this.id = process.id
    this.process = process
  }

  /** Puts the process together and starts it. Rejects where it refuses to start. */
  async start(cluster: Cluster, { id, zone, disk, state }: Remains, random: Random): Promise<void> {
    const { process, listings } = this
    const { scheduler, bucket, variant } = cluster
    const route = { scheduler, process, weather: cluster.weather, open: () => cluster.reaches(id) }
    const connection = new Connection({ ...route, random: random.fork('connection') })
    const store = simStore({ connection, server: cluster.server, running: this, watch: cluster.watch })
    const seamed = variant.store?.(store, this) ?? store
    const plugin = cluster.ownership(seamed)
    this.#plugin = variant.plugin?.(plugin, this) ?? plugin
    const events = {
      prepare: (block: BlockId) => cluster.watch.prepare(this, block),
      commit: (block: BlockId) => cluster.watch.commit(this, block),
      drop: (block: BlockId) => cluster.watch.drop(this, block),
    }
    const sink = simSink({ bucket, process, random: random.fork('disk'), disk, events })
    this.#loaded = sink.loaded
    const source = simSource(bucket, process, random.fork('listings'), listings)
    const pipeline = [source, ...cluster.stages(), owned(this.#plugin), sink] as Pipeline
    const config = await resolveConfig({ pipeline, instance: { id, zone }, ...cluster.config }, { env: {} })
    this.#gateway = gateway(config, { host: process, state })
    await this.#gateway.start()
  }

  get gateway(): Gateway | undefined {
    return this.#gateway
  }

  get plugin(): OwnershipPlugin | undefined {
    return this.#plugin
  }

  /** What its sink holds now. */
  get loaded(): ReadonlyMap<BlockId, LoadedBlock> {
    return this.#loaded?.() ?? NOTHING
  }
}

const NOTHING: ReadonlyMap<BlockId, LoadedBlock> = new Map()
