/**
 * I2 and I5: left alone, the cluster comes to rest: everybody holds what is its own, nobody holds anything else, and
 * nothing moves.
 */

import type { BlockId } from 'blockgate'
import { short } from './bucket.ts'
import type { Cluster } from './cluster.ts'
import { owns } from './invariants.ts'
import type { Running } from './running.ts'
import { Violation } from './world.ts'

/**
 * What it may take: two listings, a hand-over delay, a member that is noticed to be gone, loads that are tried again.
 */
const LONGEST = 6 * 60_000
const REST = 150_000

export async function comesToRest(cluster: Cluster): Promise<void> {
  let unsettled = ''
  const begun = new Map([...cluster.runnings].map(running => [running, running.listings.begun]))
  const settled = () => {
    for (const running of cluster.runnings) confirmDrops(running)
    unsettled = difference(cluster) ?? cluster.rules.stirring?.() ?? atWork(cluster, begun) ?? ''
    return unsettled === ''
  }
  if (!(await cluster.until(settled, LONGEST))) throw new Violation('I5', `not at rest: ${unsettled}`)
  cluster.note('', 'is at rest')
  const { moves } = cluster.watch
  await cluster.sleep(REST)
  if (cluster.watch.moves !== moves) throw new Violation('I5', 'it does not stay at rest')
  const later = difference(cluster)
  if (later !== undefined) throw new Violation('I5', `it does not stay at rest: ${later}`)
}

/** So many blocks gone at once need an operator's word; this one knows the bucket. */
function confirmDrops({ gateway }: Running): void {
  if (!gateway || gateway.progress || (gateway.results.at(-1)?.unconfirmed ?? 0) === 0) return
  gateway.sync({ confirmDrops: true }).catch(() => {})
}

/** What is not as it must be in the end; undefined where everything is. */
function difference(cluster: Cluster): string | undefined {
  const running = [...cluster.runnings]
  for (const r of running) {
    const behind = r.plugin?.handover && cluster.rules.behind(r)
    if (behind) return `${r.id} has ${behind} than the store`
    const drained = r.loaded.size === 0 && r.plugin?.handover?.standing() === 'leaving'
    if (!r.ready && !drained) return `${r.id} is not ready: ${r.gateway?.readiness.reason}`
    const odd = oddBlock(cluster, r)
    if (odd !== undefined) return odd
  }
  if (cluster.watch.coverage.gaps > 0 && running.length > 0) return 'blocks that were served are not'
  return running.length > 0 ? cluster.rules.unsettled() : undefined
}

function oddBlock(cluster: Cluster, running: Running): string | undefined {
  const { blocks, metas } = cluster.bucket
  for (const id of running.loaded.keys()) {
    if (cluster.stuck(id) || mine(cluster, running, id)) continue
    return `${running.id} holds ${short(id)}${blocks.has(id) ? '' : ', which is gone'}`
  }
  for (const id of metas.keys()) {
    if (cluster.stuck(id) || running.loaded.has(id) || !mine(cluster, running, id)) continue
    const { reason, by } = running.gateway?.catalogue.get(id) ?? {}
    if (reason !== 'poison') return `${running.id} does not hold ${short(id)}: ${by} ${reason}`
  }
  return undefined
}

/** Who still acts on a listing of bad times; who has seen the bucket as it is, and has nothing to do, does not. */
function atWork({ runnings }: Cluster, begun: ReadonlyMap<Running, number>): string | undefined {
  for (const running of runnings) {
    if (running.gateway?.progress) return `${running.id} is in a run`
    if (running.listings.completed <= (begun.get(running) ?? 0)) return `${running.id} has not seen the bucket as it is`
  }
  return undefined
}

/** In the bucket, not compacted, and the process is to hold it. */
function mine(cluster: Cluster, running: Running, id: BlockId): boolean {
  const { blocks, metas, ancestors } = cluster.bucket
  const meta = metas.get(id)
  if (!meta || !blocks.has(id)) return false
  if (ancestors.get(id)?.some(parent => blocks.has(parent))) return false
  return !running.plugin?.handover || owns(running, meta)
}
