/** A whole cluster in one process: members, a store, a bucket, and all that may go wrong between them. */
import type { BlockId, SetStage, Tail } from 'blockgate'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { compareTail } from 'blockgate/source'
import { SimBucket } from './bucket.ts'
import { Invariants } from './invariants.ts'
import { LockServers } from './locks.ts'
import { Member } from './member.ts'
import { CALM, type NetworkWeather } from './network.ts'
import { Random } from './random.ts'
import type { Running } from './running.ts'
import { Scheduler } from './scheduler.ts'
import { StoreServer } from './server.ts'
import type { Rules, Tested, Variant, WorldOptions } from './world.ts'

type Line = readonly [at: number, who: string, what: string, ...details: readonly unknown[]]

export class Cluster {
  readonly options: WorldOptions
  readonly plugin: Tested
  readonly variant: Variant
  readonly scheduler: Scheduler = new Scheduler()
  readonly random: Random
  readonly bucket: SimBucket = new SimBucket()
  readonly weather: NetworkWeather = { ...CALM }
  readonly zones: readonly string[] | undefined
  readonly server: StoreServer
  readonly locks: LockServers
  readonly rules: Rules
  readonly watch: Invariants
  readonly members: Map<string, Member> = new Map()
  /** Every process that is alive. */
  readonly runnings: Set<Running> = new Set()
  /** Members that cannot reach the store. */
  readonly cut: Set<string> = new Set()
  /** When something was last done to the cluster, ms. */
  disturbed = 0
  readonly config = { every: 60_000, blockTimeout: 120_000, stopGrace: 20_000, concurrency: 4 } as const
  readonly #lines: Line[] = []

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
    const member = new Member(this, id, this.zones?.[n % this.zones.length], this.random.fork(id))
    this.members.set(id, member)
    return member
  }

  /** Members with a process, in the order of their ids. */
  get up(): Member[] {
    return [...this.members.values()].filter(member => member.current)
  }

  /** Of runs that look at new blocks alone; undefined where there are none. */
  get compare(): Tail['compare'] | undefined {
    return this.options.looks ? (this.variant.compare ?? compareTail) : undefined
  }

  stages(): readonly SetStage[] {
    return this.variant.stages?.() ?? [dedup()]
  }

  reaches(member: string): boolean {
    return this.server.up && !this.cut.has(member)
  }

  /** Nobody can load it, or the one that is to take its place: it stays where it is. */
  stuck(id: BlockId): boolean {
    const { corrupt, ancestors } = this.bucket
    return corrupt.has(id) || (ancestors.get(id) ?? []).some(parent => corrupt.has(parent))
  }

  /** Writes a line of the story. It is put into words when somebody asks. */
  note(who: string, what: string, ...details: readonly unknown[]): void {
    this.#lines.push([this.scheduler.now, who, what, ...details])
    this.scheduler.mix(what)
  }

  /** As `note`, for what somebody does to the cluster: what must end within a time, counts from here. */
  disturb(who: string, what: string, ...details: readonly unknown[]): void {
    this.disturbed = this.scheduler.now
    this.note(who, what, ...details)
  }

  /** Disturbs it with `change` for `ms`; what that returns ends it. */
  async spell(
    who: string,
    [what, back]: readonly [string, string],
    ms: number,
    change: () => () => unknown,
  ): Promise<void> {
    this.disturb(who, what)
    const undo = change()
    await this.sleep(ms)
    this.disturb(who, back)
    undo()
  }

  /** The last lines of the story, oldest first. */
  tell(count: number): string {
    const lines = this.#lines.slice(-count)
    const before = this.#lines.length - lines.length
    return [...(before > 0 ? [`… ${before} lines before`] : []), ...lines.map(told)].join('\n')
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

  /** The member for which `listen` calls back, in the event in which it does; undefined where that takes more than two minutes. */
  next(listen: (found: (running: Running) => void) => void, most = 120_000): Promise<Member | undefined> {
    return new Promise(resolve => {
      listen(running => resolve(this.members.get(running.id)))
      this.scheduler.after(most, 'story', () => resolve(undefined))
    })
  }
}

function told([at, who, what, ...details]: Line): string {
  const show = (value: unknown) =>
    value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value)
  const time = `${(at / 1000).toFixed(3)} s`.padStart(12)
  return [time, who.padEnd(6), what, ...details.map(show)].filter(text => text !== '').join(' ')
}
