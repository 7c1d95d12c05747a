/** What is done to the gateways. Every change waits until all is settled again; what is away meanwhile, the watcher sees. */
import { setTimeout as delay } from 'node:timers/promises'
import { Cluster } from './cluster.ts'
import type { Tried } from './ownerships.ts'
import type { Settings } from './settings.ts'

export interface Breakable {
  pause(): void
  resume(): void
  restartEmpty(): Promise<void>
}

export interface World {
  readonly cluster: Cluster
  readonly settings: Settings
  readonly redis: Breakable
  /** Three Redis of their own, which only schedules with `ownLockServers` use. */
  readonly lockServers: readonly Breakable[]
  readonly say: (text: string) => void
}

export interface Schedule {
  readonly name: string
  /** Copies of a block. Schedules that agree on this and on the lock servers share a cluster. */
  readonly replicas: number
  /** Gateways when it begins. */
  readonly members: (settings: Settings) => number
  /** Part of `--short`. */
  readonly short: boolean
  /** For plugins with locks: on three Redis apart from that of the members. Else locks are on that one, and are lost together with the records. */
  readonly ownLockServers?: true
  run(world: World): Promise<void>
}

const all = ({ gateways }: Settings) => gateways

export const SCHEDULES: readonly Schedule[] = [
  {
    name: 'cold-start',
    replicas: 1,
    short: false,
    members: () => 0,
    async run({ cluster }) {
      cluster.start(...Cluster.ids(2))
      await cluster.waits.settled()
      const { blocks } = cluster.options
      if (cluster.adds !== blocks)
        throw new Error(`${blocks} blocks must be loaded once each: there were ${cluster.adds} adds`)
    },
  },
  {
    name: 'scale',
    replicas: 1,
    short: true,
    members: () => 2,
    async run({ cluster, settings, say }) {
      await cluster.resize(settings.gateways)
      say(`settled: ${cluster.waits.shown()}`)
      await cluster.resize(settings.short ? 2 : 3)
    },
  },
  {
    name: 'drain-and-cancel',
    replicas: 1,
    short: true,
    members: () => 3,
    async run({ cluster }) {
      // In the middle of it, and after its end.
      await cluster.beginDrain('gw-2')
      await cluster.cancelDrain('gw-2')
      await cluster.waits.settled()
      await cluster.drain('gw-2')
      await cluster.cancelDrain('gw-2')
      await cluster.waits.settled()
    },
  },
  {
    name: 'kill',
    replicas: 1,
    short: true,
    members: all,
    async run({ cluster }) {
      await cluster.kill('gw-1')
      await cluster.waits.served()
      cluster.start('gw-1')
      await cluster.waits.settled()
    },
  },
  {
    name: 'pause',
    replicas: 1,
    short: true,
    members: all,
    async run({ cluster, settings }) {
      await cluster.pause('gw-2')
      await delay(2 * settings.timings.expireAfterMs)
      cluster.resume('gw-2')
      await cluster.waits.settled()
    },
  },
  {
    name: 'redis-emptied',
    replicas: 1,
    short: true,
    members: all,
    async run({ cluster, redis, settings, say }) {
      say('Redis is killed, and starts with nothing in it')
      await redis.restartEmpty()
      // Long enough for a mistake to show: the others were expired, or what lingers was dropped.
      await delay(2 * settings.timings.expireAfterMs + settings.timings.handoverDelayMs)
      await cluster.waits.settled()
    },
  },
  {
    name: 'redis-away',
    replicas: 1,
    short: false,
    members: all,
    async run({ cluster, redis, settings, say }) {
      say(`Redis answers nothing for ${settings.timings.awayMs / 1000} s`)
      redis.pause()
      try {
        await delay(settings.timings.awayMs)
      } finally {
        redis.resume()
      }
      await delay(2 * settings.timings.expireAfterMs)
      await cluster.waits.settled()
    },
  },
  {
    name: 'rolling-restart',
    replicas: 2,
    short: true,
    members: () => 3,
    async run({ cluster }) {
      for (const id of cluster.up) {
        await cluster.stop(id)
        cluster.start(id)
        await cluster.waits.settled()
      }
    },
  },
  {
    name: 'kill-at-two-replicas',
    replicas: 2,
    short: false,
    members: all,
    async run({ cluster, settings }) {
      const gaps = () => cluster.options.watcher.crashGaps
      const before = gaps()
      await cluster.kill('gw-3')
      // Until it is set down; nobody loads what one other still serves.
      await delay(2 * settings.timings.expireAfterMs)
      await cluster.waits.served()
      cluster.start('gw-3')
      await cluster.waits.settled()
      if (gaps() > before) throw new Error(`a crash at two replicas must take nothing away: ${gaps() - before} gaps`)
    },
  },
  {
    name: 'lock-server-emptied',
    replicas: 1,
    short: true,
    ownLockServers: true,
    members: () => 2,
    async run({ cluster, settings, lockServers, say }) {
      const { waits, adds } = cluster
      cluster.start(...Cluster.ids(settings.gateways).slice(2))
      await waits.until('something must be on its way', () => cluster.adds > adds)
      say(`a lock server is killed, and starts with nothing in it: ${waits.shown()}`)
      await lockServers[0]?.restartEmpty()
      await waits.settled()
    },
  },
  {
    name: 'lock-servers-away',
    replicas: 1,
    short: true,
    ownLockServers: true,
    members: all,
    async run({ cluster, settings, lockServers, say }) {
      const { watcher } = cluster.options
      const served = () => cluster.up.map(id => `${id} ${watcher.served(id)}`).join(', ')
      const before = served()
      const awayMs = 3 * settings.timings.ttlMs
      const away = lockServers.slice(1)
      say(`two of three lock servers answer nothing for ${awayMs / 1000} s`)
      for (const server of away) server.pause()
      try {
        await delay(awayMs)
      } finally {
        for (const server of away) server.resume()
      }
      if (served() !== before)
        throw new Error(`nothing must move while no lock can be had: ${before}, then ${served()}`)
      await delay(settings.timings.ttlMs)
      // Locks are there again: what a gateway has can be handed over.
      await cluster.resize(settings.short ? 2 : 3)
    },
  },
]

/** @throws Error that names the schedules, where there is none of that name */
export function chosen({ short, only }: Settings, { locks }: Tried): readonly Schedule[] {
  const found = SCHEDULES.filter(({ name }) => only === undefined || name === only)
  if (found.length === 0) {
    throw new Error(`--only must be one of ${SCHEDULES.map(({ name }) => name).join(', ')}: current value is ${only}`)
  }
  return found.filter(schedule => (schedule.short || !short || only) && (locks || !schedule.ownLockServers))
}
