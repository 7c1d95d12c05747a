/** What operators do on purpose, one thing after another. None of it may open a gap. */
import type { Cluster } from './cluster.ts'
import type { Member } from './member.ts'

const MINUTE = 60_000

const ready = (cluster: Cluster, member: Member) => cluster.until(() => member.current?.ready === true, 3 * MINUTE)

/** A new member joins. */
export async function scaleUp(cluster: Cluster): Promise<void> {
  if (cluster.members.size >= 6) return
  const member = cluster.add()
  cluster.disturb(member.id, 'joins')
  member.start()
  await ready(cluster, member)
}

/** Two new members join, one soon after the other: what the first is still being given may go on to the second. */
export async function scaleUpByTwo(cluster: Cluster): Promise<void> {
  const first = scaleUp(cluster)
  await cluster.sleep(cluster.random.between(500, 20_000))
  await Promise.all([first, scaleUp(cluster)])
}

/** A member drains, stops when it holds nothing, and may be forgotten. */
export async function scaleDown(cluster: Cluster): Promise<void> {
  const member = spare(cluster)
  if (!member) return
  await drain(cluster, member, true)
  if (!(await cluster.until(() => member.current?.loaded.size === 0, 5 * MINUTE))) return drain(cluster, member, false)
  cluster.disturb(member.id, 'has drained')
  await member.retire()
  if (!cluster.random.chance(0.5)) return
  const { table } = cluster.server
  const entry = table.entries().members.get(member.id)
  if (entry?.state !== 'down') return
  cluster.disturb(member.id, 'is forgotten')
  table.forget(member.id, entry.changed)
}

/** A drain that is cancelled half-way, often in the middle of a hand-over. */
export async function changeOfMind(cluster: Cluster): Promise<void> {
  const member = spare(cluster)
  if (!member) return
  await drain(cluster, member, true)
  if (cluster.random.chance(0.5)) await cluster.next(found => cluster.watch.onRelease(found), 90_000)
  await cluster.sleep(cluster.random.pick([200, 2_000, 30_000]) * cluster.random.next())
  await drain(cluster, member, false)
}

/** Two replicas: every member is restarted, one at a time, and only while another serves each of its blocks. */
export async function rollingRestart(cluster: Cluster): Promise<void> {
  if (cluster.options.replicas < 2) return
  for (const member of cluster.up) {
    if (!(await cluster.until(() => replaceable(cluster, member), 2 * MINUTE))) return
    cluster.disturb(member.id, 'is restarted')
    await member.stop()
    await cluster.sleep(cluster.random.between(500, 20_000))
    if (!member.current) member.start()
    await ready(cluster, member)
  }
}

export async function freeze(cluster: Cluster): Promise<void> {
  await cluster.until(() => cluster.server.up, MINUTE)
  cluster.disturb('', 'is frozen')
  cluster.server.table.freeze(true)
  await cluster.sleep(cluster.random.between(5_000, 60_000))
  await thaw(cluster)
}

export async function thaw(cluster: Cluster): Promise<void> {
  await cluster.until(() => cluster.server.up, 10 * MINUTE)
  cluster.disturb('', 'is thawed')
  cluster.server.table.freeze(false)
}

async function drain(cluster: Cluster, member: Member, on: boolean): Promise<void> {
  await cluster.until(() => cluster.server.up, 10 * MINUTE)
  cluster.disturb(member.id, on ? 'is drained' : 'is drained no more')
  cluster.server.table.drain(member.id, on)
}

/** A member that can be done without: two are left. */
function spare(cluster: Cluster): Member | undefined {
  const members = cluster.up.filter(member => member.current?.ready)
  return members.length < 3 ? undefined : cluster.random.pick(members)
}

/** Whatever this member serves, another one serves as well. */
function replaceable(cluster: Cluster, member: Member): boolean {
  const others = cluster.up.filter(other => other !== member && other.current?.ready)
  return [...(member.current?.loaded.keys() ?? [])].every(
    id => !cluster.bucket.blocks.has(id) || others.some(other => other.current?.loaded.has(id)),
  )
}
