/**
 * Seeded histories. A planned one has only what operators do on purpose, one thing after another, and must show no gap
 * at all; a rough one has crashes, pauses, and a store that misbehaves besides.
 */

import { FAIR } from './bucket.ts'
import type { Cluster } from './cluster.ts'
import * as faults from './faults.ts'
import * as lockFaults from './lock-faults.ts'
import { CALM } from './network.ts'
import * as operations from './operations.ts'
import * as traffic from './traffic.ts'

const MINUTE = 60_000

const OPERATIONS: readonly operations.Operation[] = [
  operations.scaleUp,
  operations.scaleDown,
  operations.changeOfMind,
  operations.rollingRestart,
  operations.freeze,
]

const FAULTS: readonly faults.Fault[] = [
  faults.crash,
  faults.restart,
  faults.restartInHandOver,
  faults.pause,
  faults.pauseWithDropInFlight,
  faults.storeAway,
  faults.storeEmptied,
  faults.failover,
  faults.cutOff,
  faults.badNetwork,
  faults.clockStep,
  faults.twoProcesses,
]

const SEAT_FAULTS: readonly faults.Fault[] = [lockFaults.pauseWithLock, lockFaults.lateHold]

const LOCK_FAULTS: readonly faults.Fault[] = [
  lockFaults.lockServerKilled,
  lockFaults.lockServerEmptied,
  lockFaults.lockServerHangs,
  lockFaults.majorityHangs,
  lockFaults.allLocksAway,
  lockFaults.cutFromLocks,
  lockFaults.lockClockSteps,
  lockFaults.badLockNetwork,
  ...SEAT_FAULTS,
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
  const own = faultsOfLocks(cluster)
  await Promise.all([
    traffic.uploads(cluster, until),
    traffic.compactions(cluster, until),
    traffic.badReads(cluster, until),
    oneByOne(cluster, cluster.options.leases ? [...OPERATIONS, operations.scaleUpByTwo] : OPERATIONS, until),
    kind === 'rough' ? oneByOne(cluster, FAULTS, until) : undefined,
    kind === 'rough' && random.chance(0.5) ? oneByOne(cluster, FAULTS, until) : undefined,
    kind === 'rough' && own.length > 0 ? oneByOne(cluster, own, until) : undefined,
  ])
  await mend(cluster)
}

/** Of lock servers that are the store's Redis everything goes wrong that goes wrong with the store. */
function faultsOfLocks({ options, locks }: Cluster): readonly faults.Fault[] {
  if (!options.leases) return []
  return locks.inStore ? [...SEAT_FAULTS, lockFaults.lockClockSteps] : LOCK_FAULTS
}

async function oneByOne(
  cluster: Cluster,
  list: readonly ((cluster: Cluster) => Promise<void>)[],
  until: number,
): Promise<void> {
  while (cluster.scheduler.now < until) {
    await cluster.sleep(cluster.random.between(1_000, 60_000))
    if (cluster.up.length > 0) await cluster.random.pick(list)(cluster)
  }
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
