/** The lock servers of a history, the ways to them, and who was granted what. */

import { LockServer } from './lock-server.ts'
import { CALM, type NetworkWeather } from './network.ts'
import type { Random } from './random.ts'
import type { Locks, Running, World } from './world.ts'

/** The rate of the fastest clock that a server may have. */
const FASTEST = 1.1

type OnGrant = (running: Running, seat: string) => boolean

export class LockServers implements Locks {
  readonly servers: readonly LockServer[]
  readonly inStore: boolean
  readonly weather: NetworkWeather
  /** `gw-1 lock-0`: this member alone cannot reach this server. */
  readonly cut: Set<string> = new Set()
  /** When a lock may have been lost by a server last, ms. */
  forgot: number = Number.NEGATIVE_INFINITY
  readonly #world: World
  #onGrant: OnGrant[] = []
  /** `gw-1 <slot>/<rank>`: when the member gave it back last, ms. */
  readonly #given = new Map<string, number>()
  /** `gw-1 <slot>/<rank>`: when the member asked for what locked or renewed it last, ms. */
  readonly #locked = new Map<string, number>()

  constructor(world: World, random: Random | undefined) {
    const { servers = 0, inStore = false } = world.options.leases ?? {}
    this.#world = world
    this.inStore = inStore
    this.weather = inStore ? world.weather : { ...CALM }
    this.servers = Array.from({ length: servers }, (_, n) => {
      const clock = { skew: random?.between(-60_000, 60_000) ?? 0, rate: random?.between(0.9, FASTEST) ?? 1 }
      return new LockServer(`lock-${n}`, world.scheduler, clock)
    })
  }

  reaches(member: string, server: LockServer): boolean {
    if (this.inStore) return this.#world.reaches(member)
    return server.up && !this.cut.has(`${member} ${server.name}`)
  }

  counts(member: string, seat: string, since: number): boolean {
    const [key, { now }] = [`${member} ${seat}`, this.#world.scheduler]
    if ((this.#given.get(key) ?? Number.NEGATIVE_INFINITY) >= since) return false
    return now < (this.#locked.get(key) ?? 0) + (this.#world.options.leases?.ttlMs ?? 0) / FASTEST
  }

  sent({ id }: Running, command: string, key: string): void {
    if (command === 'release') this.#given.set(`${id} ${seatOf(key)}`, this.#world.scheduler.now)
  }

  answered({ id }: Running, command: string, key: string, sent: number): void {
    if (command !== 'release') this.#locked.set(`${id} ${seatOf(key)}`, sent)
  }

  granted(running: Running, key: string): void {
    const seat = seatOf(key)
    this.#onGrant = this.#onGrant.filter(listener => !listener(running, seat))
  }

  /** Calls `listener` at each lock that a server grants, before the process knows, until it says that this was it. */
  onGrant(listener: OnGrant): void {
    this.#onGrant.push(listener)
  }

  /** The server has forgotten locks, or may have. */
  lose(server: LockServer, change: (server: LockServer) => void): void {
    change(server)
    this.forgot = this.#world.scheduler.now
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
function seatOf(key: string): string {
  return key.split('/').slice(-2).join('/')
}
