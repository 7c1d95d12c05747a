/** What is done to lock servers: for plugins with locks, on three Redis apart from that of the members. */
import { setTimeout as delay } from 'node:timers/promises'
import { Cluster } from './cluster.ts'
import type { Schedule } from './schedule.ts'
import type { Settings } from './settings.ts'

/** The gateway that can be cut off from one lock server. */
export const CUT_OFF = 'gw-1'

const most = ({ gateways }: Settings) => gateways - 1

export const LOCK_SCHEDULES: readonly Schedule[] = [
  {
    name: 'lock-server-emptied',
    replicas: 1,
    short: true,
    ownLockServers: true,
    members: () => 2,
    async run({ cluster, settings, lockServers, say }) {
      const { waits, adds } = cluster
      cluster.start(...Cluster.ids(most(settings)).slice(2))
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
    members: most,
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
      // Locks are there again: somebody who comes is given its share.
      await cluster.resize(settings.gateways)
    },
  },
  {
    name: 'lock-server-cut-off',
    replicas: 1,
    short: false,
    ownLockServers: true,
    members: () => 2,
    async run({ cluster, settings, cut, say }) {
      say(`${CUT_OFF} is cut off from one of three lock servers, while others come and go`)
      await cut.down()
      try {
        await cluster.resize(settings.gateways)
        await cluster.resize(3)
        // It takes and gives with the two that are left.
        await cluster.drain(CUT_OFF)
        await cluster.cancelDrain(CUT_OFF)
        await cluster.waits.until(`${CUT_OFF} must serve its share again`, () => {
          return cluster.options.watcher.served(CUT_OFF) > settings.blocks / 6
        })
      } finally {
        await cut.up()
      }
      await delay(settings.timings.ttlMs)
      await cluster.waits.settled()
    },
  },
]
