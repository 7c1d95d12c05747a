/** What operators do on purpose, one thing after another. None of it may open a gap. */
import type { Cluster } from './cluster.ts'
import type { Member } from './member.ts'

const MINUTE = 60_000

export type Operation = (cluster: Cluster) => Promise<void>

/** A new member joins. */
export async function scaleUp(cluster: Cluster): Promise<void> {
  if (cluster.members.size >= 6) return
  const member = cluster.add()
  cluster.disturb(member.id, 'joins')
  member.start()
  await cluster.until(() => member.current?.ready === true, 3 * MINUTE)
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
  if (cluster.random.chance(0.5)) await forget(cluster, member)
}

/** A drain that is cancelled half-way. */
export async function changeOfMind(cluster: Cluster): Promise<void> {
  const member = spare(cluster)
  if (!member) return
  await drain(cluster, member, true)
  // Often in the middle of a hand-over.
  if (cluster.random.chance(0.5)) await cluster.nextRelease(90_000)
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
    await cluster.until(() => member.current?.ready === true, 3 * MINUTE)
  }
}

export async function freeze(cluster: Cluster): Promise<void> {
  await cluster.until(() => cluster.server.up, MINUTE)
  cluster.disturb('', 'is frozen')
  cluster.server.operate(table => table.freeze(true))
  await cluster.sleep(cluster.random.between(5_000, 60_000))
  await thaw(cluster)
}

export async function thaw(cluster: Cluster): Promise<void> {
  await cluster.until(() => cluster.server.up, 10 * MINUTE)
  cluster.disturb('', 'is thawed')
  cluster.server.operate(table => table.freeze(false))
}

export async function drain(cluster: Cluster, member: Member, on: boolean): Promise<void> {
  await cluster.until(() => cluster.server.up, 10 * MINUTE)
  cluster.disturb(member.id, on ? 'is drained' : 'is drained no more')
  cluster.server.operate(table => table.drain(member.id, on))
}

async function forget(cluster: Cluster, member: Member): Promise<void> {
  const record = cluster.server.table.entries().members.get(member.id)
  if (record?.state !== 'down') return
  cluster.disturb(member.id, 'is forgotten')
  cluster.server.operate(table => table.forget(member.id, record.changed))
}

/** A member that can be done without: two are left. */
function spare(cluster: Cluster): Member | undefined {
  const ready = cluster.up.filter(member => member.current?.ready)
  return ready.length < 3 ? undefined : cluster.random.pick(ready)
}

/** Whatever this member serves, another one serves as well. */
function replaceable(cluster: Cluster, member: Member): boolean {
  const others = cluster.up.filter(other => other !== member && other.current?.ready)
  return [...(member.current?.loaded.keys() ?? [])].every(
    id => !cluster.bucket.blocks.has(id) || others.some(other => other.current?.loaded.has(id)),
  )
}
