/** What it costs that nothing happens: locks are renewed, heartbeats are written and read. At the default times, three members. */
import { setTimeout } from 'node:timers/promises'
import { Cluster } from './cluster.ts'
import { between, type Usage, usageOf } from './usage.ts'
import { recordsUntil } from './watching.ts'

export interface Rest {
  /** Lock servers; 0: a ring. */
  readonly servers: number
  readonly slots: number
  readonly seconds: number
  readonly store: Usage
  readonly locks: readonly Usage[]
  /** Of the process with all three members. */
  readonly cpuMs: number
}

const MEMBERS = ['gw-0', 'gw-1', 'gw-2']
/** A third of the default TTL, and half of the two seconds from one look at what is due to the next. */
const RENEWED_MS = 11_000
const ROUNDS = 2
const START_MS = 120_000

/** Begins half way between two renewals: all locks are taken at once, and so are renewed in waves. */
export async function measureRest(servers: number, slots: number): Promise<Rest> {
  await using cluster = await Cluster.start({ servers, slots, minMembers: MEMBERS.length })
  await Promise.all(MEMBERS.map(id => cluster.join(id)))
  if (servers > 0) {
    const { done } = await recordsUntil(cluster.observer, START_MS, records => records.length === slots)
    if (!done) throw new Error(`all ${slots} slots must be recorded within ${START_MS} ms`)
  }
  await setTimeout(RENEWED_MS / 2)
  const look = () => Promise.all([cluster.redis, ...cluster.locks].map(usageOf))
  const [before, cpu, begun] = [await look(), process.cpuUsage(), performance.now()]
  await setTimeout(ROUNDS * RENEWED_MS)
  const { user, system } = process.cpuUsage(cpu)
  const seconds = (performance.now() - begun) / 1000
  const [store, ...locks] = (await look()).map((after, i) => between(before[i] as Usage, after))
  return { servers, slots, seconds, store: store as Usage, locks, cpuMs: (user + system) / 1000 }
}
