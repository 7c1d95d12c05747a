/** A whole cluster in one process: members, a store, a bucket, and all that may go wrong between them. */
import type { BlockId, SetStage } from 'blockgate'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { SimBucket } from './bucket.ts'
import { Invariants } from './invariants.ts'
import { LockServers } from './locks.ts'
import { Member } from './member.ts'
import { CALM, type NetworkWeather } from './network.ts'
import { Random } from './random.ts'
import { Scheduler } from './scheduler.ts'
import { StoreServer } from './server.ts'
import { StoryLog } from './story-log.ts'
import type { Rules, Running, Tested, Variant, World, WorldOptions } from './world.ts'

export class Cluster implements World {
  readonly options: WorldOptions
  readonly plugin: Tested
  readonly variant: Variant
  readonly scheduler: Scheduler = new Scheduler()
  readonly random: Random
  readonly bucket: SimBucket = new SimBucket()
  readonly weather: NetworkWeather = { ...CALM }
  readonly server: StoreServer
  readonly locks: LockServers
  readonly rules: Rules
  readonly watch: Invariants
  readonly log: StoryLog = new StoryLog()
  readonly members: Map<string, Member> = new Map()
  readonly runnings: Set<Running> = new Set()
  /** Members that cannot reach the store. */
  readonly cut: Set<string> = new Set()
  disturbed = 0
  readonly zones: readonly string[] | undefined
  readonly config = { every: 60_000, blockTimeout: 120_000, stopGrace: 20_000, concurrency: 4 } as const

  constructor(options: WorldOptions, plugin: Tested, variant: Variant) {
    this.options = options
    this.plugin = plugin
    this.variant = variant
    this.zones = options.zones > 0 ? Array.from({ length: options.zones }, (_, n) => `zone-${n}`) : undefined
    this.random = new Random(options.seed)
    this.server = new StoreServer(this)
    this.locks = new LockServers(this, options.leases && this.random.fork('locks'))
    this.rules = plugin.rules(this)
    this.watch = new Invariants(this)
    for (let n = 0; n < options.members; n++) this.add()
    for (let n = 0; n < options.blocks; n++) this.bucket.upload()
  }

  /** A member more; it is not started. */
  add(): Member {
    const n = this.members.size
    const id = `gw-${n}`
    const zone = this.zones?.[n % this.zones.length]
    const member = new Member(this, id, zone, this.random.fork(id))
    this.members.set(id, member)
    return member
  }

  stages(): readonly SetStage[] {
    return this.variant.stages?.() ?? [dedup()]
  }

  reaches(member: string): boolean {
    return this.server.up && !this.cut.has(member)
  }

  note(who: string, what: string, ...details: readonly unknown[]): void {
    this.log.add(this.scheduler.now, who, what, details)
    this.scheduler.mix(what)
  }

  /** As `note`, for what somebody does to the cluster: what must settle within a time, counts from here. */
  disturb(who: string, what: string, ...details: readonly unknown[]): void {
    this.disturbed = this.scheduler.now
    this.note(who, what, ...details)
  }

  stuck(id: BlockId): boolean {
    const { corrupt, ancestors } = this.bucket
    return corrupt.has(id) || (ancestors.get(id) ?? []).some(parent => corrupt.has(parent))
  }

  /**
   * Whom the store grants the next release, in the event in which it does; undefined where it grants none within
   * `most` ms.
   */
  nextRelease(most: number): Promise<string | undefined> {
    return new Promise(resolve => {
      this.watch.onRelease(running => resolve(running.id))
      this.scheduler.after(most, 'story', () => resolve(undefined))
    })
  }

  /** Whom a lock server grants the next lock of a seat that nobody has, before the process knows; undefined as above. */
  nextGrant(most: number): Promise<string | undefined> {
    return new Promise(resolve => {
      this.locks.onGrant((running, seat) => {
        const { slots } = this.server.table.slots(undefined) ?? { slots: [] }
        if (slots.some(({ slot, rank, holder }) => `${slot}/${rank}` === seat && holder !== '')) return false
        resolve(running.id)
        return true
      })
      this.scheduler.after(most, 'story', () => resolve(undefined))
    })
  }

  sleep(ms: number): Promise<void> {
    return this.scheduler.sleep(ms)
  }

  /** Resolves when `done` says so, or after `most` ms: then false. */
  async until(done: () => boolean, most: number): Promise<boolean> {
    const end = this.scheduler.now + most
    while (!done()) {
      if (this.scheduler.now >= end) return false
      await this.sleep(500)
    }
    return true
  }

  /** Members with a process, in the order of their ids. */
  get up(): Member[] {
    return [...this.members.values()].filter(member => member.current)
  }
}
