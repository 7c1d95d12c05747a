/** What goes wrong. Each fault ends by itself; several may overlap. */
import type { Cluster } from './cluster.ts'
import { CALM } from './network.ts'
import type { Pause } from './process.ts'

export type Fault = (cluster: Cluster) => Promise<void>

/** Killed; it comes back on its disk, soon or late. */
export async function crash(cluster: Cluster): Promise<void> {
  const { random } = cluster
  const member = random.pick(cluster.up)
  if (!member.current) return
  cluster.disturb(member.id, 'is killed')
  member.crash()
  await cluster.sleep(random.chance(0.5) ? random.between(500, 10_000) : random.between(20_000, 120_000))
  cluster.disturb(member.id, 'is started again')
  if (!member.current) member.start()
}

/** Stopped while others hand blocks over to it. */
export async function restartInHandOver(cluster: Cluster): Promise<void> {
  await cluster.nextRelease(120_000)
  await cluster.sleep(cluster.random.between(0, 3_000))
  if (cluster.up.length > 0) await restart(cluster)
}

/** Stopped in an orderly way, and started again, without a look at who else serves its blocks. */
export async function restart(cluster: Cluster): Promise<void> {
  const { random } = cluster
  const member = random.pick(cluster.up)
  cluster.disturb(member.id, 'is restarted')
  await member.stop(true)
  await cluster.sleep(random.between(500, 60_000))
  if (!member.current) member.start()
}

/** Stands still, for less or more than it takes to be noticed. */
export async function pause(cluster: Cluster): Promise<void> {
  const { random } = cluster
  const member = random.pick(cluster.up)
  cluster.disturb(member.id, 'is paused')
  member.pause(kind(cluster))
  await cluster.sleep(random.chance(0.4) ? random.between(500, 12_000) : random.between(20_000, 90_000))
  cluster.disturb(member.id, 'goes on')
  member.resume()
}

/** Stands still between the store's release and the drop. */
export async function pauseWithDropInFlight(cluster: Cluster): Promise<void> {
  const { random } = cluster
  const kept = kind(cluster)
  const id = await cluster.nextRelease(120_000)
  const member = id === undefined ? undefined : cluster.members.get(id)
  if (!member?.current) return
  cluster.disturb(member.id, 'is paused with a drop in flight')
  member.pause(kept)
  await cluster.sleep(random.between(15_000, 90_000))
  cluster.disturb(member.id, 'goes on')
  member.resume()
}

export async function storeAway(cluster: Cluster): Promise<void> {
  cluster.disturb('store', 'is away')
  cluster.server.up = false
  await cluster.sleep(cluster.random.between(2_000, 90_000))
  cluster.disturb('store', 'is back')
  cluster.server.up = true
}

/** Restarted without its data. */
export async function storeEmptied(cluster: Cluster): Promise<void> {
  cluster.disturb('store', 'is emptied')
  cluster.server.up = false
  await cluster.sleep(cluster.random.between(100, 10_000))
  cluster.server.empty()
  cluster.server.up = true
}

/** A replica takes over that had not got the last writes. */
export async function failover(cluster: Cluster): Promise<void> {
  const { random, server } = cluster
  const snapshot = server.snapshot()
  await cluster.sleep(random.between(100, 10_000))
  cluster.disturb('store', 'fails over')
  server.up = false
  await cluster.sleep(random.between(50, 8_000))
  server.failOver(snapshot, random.between(-3_000, 3_000))
  server.up = true
}

/** One member alone cannot reach the store. */
export async function cutOff(cluster: Cluster): Promise<void> {
  const { random } = cluster
  const { id } = random.pick(cluster.up)
  cluster.disturb(id, 'is cut off')
  cluster.cut.add(id)
  await cluster.sleep(random.between(3_000, 60_000))
  cluster.disturb(id, 'is connected')
  cluster.cut.delete(id)
}

/** Requests and answers are lost, late, overtaken. */
export async function badNetwork(cluster: Cluster): Promise<void> {
  const { random, weather } = cluster
  cluster.disturb('', 'network is bad')
  Object.assign(weather, {
    lost: random.between(0, 0.1),
    unanswered: random.between(0, 0.1),
    late: random.between(0, 0.25),
    deaf: random.between(0, 1),
    slow: random.pick([1, 1, 20, 100]),
  })
  await cluster.sleep(random.between(20_000, 150_000))
  cluster.disturb('', 'network is good')
  Object.assign(weather, CALM)
}

export async function clockStep(cluster: Cluster): Promise<void> {
  const { random } = cluster
  const member = random.pick(cluster.up)
  const ms = Math.round(random.between(-120_000, 120_000))
  cluster.disturb(member.id, 'clock steps', `${ms} ms`)
  member.current?.process.step(ms)
}

/** A second process with the id of one that lives, or that stands still. */
export async function twoProcesses(cluster: Cluster): Promise<void> {
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
}

export function kind(cluster: Cluster): Pause {
  return cluster.random.chance(0.5) ? 'stop' : 'suspend'
}
