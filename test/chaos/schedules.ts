/** What is done to the gateways. Every change waits until all is settled again; what is away meanwhile, the watcher sees. */
import { setTimeout as delay } from 'node:timers/promises'
import { Cluster } from './cluster.ts'
import type { Tried } from './ownerships.ts'
import type { Settings } from './settings.ts'

interface Breakable {
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
  /** Between CUT_OFF and the first of these. */
  readonly cut: { down(): Promise<void>; up(): Promise<void> }
  readonly say: (text: string) => void
}

export interface Schedule {
  readonly name: string
  /** Copies of a block; 1 where it is left out. Schedules that agree on this and on the lock servers share a cluster. */
  readonly replicas?: number
  /** Gateways when it begins: all where it is left out. */
  readonly members?: number
  /** Not part of `--short`. */
  readonly long?: true
  /** For plugins with locks: on three Redis apart from that of the members. Else locks are on that one, and are lost together with the entries. */
  readonly ownLockServers?: true
  run(world: World): Promise<void>
}

/** The gateway that can be cut off from one lock server. */
export const CUT_OFF = 'gw-1'

export const SCHEDULES: readonly Schedule[] = [
  {
    name: 'cold-start',
    long: true,
    members: 0,
    async run({ cluster, settings: { blocks } }) {
      cluster.start(...Cluster.ids(2))
      await cluster.settled()
      if (cluster.adds === blocks) return
      throw new Error(`${blocks} blocks must be loaded once each: there were ${cluster.adds} adds`)
    },
  },
  {
    name: 'scale',
    members: 2,
    async run({ cluster, settings }) {
      await cluster.resize(settings.gateways)
      await cluster.resize(settings.short ? 2 : 3)
    },
  },
  {
    name: 'drain-and-cancel',
    members: 3,
    async run({ cluster }) {
      // In the middle of it, and after its end.
      for (const args of [[], ['--wait', '240s']]) {
        await cluster.beginDrain('gw-2', ...args)
        await cluster.cancelDrain('gw-2')
        await cluster.settled()
      }
    },
  },
  {
    name: 'kill',
    async run({ cluster }) {
      await cluster.kill('gw-1')
      await cluster.served()
      cluster.start('gw-1')
      await cluster.settled()
    },
  },
  {
    name: 'pause',
    async run({ cluster, settings }) {
      await cluster.pause('gw-2')
      await delay(2 * settings.timings.expireAfterMs)
      cluster.resume('gw-2')
      await cluster.settled()
    },
  },
  {
    name: 'redis-emptied',
    async run({ cluster, redis, settings: { timings }, say }) {
      say('Redis is killed, and starts with nothing in it')
      await redis.restartEmpty()
      // Long enough for a mistake to show: the others were expired, or what is pending hand-off was dropped.
      await delay(2 * timings.expireAfterMs + timings.handoverDelayMs)
      await cluster.settled()
    },
  },
  {
    name: 'redis-away',
    long: true,
    async run({ cluster, redis, settings: { timings }, say }) {
      await away([redis], timings.awayMs, say)
      await delay(2 * timings.expireAfterMs)
      await cluster.settled()
    },
  },
  {
    name: 'rolling-restart',
    replicas: 2,
    members: 3,
    async run({ cluster }) {
      for (const id of cluster.up) {
        await cluster.stop(id)
        cluster.start(id)
        await cluster.settled()
      }
    },
  },
  {
    name: 'kill-at-two-replicas',
    replicas: 2,
    long: true,
    async run({ cluster, settings }) {
      const gaps = () => cluster.options.watcher.crashGaps
      const before = gaps()
      await cluster.kill('gw-3')
      // Until it is marked unhealthy; nobody loads what one other still serves.
      await delay(2 * settings.timings.expireAfterMs)
      await cluster.served()
      cluster.start('gw-3')
      await cluster.settled()
      if (gaps() > before) throw new Error(`a crash at two replicas must take nothing away: ${gaps() - before} gaps`)
    },
  },
  {
    name: 'lock-server-emptied',
    ownLockServers: true,
    members: 2,
    async run({ cluster, settings, lockServers, say }) {
      const { adds } = cluster
      cluster.start(...Cluster.ids(settings.gateways - 1).slice(2))
      await cluster.until('something must be on its way', () => cluster.adds > adds)
      say('a lock server is killed, and starts with nothing in it')
      await lockServers[0]?.restartEmpty()
      await cluster.settled()
    },
  },
  {
    name: 'lock-servers-away',
    ownLockServers: true,
    members: 3,
    async run({ cluster, settings: { timings, gateways }, lockServers, say }) {
      const served = () => cluster.up.map(id => `${id} ${cluster.options.watcher.served(id)}`).join(', ')
      const before = served()
      await away(lockServers.slice(1), 3 * timings.ttlMs, say)
      if (served() !== before)
        throw new Error(`nothing must move while no lock can be had: ${before}, then ${served()}`)
      await delay(timings.ttlMs)
      // Locks are there again: somebody who comes is given its share.
      await cluster.resize(gateways)
    },
  },
  {
    name: 'lock-server-cut-off',
    ownLockServers: true,
    long: true,
    members: 2,
    async run({ cluster, settings: { gateways, blocks, timings }, cut, say }) {
      say(`${CUT_OFF} is cut off from one of three lock servers, while others come and go`)
      await cut.down()
      try {
        await cluster.resize(gateways)
        await cluster.resize(3)
        // It takes and gives with the two that are left.
        await cluster.drain(CUT_OFF)
        await cluster.cancelDrain(CUT_OFF)
        await cluster.until(`${CUT_OFF} must serve its share again`, () => {
          return cluster.options.watcher.served(CUT_OFF) > blocks / 6
        })
      } finally {
        await cut.up()
      }
      await delay(timings.ttlMs)
      await cluster.settled()
    },
  },
]

async function away(servers: readonly Breakable[], ms: number, say: World['say']): Promise<void> {
  say(`${servers.length} Redis answer nothing for ${ms / 1000} s`)
  for (const server of servers) server.pause()
  try {
    await delay(ms)
  } finally {
    for (const server of servers) server.resume()
  }
}

/** @throws Error that names the schedules, where there is none of that name */
export function chosen({ short, only }: Settings, { locks }: Tried): readonly Schedule[] {
  const found = SCHEDULES.filter(({ name }) => only === undefined || name === only)
  if (found.length === 0) {
    throw new Error(`--only must be one of ${SCHEDULES.map(({ name }) => name).join(', ')}: current value is ${only}`)
  }
  return found.filter(schedule => (!schedule.long || !short || only) && (locks || !schedule.ownLockServers))
}
