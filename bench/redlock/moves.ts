/** How long it takes until slots are shared out, until a member that joins has its share, and until one that is gone is replaced. */
import { setTimeout } from 'node:timers/promises'
import type { OwnershipPlugin } from 'blockgate'
import type { SlotEntry } from 'blockgate/members'
import { Cluster } from './cluster.ts'
import { allGranted, blocksOf } from './granted.ts'
import { between, type Usage, usageOf } from './usage.ts'
import { isEven, recordsUntil, type Waited } from './watching.ts'

export interface Moves {
  readonly servers: number
  readonly slots: number
  readonly coldStart: Part
  /** Not tried where the cold start was given up. */
  readonly join: Join | undefined
  readonly death: Death | undefined
}

/** Something that was waited for. */
export interface Timed {
  readonly ms: number
  /** False: it was given up. */
  readonly done: boolean
}

export interface Part extends Timed {
  /** Slots that have another holder than before. */
  readonly moved: number
  readonly store: Usage
  /** Of one member, in the mean of those in this process. */
  readonly cpuMs: number
}

export interface Join extends Part {
  /** Slots that the one that joined is to have. */
  readonly share: number
  /** Slots that were recorded anew, whoever has them. */
  readonly recorded: number
}

export interface Death {
  /** Of the one that died. */
  readonly slots: number
  /** Until others were granted a block of each of them, and until others were recorded for each. */
  readonly failoverOwner: Timed
  readonly recorded: Timed
}

/** In ms. */
export const TIMES = { heartbeat: 1_000, expireAfter: 3_000, grace: 5_000, ttl: 9_000 } as const
/** A look is due within a heartbeat, the second that confirms it within two; one more for what is on its way. */
const LOOKS_MS = 3 * TIMES.heartbeat
export const BOUNDS = {
  failoverMs: TIMES.expireAfter + LOOKS_MS,
  recordedMs: TIMES.expireAfter + LOOKS_MS + TIMES.grace + LOOKS_MS,
} as const
/** When each is given up. */
const START_MS = 30_000
const JOIN_MS = 10_000
const BOUNDS_MOST = 1.5
const STAY = ['gw-0', 'gw-1']
const DIES = 'gw-2'
const JOINS = 'gw-3'

export async function measureMoves(servers: number, slots: number, status: (text: string) => void): Promise<Moves> {
  await using cluster = await Cluster.start({ servers, slots, minMembers: STAY.length + 1, ...TIMES })
  const { observer } = cluster
  const members: OwnershipPlugin[] = []
  status('cold start')
  const dies = await cluster.process(DIES)
  const { records: before, ...coldStart } = await measurePart(cluster, [], STAY.length, async () => {
    const joined = dies.join()
    members.push(...(await Promise.all(STAY.map(id => cluster.join(id)))))
    await joined
    return recordsUntil(observer, START_MS, all => all.length === slots)
  })
  if (!coldStart.done) return { servers, slots, coldStart, join: undefined, death: undefined }
  await setTimeout(2 * TIMES.heartbeat)
  status('join')
  const count = STAY.length + 2
  const { records: after, ...join } = await measurePart(cluster, before, STAY.length + 1, async () => {
    members.push(await cluster.join(JOINS))
    return recordsUntil(observer, JOIN_MS, all => isEven(all, count))
  })
  const recorded = changes(before, after, 'fence')
  await setTimeout(2 * TIMES.heartbeat)
  status('death')
  const death = await measureDeath(cluster, slots, members, () => dies.kill())
  return { servers, slots, coldStart, join: { ...join, share: Math.floor(slots / count), recorded }, death }
}

async function measurePart(
  cluster: Cluster,
  records: readonly SlotEntry[],
  members: number,
  work: () => Promise<Waited>,
): Promise<Part & Waited> {
  const [before, cpu, begun] = [await usageOf(cluster.redis), process.cpuUsage(), performance.now()]
  const waited = await work()
  const ms = performance.now() - begun
  const { user, system } = process.cpuUsage(cpu)
  const store = between(before, await usageOf(cluster.redis))
  const moved = changes(records, waited.records, 'holder')
  return { ...waited, ms, moved, store, cpuMs: (user + system) / 1000 / members }
}

async function measureDeath(
  cluster: Cluster,
  slots: number,
  members: readonly OwnershipPlugin[],
  kill: () => Promise<void>,
): Promise<Death> {
  const records = (await cluster.observer.slots(undefined))?.slots ?? []
  const lost = new Set(records.filter(({ holder }) => holder === DIES).map(({ slot }) => slot))
  const blocks = blocksOf(lost, slots)
  const begun = performance.now()
  const since = () => performance.now() - begun
  await kill()
  let granted = false
  while (!granted && since() < BOUNDS_MOST * BOUNDS.failoverMs) {
    await setTimeout(10)
    granted = await allGranted(members, blocks)
  }
  const failoverOwner = { ms: since(), done: granted }
  const isTaken = ({ slot, holder }: SlotEntry) => !lost.has(slot) || (holder !== DIES && holder !== '')
  const left = BOUNDS_MOST * BOUNDS.recordedMs - since()
  const { done } = await recordsUntil(cluster.observer, left, all => all.every(isTaken))
  return { slots: lost.size, failoverOwner, recorded: { ms: since(), done } }
}

function changes(before: readonly SlotEntry[], after: readonly SlotEntry[], of: 'holder' | 'fence'): number {
  const was = new Map(before.map(record => [record.slot, record[of]]))
  return after.filter(record => was.get(record.slot) !== record[of]).length
}
