/**
 * What happens in the bucket meanwhile: uploads, compactions, deletions, slow and failing reads, listings that are not
 * whole.
 */

import { FAIR, short } from './bucket.ts'
import type { Cluster } from './cluster.ts'

/** Sidecars upload. */
export async function uploads(cluster: Cluster, until: number): Promise<void> {
  const { random, bucket } = cluster
  while (cluster.scheduler.now < until) {
    await cluster.sleep(random.between(10_000, 90_000))
    cluster.note('bucket', 'gets', short(bucket.upload()))
  }
}

/** A compactor makes parents, and deletes the children some time later. */
export async function compactions(cluster: Cluster, until: number): Promise<void> {
  const { random, bucket } = cluster
  while (cluster.scheduler.now < until) {
    await cluster.sleep(random.between(30_000, 180_000))
    for (let wave = random.int(1, 3); wave > 0; wave--) {
      const done = bucket.compact(random.int(2, 5))
      if (!done) continue
      const { parent, children } = done
      cluster.note('bucket', 'gets', short(parent), 'of', children.map(short).join(' '))
      if (random.chance(0.05)) bucket.corrupt.add(parent)
      cluster.scheduler.after(random.between(120_000, 400_000), 'children deleted', () => {
        cluster.note('bucket', 'loses', children.map(short).join(' '))
        for (const child of children) bucket.delete(child)
      })
    }
  }
}

/** Reads and listings have bad times. */
export async function badReads(cluster: Cluster, until: number): Promise<void> {
  const { random, bucket } = cluster
  while (cluster.scheduler.now < until) {
    await cluster.sleep(random.between(20_000, 120_000))
    const weather = {
      incomplete: random.between(0, 0.3),
      half: random.between(0, 0.3),
      broken: random.between(0, 0.3),
      failing: random.between(0, 0.3),
      slow: random.pick([1, 2, 8]),
    }
    cluster.note('bucket', 'behaves badly', weather)
    Object.assign(bucket.weather, weather)
    if (random.chance(0.2)) {
      const id = random.pick([...bucket.blocks.keys()])
      cluster.note('bucket', 'spoils', short(id))
      bucket.corrupt.add(id)
    }
    await cluster.sleep(random.between(10_000, 60_000))
    cluster.note('bucket', 'behaves')
    Object.assign(bucket.weather, FAIR)
  }
}
