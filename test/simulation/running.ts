/**
 * A process of a member at work: the real engine and the real plugin on a host, a store, a bucket and a disk of the
 * simulation.
 */
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
import { lockClient } from './lock-client.ts'
import { Connection } from './network.ts'
import type { Process } from './process.ts'
import type { Random } from './random.ts'
import type { Records } from './seats.ts'
import { type Disk, simSink } from './sink.ts'
import { simStore } from './store.ts'
import type { LockClient, Running, World } from './world.ts'

/** What of a member outlives its processes. */
export interface Remains {
  readonly id: string
  readonly zone: string | undefined
  readonly disk: Disk
  readonly state: StateStore
}

export class RunningProcess implements Running {
  readonly id: string
  readonly process: Process
  readonly listings: Listings = new Listings()
  readonly released: Set<BlockId> = new Set()
  incarnation = 0
  read: Records | undefined
  seen: Epoch = 0
  ready = false
  epoch: Epoch = 0
  left = false
  stopping = false
  #gateway: Gateway | undefined
  #plugin: OwnershipPlugin | undefined
  #loaded: (() => ReadonlyMap<BlockId, LoadedBlock>) | undefined

  constructor(process: Process) {
    this.id = process.id
    this.process = process
  }

  /** Puts the process together and starts it. Rejects where it refuses to start. */
  async start(world: World, { id, zone, disk, state }: Remains, random: Random): Promise<void> {
    const { process, listings } = this
    const { scheduler, bucket, variant } = world
    const route = { scheduler, process, weather: world.weather, open: () => world.reaches(id) }
    const connection = new Connection({ ...route, random: random.fork('connection') })
    const readsSlots = world.options.leases !== undefined
    const store = simStore({ connection, server: world.server, running: this, watch: world.watch, readsSlots })
    const seamed = variant.store?.(store, this) ?? store
    const plugin = world.plugin.make(world, seamed, this.#clients(world, random))
    this.#plugin = variant.plugin?.(plugin, this, seamed) ?? plugin
    const events = {
      prepare: (block: BlockId) => world.watch.prepare(this, block),
      commit: (block: BlockId) => world.watch.commit(this, block),
      drop: (block: BlockId) => world.watch.drop(this, block),
    }
    const sink = simSink({ bucket, process, random: random.fork('disk'), disk, events })
    this.#loaded = sink.loaded
    const source = simSource(bucket, process, random.fork('listings'), listings)
    const pipeline = [source, ...world.stages(), owned(this.#plugin), sink] as Pipeline
    const config = await resolveConfig({ pipeline, instance: { id, zone }, ...world.config }, { env: {} })
    this.#gateway = gateway(config, { host: process, state })
    await this.#gateway.start()
  }

  /** A client of each lock server; its connections have each a way of their own. */
  #clients(world: World, random: Random): readonly LockClient[] {
    const { scheduler, locks, variant } = world
    const { process, id } = this
    return locks.servers.map(server => {
      const route = { scheduler, process, weather: locks.weather, open: () => locks.reaches(id, server) }
      const client = lockClient(world, this, server, () => ({ ...route, random: random.fork(server.name) }))
      return variant.client?.(client, this) ?? client
    })
  }

  get gateway(): Gateway | undefined {
    return this.#gateway
  }

  get plugin(): OwnershipPlugin | undefined {
    return this.#plugin
  }

  get loaded(): ReadonlyMap<BlockId, LoadedBlock> {
    return this.#loaded?.() ?? NOTHING
  }
}

const NOTHING: ReadonlyMap<BlockId, LoadedBlock> = new Map()
