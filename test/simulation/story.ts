/**
 * Seeded histories. A planned one has only what operators do on purpose, one thing after another, and must show no gap
 * at all; a rough one has crashes, pauses, and a store that misbehaves besides.
 */
import { FAIR } from './bucket.ts'
import type { Cluster } from './cluster.ts'
import { FAULTS, faultsOfLocks } from './faults.ts'
import { CALM } from './network.ts'
import * as operations from './operations.ts'
import * as traffic from './traffic.ts'

const MINUTE = 60_000

const OPERATIONS: readonly ((cluster: Cluster) => Promise<void>)[] = [
  operations.scaleUp,
  operations.scaleDown,
  operations.changeOfMind,
  operations.rollingRestart,
  operations.freeze,
]

export interface Story {
  readonly kind: 'planned' | 'rough'
  /** How long things happen, ms; then everything is mended. */
  readonly lasts: number
}

/** Starts the cluster, lets things happen, and mends everything. */
export async function tell(cluster: Cluster, { kind, lasts }: Story): Promise<void> {
  const { random } = cluster
  for (const member of cluster.members.values()) {
    member.start()
    await cluster.sleep(random.between(0, 3_000))
  }
  await cluster.until(() => cluster.up.every(member => member.current?.ready), 5 * MINUTE)
  const until = cluster.scheduler.now + lasts
  const oneByOne = async (list: readonly ((cluster: Cluster) => Promise<void>)[]) => {
    while (cluster.scheduler.now < until) {
      await cluster.sleep(random.between(1_000, 60_000))
      if (cluster.up.length > 0) await random.pick(list)(cluster)
    }
  }
  const own = faultsOfLocks(cluster)
  await Promise.all([
    traffic.uploads(cluster, until),
    traffic.compactions(cluster, until),
    traffic.badReads(cluster, until),
    oneByOne(cluster.options.leases ? [...OPERATIONS, operations.scaleUpByTwo] : OPERATIONS),
    kind === 'rough' ? oneByOne(FAULTS) : undefined,
    kind === 'rough' && random.chance(0.5) ? oneByOne(FAULTS) : undefined,
    kind === 'rough' && own.length > 0 ? oneByOne(own) : undefined,
  ])
  await mend(cluster)
}

/** Everything works again, and everybody is there. */
async function mend(cluster: Cluster): Promise<void> {
  cluster.disturb('', 'is mended')
  Object.assign(cluster.weather, CALM)
  Object.assign(cluster.bucket.weather, FAIR)
  cluster.server.up = true
  cluster.cut.clear()
  cluster.locks.mend()
  await operations.thaw(cluster)
  for (const member of cluster.members.values()) member.mend()
}
