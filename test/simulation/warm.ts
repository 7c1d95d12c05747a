/** What loading ahead is worth: calm clusters in which one thing happens, and how many of the blocks that moved were warm. */
import { Cluster } from './cluster.ts'
import type { Running } from './running.ts'
import { SOUND, type Tested, Violation } from './world.ts'

const MINUTE = 60_000

export interface WarmStory {
  readonly members: number
  readonly blocks: number
  readonly replicas: 1 | 2
  /** Share of the disk that may be taken ahead, of a disk that holds all blocks. */
  readonly budget: number
  readonly act: (cluster: Cluster) => Promise<void>
}

export interface Warmth {
  /** Loads that were begun since, and how many of them found the block warm. */
  readonly loads: number
  readonly hits: number
  /** Blocks that were loaded ahead, before and since, and how many of them were for nothing. */
  readonly warmed: number
  readonly wasted: number
}

/** Starts a cluster, waits until all that fits is warm, lets `act` happen, and waits until all is at rest. @throws Violation */
export async function warmth(seed: number, plugin: Tested, story: WarmStory): Promise<Warmth> {
  const { members, blocks, replicas, budget, act } = story
  // A header of the simulation has some 1,000 bytes.
  const prewarm = Math.ceil(blocks * 1_030 * budget)
  const fixed = { zones: 0, placement: 'rendezvous', handoverDelayMs: 5_000, leases: undefined } as const
  const cluster = new Cluster({ seed, members, blocks, replicas, prewarm, ...fixed }, plugin, SOUND)
  const { scheduler, watch } = cluster
  const { warmth: counts } = watch
  let before = { ...counts }
  let failed: unknown
  let isDone = false
  void (async () => {
    for (const member of cluster.members.values()) member.start()
    await rest(cluster)
    before = { ...counts }
    await act(cluster)
    await rest(cluster)
  })()
    .catch(error => {
      failed = error
    })
    .finally(() => {
      isDone = true
    })
  await scheduler.run(
    () => isDone,
    () => watch.check(),
  )
  if (failed) throw failed
  return {
    loads: counts.loads - before.loads,
    hits: counts.hits - before.hits,
    warmed: counts.warmed,
    wasted: [...cluster.runnings].reduce((all, r) => all + (r.gateway?.prewarm?.stats.wasted ?? 0), counts.wasted),
  }
}

/** Everybody has what is its own, and nobody has loaded anything, ahead or not, for seven minutes. */
export async function rest(cluster: Cluster): Promise<void> {
  const { warmth } = cluster.watch
  let last = ''
  let since = cluster.scheduler.now
  const isAtRest = () => {
    const now = [warmth.loads, warmth.warmed, ...[...cluster.runnings].map(held)].join()
    if (now !== last) since = cluster.scheduler.now
    last = now
    return cluster.scheduler.now - since > 7 * MINUTE
  }
  if (!(await cluster.until(isAtRest, 60 * MINUTE))) throw new Violation('rest', 'it does not come to rest')
}

const held = ({ loaded }: Running): number => loaded.size

/** Each member is drained, and goes when others serve what it had; then it is back. */
export async function rollingLeave(cluster: Cluster): Promise<void> {
  for (const member of [...cluster.up]) {
    cluster.server.table.drain(member.id, true)
    await cluster.until(() => member.current?.loaded.size === 0, 20 * MINUTE)
    await member.stop()
    cluster.server.table.drain(member.id, false)
    member.start()
    await rest(cluster)
  }
}

/** Each member is stopped, and started again, one at a time. */
export async function rollingRestart(cluster: Cluster): Promise<void> {
  for (const member of [...cluster.up]) {
    await member.stop(true)
    await cluster.sleep(20_000)
    member.start()
    await rest(cluster)
  }
}

/**
 * Each ten minutes a member drains and comes back, is restarted, or crashes and comes back: all of them, in a drawn order. Then half an
 * hour in which nothing happens: what was not used in an hour is waste.
 */
export async function churn(cluster: Cluster): Promise<void> {
  const { random } = cluster
  const left = [...cluster.up]
  while (left.length > 0) {
    const begun = cluster.scheduler.now
    const [member] = left.splice(random.int(0, left.length - 1), 1)
    if (!member) return
    const kind = random.pick(['drains', 'stops', 'crashes'] as const)
    if (kind === 'drains') {
      cluster.server.table.drain(member.id, true)
      await cluster.until(() => member.current?.loaded.size === 0, 5 * MINUTE)
    }
    if (kind === 'crashes') member.crash()
    else await member.stop(true)
    await cluster.sleep(30_000)
    cluster.server.table.drain(member.id, false)
    member.start()
    await cluster.sleep(10 * MINUTE - (cluster.scheduler.now - begun))
  }
  await cluster.sleep(30 * MINUTE)
}

/** One member drains and stops for good. */
export async function leave(cluster: Cluster): Promise<void> {
  const [member] = cluster.up
  if (!member) return
  cluster.server.table.drain(member.id, true)
  await cluster.until(() => member.current?.loaded.size === 0, 20 * MINUTE)
  await member.retire()
}

export async function crash(cluster: Cluster): Promise<void> {
  cluster.up[0]?.crash()
}

export async function join(cluster: Cluster): Promise<void> {
  cluster.add().start()
}
