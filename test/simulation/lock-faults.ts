/** What goes wrong with lock servers, and with those who use them. Each fault ends by itself; several may overlap. */
import type { Cluster } from './cluster.ts'
import { kind } from './faults.ts'
import type { LockServer } from './lock-server.ts'
import { CALM } from './network.ts'

/** Killed, and started again soon or late, with its keys or without. */
export async function lockServerKilled(cluster: Cluster): Promise<void> {
  const { random, locks } = cluster
  const server = random.pick(locks.servers)
  const emptied = random.chance(0.5)
  await away(cluster, [server], random.between(500, 60_000), 'is killed', () => {
    if (emptied) locks.lose(server, ({ table }) => table.empty())
  })
}

/** Restarted in an instant, empty. */
export async function lockServerEmptied(cluster: Cluster): Promise<void> {
  const { random, locks } = cluster
  const server = random.pick(locks.servers)
  cluster.disturb(server.name, 'is emptied')
  locks.lose(server, ({ table }) => table.empty())
}

/** Answers nothing for a while. */
export async function lockServerHangs(cluster: Cluster): Promise<void> {
  await hang(cluster, [cluster.random.pick(cluster.locks.servers)])
}

/** As many hang as it takes for nobody to win a lock. */
export async function majorityHangs(cluster: Cluster): Promise<void> {
  const { servers } = cluster.locks
  await hang(cluster, servers.slice(0, Math.floor(servers.length / 2) + 1))
}

export async function allLocksAway(cluster: Cluster): Promise<void> {
  await away(cluster, cluster.locks.servers, cluster.random.between(2_000, 90_000), 'is away', () => {})
}

/** One member alone cannot reach one server. */
export async function cutFromLocks(cluster: Cluster): Promise<void> {
  const { random, locks } = cluster
  const { id } = random.pick(cluster.up)
  const server = random.pick(locks.servers)
  cluster.disturb(id, 'is cut off from', server.name)
  locks.cut.add(`${id} ${server.name}`)
  await cluster.sleep(random.between(3_000, 90_000))
  cluster.disturb(id, 'is connected to', server.name)
  locks.cut.delete(`${id} ${server.name}`)
}

export async function lockClockSteps(cluster: Cluster): Promise<void> {
  const { random, locks } = cluster
  const server = random.pick(locks.servers)
  const ms = Math.round(random.between(-60_000, 60_000))
  cluster.disturb(server.name, 'clock steps', `${ms} ms`)
  locks.lose(server, () => server.step(ms))
}

/** Requests to lock servers, and their answers, are lost, late, overtaken. */
export async function badLockNetwork(cluster: Cluster): Promise<void> {
  const { random, locks } = cluster
  cluster.disturb('', 'network to lock servers is bad')
  Object.assign(locks.weather, {
    lost: random.between(0, 0.2),
    unanswered: random.between(0, 0.2),
    late: random.between(0, 0.25),
    slow: random.pick([1, 1, 20, 100]),
  })
  await cluster.sleep(random.between(20_000, 150_000))
  cluster.disturb('', 'network to lock servers is good')
  Object.assign(locks.weather, CALM)
}

/** Stands still with a lock that it does not know of yet, or that it has not recorded. */
export async function pauseWithLock(cluster: Cluster): Promise<void> {
  const { random } = cluster
  const kept = kind(cluster)
  const id = await cluster.nextGrant(120_000)
  await cluster.sleep(random.chance(0.5) ? 0 : random.between(0, 20))
  const member = id === undefined ? undefined : cluster.members.get(id)
  if (!member?.current) return
  cluster.disturb(member.id, 'is paused with a lock')
  member.pause(kept)
  await cluster.sleep(random.chance(0.7) ? random.between(4_000, 14_000) : random.between(14_000, 90_000))
  cluster.disturb(member.id, 'goes on')
  member.resume()
}

/** Asks for a seat, and stands still; the request gets stuck, and lands when somebody else may have the seat. */
export async function lateHold(cluster: Cluster): Promise<void> {
  const { random } = cluster
  const [kept, stuck] = [kind(cluster), random.between(6_000, 14_000)]
  const id = await new Promise<string | undefined>(resolve => {
    cluster.watch.onHold(running => {
      resolve(running.id)
      return stuck
    })
    cluster.scheduler.after(120_000, 'story', () => resolve(undefined))
  })
  const member = id === undefined ? undefined : cluster.members.get(id)
  if (!member?.current) return
  cluster.disturb(member.id, 'is paused, with a seat asked for')
  member.pause(kept)
  await cluster.sleep(stuck + random.between(100, 5_000))
  cluster.disturb(member.id, 'goes on')
  member.resume()
}

async function hang(cluster: Cluster, servers: readonly LockServer[]): Promise<void> {
  const all = cluster.random.chance(0.5)
  for (const server of servers) {
    cluster.disturb(server.name, 'hangs')
    server.hang()
  }
  await cluster.sleep(cluster.random.between(1_000, 90_000))
  for (const server of servers) {
    cluster.disturb(server.name, 'goes on', all ? 'with all that came' : '')
    server.goOn(all)
  }
}

async function away(
  cluster: Cluster,
  servers: readonly LockServer[],
  ms: number,
  what: string,
  meanwhile: () => void,
): Promise<void> {
  for (const server of servers) {
    cluster.disturb(server.name, what)
    server.up = false
  }
  await cluster.sleep(ms)
  meanwhile()
  for (const server of servers) {
    cluster.disturb(server.name, 'is back')
    server.up = true
  }
}
