/** What is done to the gateways. Every change waits until all is settled again; what is away meanwhile, the watcher sees. */
import { setTimeout as delay } from 'node:timers/promises'
import { Cluster } from './cluster.ts'
import { LOCK_SCHEDULES } from './lock-schedules.ts'
import type { Tried } from './ownerships.ts'
import type { Schedule } from './schedule.ts'
import type { Settings } from './settings.ts'

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
  ...LOCK_SCHEDULES,
]

/** @throws Error that names the schedules, where there is none of that name */
export function chosen({ short, only }: Settings, { locks }: Tried): readonly Schedule[] {
  const found = SCHEDULES.filter(({ name }) => only === undefined || name === only)
  if (found.length === 0) {
    throw new Error(`--only must be one of ${SCHEDULES.map(({ name }) => name).join(', ')}: current value is ${only}`)
  }
  return found.filter(schedule => (schedule.short || !short || only) && (locks || !schedule.ownLockServers))
}
