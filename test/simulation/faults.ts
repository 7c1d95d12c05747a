/** What goes wrong. Each fault ends by itself; several may overlap. */
import type { Cluster } from './cluster.ts'
import type { LockServer } from './locks.ts'
import type { Member } from './member.ts'
import { CALM, type NetworkWeather } from './network.ts'
import type { Pause } from './process.ts'

export type Fault = (cluster: Cluster) => Promise<void>

const kind = ({ random }: Cluster): Pause => (random.chance(0.5) ? 'stop' : 'suspend')

/** The member stands still for so long. */
const stands = (cluster: Cluster, member: Member, what: string, how: Pause, ms: number) =>
  cluster.spell(member.id, [what, 'goes on'], ms, () => {
    member.pause(how)
    return () => member.resume()
  })

/** Stopped in an orderly way, and started again, without a look at who else serves its blocks. */
const restart: Fault = async cluster => {
  const { random } = cluster
  const member = random.pick(cluster.up)
  cluster.disturb(member.id, 'is restarted')
  await member.stop(true)
  await cluster.sleep(random.between(500, 60_000))
  if (!member.current) member.start()
}

/** The store is away; `back` is done to it before it is there again. */
const away = async (cluster: Cluster, ms: number, back: () => void) => {
  cluster.server.up = false
  await cluster.sleep(ms)
  back()
  cluster.server.up = true
}

/** For members and their store. */
export const FAULTS: readonly Fault[] = [
  /** Killed; it comes back on its disk, soon or late. */
  async function crash(cluster) {
    const { random } = cluster
    const member = random.pick(cluster.up)
    if (!member.current) return
    cluster.disturb(member.id, 'is killed')
    member.crash()
    await cluster.sleep(random.chance(0.5) ? random.between(500, 10_000) : random.between(20_000, 120_000))
    cluster.disturb(member.id, 'is started again')
    if (!member.current) member.start()
  },
  restart,
  async function restartWhileOthersHandBlocksOver(cluster) {
    await cluster.next(found => cluster.watch.onRelease(found))
    await cluster.sleep(cluster.random.between(0, 3_000))
    if (cluster.up.length > 0) await restart(cluster)
  },
  /** For less or more than it takes to be noticed. */
  async function pause(cluster) {
    const { random } = cluster
    const member = random.pick(cluster.up)
    const how = kind(cluster)
    const ms = random.chance(0.4) ? random.between(500, 12_000) : random.between(20_000, 90_000)
    await stands(cluster, member, 'is paused', how, ms)
  },
  async function pauseBetweenReleaseAndDrop(cluster) {
    const how = kind(cluster)
    const member = await cluster.next(found => cluster.watch.onRelease(found))
    if (!member?.current) return
    const ms = cluster.random.between(15_000, 90_000)
    await stands(cluster, member, 'is paused with a drop in flight', how, ms)
  },
  async function storeAway(cluster) {
    cluster.disturb('store', 'is away')
    await away(cluster, cluster.random.between(2_000, 90_000), () => cluster.disturb('store', 'is back'))
  },
  async function storeEmptied(cluster) {
    cluster.disturb('store', 'is emptied')
    await away(cluster, cluster.random.between(100, 10_000), () => cluster.server.empty())
  },
  /** A replica takes over that had not got the last writes. */
  async function failover(cluster) {
    const { random, server } = cluster
    const snapshot = server.snapshot()
    await cluster.sleep(random.between(100, 10_000))
    cluster.disturb('store', 'fails over')
    await away(cluster, random.between(50, 8_000), () => server.failOver(snapshot, random.between(-3_000, 3_000)))
  },
  /** One member alone cannot reach the store. */
  async function cutOff(cluster) {
    const { random, cut } = cluster
    const { id } = random.pick(cluster.up)
    await cluster.spell(id, ['is cut off', 'is connected'], random.between(3_000, 60_000), () => {
      cut.add(id)
      return () => cut.delete(id)
    })
  },
  /** Requests and answers are lost, late, overtaken. */
  async function badNetwork(cluster) {
    const { random } = cluster
    await storm(cluster, cluster.weather, 'network', {
      lost: random.between(0, 0.1),
      unanswered: random.between(0, 0.1),
      late: random.between(0, 0.25),
      deaf: random.between(0, 1),
      slow: random.pick([1, 1, 20, 100]),
    })
  },
  async function clockStep(cluster) {
    const { random } = cluster
    const member = random.pick(cluster.up)
    const ms = Math.round(random.between(-120_000, 120_000))
    cluster.disturb(member.id, 'clock steps', `${ms} ms`)
    member.current?.process.step(ms)
  },
  /** A second process with the id of one that lives, or that stands still. */
  async function twoProcesses(cluster) {
    const { random } = cluster
    const member = random.pick(cluster.up)
    const old = member.current
    if (!old) return
    const standing = random.chance(0.5)
    cluster.disturb(member.id, 'gets a second process', standing ? 'while the first stands still' : '')
    if (standing) member.pause(kind(cluster))
    await cluster.sleep(standing ? random.between(1_000, 30_000) : 0)
    member.start('other')
    await cluster.sleep(random.between(10_000, 60_000))
    cluster.disturb(member.id, 'first process goes on')
    old.process.resume()
    await cluster.sleep(random.between(5_000, 60_000))
    cluster.disturb(member.id, 'keeps one process')
    member.keepOne()
  },
]

async function lockClockSteps(cluster: Cluster): Promise<void> {
  const { random, locks } = cluster
  const server = random.pick(locks.servers)
  const ms = Math.round(random.between(-60_000, 60_000))
  cluster.disturb(server.name, 'clock steps', `${ms} ms`)
  locks.lose(server, () => server.step(ms))
}

/** With a lock that the process does not know of yet, or that it has not recorded. */
async function pauseWithLock(cluster: Cluster): Promise<void> {
  const { random, locks, server } = cluster
  const how = kind(cluster)
  const member = await cluster.next(found =>
    locks.onGrant((running, rank) => {
      const { slots } = server.table.slots(undefined) ?? { slots: [] }
      const held = slots.some(entry => `${entry.slot}/${entry.rank}` === rank && entry.holder !== '')
      if (!held) found(running)
      return !held
    }),
  )
  await cluster.sleep(random.chance(0.5) ? 0 : random.between(0, 20))
  if (!member?.current) return
  const ms = random.chance(0.7) ? random.between(4_000, 14_000) : random.between(14_000, 90_000)
  await stands(cluster, member, 'is paused with a lock', how, ms)
}

/** A process makes an entry, and stands still; the request gets stuck, and lands when somebody else may hold the slot. */
async function lateHold(cluster: Cluster): Promise<void> {
  const [how, stuck] = [kind(cluster), cluster.random.between(6_000, 14_000)]
  const member = await cluster.next(found =>
    cluster.watch.onHold(running => {
      found(running)
      return stuck
    }),
  )
  if (!member?.current) return
  const ms = stuck + cluster.random.between(100, 5_000)
  await stands(cluster, member, 'is paused, with an entry asked for', how, ms)
}

const LOCK_FAULTS: readonly Fault[] = [
  /** Started again soon or late, with its keys or without. */
  async function lockServerKilled(cluster) {
    const { random, locks } = cluster
    const server = random.pick(locks.servers)
    const emptied = random.chance(0.5)
    await locksAway(cluster, [server], 'is killed', random.between(500, 60_000), () => {
      if (emptied) locks.lose(server, ({ table }) => table.empty())
    })
  },
  async function lockServerRestartedInAnInstant(cluster) {
    const server = cluster.random.pick(cluster.locks.servers)
    cluster.disturb(server.name, 'is emptied')
    cluster.locks.lose(server, ({ table }) => table.empty())
  },
  /** It throws some keys away, as one that is short of memory may. */
  async function lockServerEvicts(cluster) {
    const { random, locks } = cluster
    const server = random.pick(locks.servers)
    cluster.disturb(server.name, 'evicts')
    const gone = server.table.keys().filter(() => random.chance(0.3))
    locks.lose(server, ({ table }) => table.drop(gone))
  },
  async function lockServerHangs(cluster) {
    await hang(cluster, [cluster.random.pick(cluster.locks.servers)])
  },
  /** As many as it takes for nobody to win a lock. */
  async function majorityHangs(cluster) {
    const { servers } = cluster.locks
    await hang(cluster, servers.slice(0, Math.floor(servers.length / 2) + 1))
  },
  async function allLocksAway(cluster) {
    await locksAway(cluster, cluster.locks.servers, 'is away', cluster.random.between(2_000, 90_000))
  },
  /** One member alone cannot reach one server. */
  async function cutFromLocks(cluster) {
    const { random, locks } = cluster
    const { id } = random.pick(cluster.up)
    const { name } = random.pick(locks.servers)
    const way = `${id} ${name}`
    await cluster.spell(way, ['is cut off from', 'is connected to'], random.between(3_000, 90_000), () => {
      locks.cut.add(way)
      return () => locks.cut.delete(way)
    })
  },
  lockClockSteps,
  /** Requests to lock servers, and their answers, are lost, late, overtaken. */
  async function badLockNetwork(cluster) {
    const { random, locks } = cluster
    await storm(cluster, locks.weather, 'network to lock servers', {
      lost: random.between(0, 0.2),
      unanswered: random.between(0, 0.2),
      late: random.between(0, 0.25),
      slow: random.pick([1, 1, 20, 100]),
    })
  },
  pauseWithLock,
  lateHold,
]

/** Of lock servers that are the store's Redis everything goes wrong that goes wrong with the store. */
export function faultsOfLocks({ options, locks }: Cluster): readonly Fault[] {
  if (!options.leases) return []
  return locks.inStore ? [pauseWithLock, lateHold, lockClockSteps] : LOCK_FAULTS
}

/** The weather is bad for a while. */
async function storm(cluster: Cluster, at: NetworkWeather, what: string, weather: Partial<NetworkWeather>) {
  const ms = cluster.random.between(20_000, 150_000)
  await cluster.spell('', [`${what} is bad`, `${what} is good`], ms, () => {
    Object.assign(at, weather)
    return () => Object.assign(at, CALM)
  })
}

async function hang(cluster: Cluster, servers: readonly LockServer[]) {
  const all = cluster.random.chance(0.5)
  const ms = cluster.random.between(1_000, 90_000)
  const hangs = (server: LockServer) => () => {
    server.hang()
    return () => server.goOn(all)
  }
  await Promise.all(servers.map(server => cluster.spell(server.name, ['hangs', 'goes on'], ms, hangs(server))))
}

/** `back` is done to each before it is there again. */
async function locksAway(
  cluster: Cluster,
  servers: readonly LockServer[],
  what: string,
  ms: number,
  back: (server: LockServer) => void = () => {},
) {
  const goes = (server: LockServer) => () => {
    server.up = false
    return () => {
      back(server)
      server.up = true
    }
  }
  await Promise.all(servers.map(server => cluster.spell(server.name, [what, 'is back'], ms, goes(server))))
}
