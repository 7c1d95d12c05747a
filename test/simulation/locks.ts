/** The lock servers of a history, the ways to them, and who was granted what. */
import { LockTable } from '../support/lock-table.ts'
import type { Cluster } from './cluster.ts'
import { CALM, type NetworkWeather } from './network.ts'
import type { ClockOptions } from './process.ts'
import type { Random } from './random.ts'
import type { Running } from './running.ts'
import type { Scheduler } from './scheduler.ts'

/** The rate of the fastest clock that a server may have. */
const FASTEST = 1.1
/** The rate of the slowest clock that a process may have. */
const SLOWEST = 0.9

/** One lock server: keys that end by a clock of its own. */
export class LockServer {
  readonly name: string
  readonly table: LockTable
  up = true
  /** What has come since it hangs; undefined while it does not. */
  #waiting: (() => void)[] | undefined
  /** Of its clock against what it was, ms. */
  #step = 0

  constructor(name: string, scheduler: Scheduler, { skew, rate }: ClockOptions) {
    this.name = name
    this.table = new LockTable(() => skew + this.#step + scheduler.now * rate)
  }

  /** A request is at the door. */
  door(enter: () => void): void {
    if (this.#waiting) this.#waiting.push(enter)
    else enter()
  }

  /** Takes requests, and does nothing with them. */
  hang(): void {
    this.#waiting ??= []
  }

  /** With everything that has come meanwhile, all at once; or with nothing of it. */
  goOn(all: boolean): void {
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    if (all) for (const enter of waiting) enter()
  }

  step(ms: number): void {
    this.#step += ms
  }
}

/** Keys of both maps: `gw-1 <slot>/<rank>`. Times in ms. */
export class LockServers {
  readonly servers: readonly LockServer[]
  /** The one lock server is the store's own Redis. */
  readonly inStore: boolean
  readonly weather: NetworkWeather
  /** `gw-1 lock-0`: this member alone cannot reach this server. */
  readonly cut: Set<string> = new Set()
  /** When a lock may have been lost by a server last. */
  forgot: number = Number.NEGATIVE_INFINITY
  readonly #cluster: Cluster
  #onGrant: ((running: Running, rank: string) => boolean)[] = []
  /** When the member gave it back last. */
  readonly #given = new Map<string, number>()
  /** When the member asked for what locked or renewed it last; of each server, and by the name of none of any. */
  readonly #locked = new Map<string, number>()
  /** Whose each value is. */
  readonly #values = new Map<unknown, string>()

  constructor(cluster: Cluster, random: Random | undefined) {
    const { servers = 0, inStore = false } = cluster.options.leases ?? {}
    this.#cluster = cluster
    this.inStore = inStore
    this.weather = inStore ? cluster.weather : { ...CALM }
    this.servers = Array.from({ length: servers }, (_, n) => {
      const clock = { skew: random?.between(-60_000, 60_000) ?? 0, rate: random?.between(0.9, FASTEST) ?? 1 }
      return new LockServer(`lock-${n}`, cluster.scheduler, clock)
    })
  }

  reaches(member: string, server: LockServer): boolean {
    if (this.inStore) return this.#cluster.reaches(member)
    return server.up && !this.cut.has(`${member} ${server.name}`)
  }

  /** No server's clock can have ended the member's lock, and it has not been given back since then. */
  counts(member: string, rank: string, since: number): boolean {
    const [key, { now }] = [`${member} ${rank}`, this.#cluster.scheduler]
    if ((this.#given.get(key) ?? Number.NEGATIVE_INFINITY) >= since) return false
    return now < (this.#locked.get(key) ?? 0) + (this.#cluster.options.leases?.ttlMs ?? 0) / FASTEST
  }

  /** A majority has the member's lock; or had it, and some server's clock may have ended it before the member's could. */
  has(member: string, rank: string): boolean {
    const { options, scheduler } = this.#cluster
    const ttlMs = options.leases?.ttlMs ?? 0
    const having = this.servers.filter(({ name, table }) => {
      const key = table.keys().find(each => rankOf(each) === rank)
      if (key !== undefined && this.#values.get(table.get(key)) === member) return true
      const age = scheduler.now - (this.#locked.get(`${member} ${rank} ${name}`) ?? Number.NEGATIVE_INFINITY)
      return age >= ttlMs / FASTEST && age < ttlMs / SLOWEST
    })
    return having.length > this.servers.length / 2
  }

  /** A server may have forgotten what the process counts on. */
  get mayHaveForgotten(): boolean {
    const { options, scheduler } = this.#cluster
    return scheduler.now - this.forgot < (options.leases?.ttlMs ?? 0) / SLOWEST
  }

  /** A process sends it; it has not arrived. */
  sent({ id }: Running, command: string, key: string, value: unknown): void {
    this.#values.set(value, id)
    if (command === 'release') this.#given.set(`${id} ${rankOf(key)}`, this.#cluster.scheduler.now)
  }

  /** A server has done what the process had sent then, and the process knows. */
  answered({ id }: Running, command: string, key: string, sent: number, server: string): void {
    if (command === 'release') return
    for (const by of ['', ` ${server}`]) this.#locked.set(`${id} ${rankOf(key)}${by}`, sent)
  }

  /** A server has granted what nobody had locked. */
  granted(running: Running, key: string): void {
    this.#onGrant = this.#onGrant.filter(listener => !listener(running, rankOf(key)))
  }

  /** Calls `listener` at each lock that a server grants, before the process knows, until it says that this was it. */
  onGrant(listener: (running: Running, rank: string) => boolean): void {
    this.#onGrant.push(listener)
  }

  /** The server has forgotten locks, or may have. */
  lose(server: LockServer, change: (server: LockServer) => void): void {
    change(server)
    this.forgot = this.#cluster.scheduler.now
  }

  /** All of them work, for everybody. */
  mend(): void {
    if (!this.inStore) Object.assign(this.weather, CALM)
    this.cut.clear()
    for (const server of this.servers) {
      server.up = true
      server.goOn(true)
    }
  }
}

/** `<slot>/<rank>`, at the end of what is locked. */
function rankOf(key: string): string {
  return key.split('/').slice(-2).join('/')
}
