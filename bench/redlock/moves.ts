/** How long it takes until slots are shared out, until a member that joins has its share, and until one that is gone is replaced. */
import { setTimeout } from 'node:timers/promises'
import type { OwnershipPlugin } from 'blockgate'
import type { SlotRecord } from 'blockgate/members'
import type { RedisServer } from '../../test/support/redis.ts'
import { type TcpSwitch, tcpSwitch } from '../../test/support/tcp-switch.ts'
import { Cluster } from './cluster.ts'
import { allGranted, blocksOf } from './granted.ts'
import { between, type Usage, usageOf } from './usage.ts'
import { allRecorded, countsOf, recordsUntil } from './watching.ts'

export interface Moves {
  readonly servers: number
  readonly slots: number
  readonly coldStart: Part
  readonly join: Join
  readonly death: Death
}

export interface Part {
  readonly ms: number
  readonly store: Usage
  /** Of the process with all members. */
  readonly cpuMs: number
}

export interface Join extends Part {
  /** Shares are even; else it was given up. */
  readonly done: boolean
  /** Slots that the one that joined is to have. */
  readonly share: number
  /** Slots that have another holder than before. */
  readonly moved: number
  /** Slots that were recorded anew, whoever has them. */
  readonly recorded: number
}

export interface Death {
  /** Of the one that died. */
  readonly slots: number
  /** Until others were granted a block of each of them, and until others were recorded for each. */
  readonly standInMs: number
  readonly recordedMs: number
}

/** In ms. */
export const TIMES = { beat: 500, expireAfter: 2_000, grace: 4_000, ttl: 6_000 } as const
/** A look is due within a beat, its second within two; one more for what was on its way. */
const LOOKS_MS = 3 * TIMES.beat
export const BOUNDS = {
  standInMs: TIMES.expireAfter + LOOKS_MS,
  recordedMs: TIMES.expireAfter + LOOKS_MS + TIMES.grace + LOOKS_MS,
} as const
const STAY = ['gw-0', 'gw-1']
const DIES = 'gw-2'
const JOINS = 'gw-3'
const JOIN_MS = 15_000
const DEATH_MS = 60_000

export async function measureMoves(servers: number, slots: number, status: (text: string) => void): Promise<Moves> {
  await using cluster = await Cluster.start({ servers, slots, minMembers: STAY.length + 1, ...TIMES })
  /** The ways of the one that dies: nothing that it would say gets through once they are closed. */
  const ways = new Map<RedisServer, TcpSwitch>()
  try {
    for (const server of [cluster.redis, ...cluster.locks]) ways.set(server, await tcpSwitch(server.port))
    status('cold start')
    const members: OwnershipPlugin[] = []
    let before: readonly SlotRecord[] = []
    const coldStart = await part(cluster, async () => {
      const dies = cluster.join(DIES, server => ways.get(server)?.port ?? server.port)
      members.push(...(await Promise.all(STAY.map(id => cluster.join(id)))))
      await dies
      before = await allRecorded(cluster.observer, slots)
    })
    await setTimeout(2 * TIMES.beat)
    status('join')
    const join = await measureJoin(cluster, before, async () => void members.push(await cluster.join(JOINS)))
    await setTimeout(2 * TIMES.beat)
    status('death')
    const death = await measureDeath(cluster, slots, members, () => {
      for (const way of ways.values()) way.to(undefined)
    })
    return { servers, slots, coldStart, join, death }
  } finally {
    await Promise.all([...ways.values()].map(way => way[Symbol.asyncDispose]()))
  }
}

async function measureJoin(cluster: Cluster, before: readonly SlotRecord[], join: () => Promise<void>): Promise<Join> {
  const count = STAY.length + 2
  let waited = { records: before, done: false }
  const measured = await part(cluster, async () => {
    await join()
    waited = { ...(await recordsUntil(cluster.observer, JOIN_MS, records => isEven(records, count))) }
  })
  const was = new Map(before.map(record => [record.slot, record]))
  const { records, done } = waited
  return {
    ...measured,
    done,
    share: Math.floor(before.length / count),
    moved: records.filter(({ slot, holder }) => was.get(slot)?.holder !== holder).length,
    recorded: records.filter(({ slot, fence }) => was.get(slot)?.fence !== fence).length,
  }
}

async function measureDeath(
  cluster: Cluster,
  slots: number,
  members: readonly OwnershipPlugin[],
  kill: () => void,
): Promise<Death> {
  const records = (await cluster.observer.slots(undefined))?.slots ?? []
  const lost = new Set(records.filter(({ holder }) => holder === DIES).map(({ slot }) => slot))
  const blocks = blocksOf(lost, slots)
  const begun = performance.now()
  kill()
  while (!(await allGranted(members, blocks))) await setTimeout(10)
  const standInMs = performance.now() - begun
  const isTaken = ({ slot, holder }: SlotRecord) => !lost.has(slot) || (holder !== DIES && holder !== '')
  const { done } = await recordsUntil(cluster.observer, DEATH_MS, all => all.every(isTaken))
  if (!done) throw new Error('others must be recorded for the slots of a member that died within a minute')
  return { slots: lost.size, standInMs, recordedMs: performance.now() - begun }
}

async function part(cluster: Cluster, work: () => Promise<void>): Promise<Part> {
  const [before, cpu, begun] = [await usageOf(cluster.redis), process.cpuUsage(), performance.now()]
  await work()
  const ms = performance.now() - begun
  const { user, system } = process.cpuUsage(cpu)
  return { ms, store: between(before, await usageOf(cluster.redis)), cpuMs: (user + system) / 1000 }
}

function isEven(records: readonly SlotRecord[], members: number): boolean {
  const counts = countsOf(records)
  const each = [...counts.values()]
  return counts.size === members && !counts.has('') && Math.max(...each) - Math.min(...each) <= 1
}
