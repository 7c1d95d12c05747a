/**
 * What an ownership check costs, and how evenly the placements share blocks out.
 *
 *   npm run bench:ownership [-- --json] [-- --balance]
 *
 * A check is `Assignments.of` for a block that was asked for before in this epoch; a first answer is one that was not. Skew is
 * of copies, and of bytes with blocks of five levels of compaction. Times are of the CPU. `--balance`: only what balanced() reaches and costs.
 */
import { PerformanceObserver } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { BlockId } from 'blockgate'
import { fakeHost, testId } from 'blockgate/testing'
import { type AssignedMember, Assignments } from '../plugins/ownership/hash-ring/assignments.ts'
import type { Placement } from '../plugins/ownership/hash-ring/placement.ts'
import { rendezvous } from '../plugins/ownership/hash-ring/rendezvous.ts'
import { tokenRing } from '../plugins/ownership/hash-ring/token-ring.ts'
import { measureBalance } from './balance.ts'
import { round, tableOf } from './table.ts'

const CHECKS = 10_000_000
const PLACEMENTS = [rendezvous(), tokenRing()]
/** Blocks of five levels of compaction: 40 % of 2 hours, 25 % of 8 hours, 15 % of 2 days, 12 % of a week, 8 % of two. */
const LEVELS = [
  { hours: 2, until: 0.4 },
  { hours: 8, until: 0.65 },
  { hours: 48, until: 0.8 },
  { hours: 168, until: 0.92 },
  { hours: 336, until: 1 },
]

const { random } = fakeHost({ seed: 1 })
const { values: args } = parseArgs({
  options: { json: { type: 'boolean', default: false }, balance: { type: 'boolean', default: false } },
})
const collect = globalThis.gc
if (collect === undefined) throw new Error('the script must be started with --expose-gc')
let collections = 0
const observer = new PerformanceObserver(list => {
  collections += list.getEntries().length
})
observer.observe({ entryTypes: ['gc'] })

const hundred = makeBlocks(100_000)
const sets = { few: hundred.slice(0, 5000), many: hundred }
const speed: Awaited<ReturnType<typeof measureSpeed>>[] = []
for (const placement of args.balance ? [] : PLACEMENTS)
  for (const members of [10, 100, 1000]) speed.push(await measureSpeed(placement, members))
const sized = hundred.slice(0, 20_000).map(id => ({ id, bytes: drawBytes() }))
const cases = [1, 3].flatMap(replicas => [3, 10, 30, 100].map(members => ({ replicas, members })))
const skew = (args.balance ? [] : cases).flatMap(({ replicas, members }) =>
  PLACEMENTS.map(placement => measureSkew(placement, members, replicas)),
)
observer.disconnect()
const all = hundred.map(id => ({ id, bytes: drawBytes() }))
const balance = [
  await measureBalance(sized, 100, 1),
  await measureBalance(sized, 100, 3),
  await measureBalance(all, 100, 1),
  await measureBalance(all.slice(0, 5_000), 10, 2),
]
if (args.json) console.log(JSON.stringify({ speed, skew, balance }, undefined, 2))
else for (const rows of [speed, skew, balance]) if (rows.length > 0) console.log(`${tableOf(rows)}\n`)

async function measureSpeed(placement: Placement, count: number) {
  const members = gateways(count)
  const options = { placement, replicas: 3 }
  // Once to warm up: a gateway that runs has been through this code.
  askAll(new Assignments(members, options), sets.few, sets.few.length)
  const begun = cpuMs()
  const assignments = new Assignments(members, options)
  const prepared = cpuMs()
  askAll(assignments, sets.few, sets.few.length)
  const first = cpuMs()
  const few = await check(assignments, sets.few)
  askAll(assignments, sets.many, sets.many.length)
  const many = await check(assignments, sets.many)
  return {
    placement: placement.name,
    members: count,
    'million checks/s, 5,000 blocks': round(few.perSecond / 1e6, 1),
    'million checks/s, 100,000 blocks': round(many.perSecond / 1e6, 1),
    'bytes of heap for 10 million checks': few.bytes,
    'collections in them': few.collections,
    'first answers/s': round(sets.few.length / ((first - prepared) / 1000), 0),
    'prepare ms': round(prepared - begun, 1),
  }
}

async function check(assignments: Assignments, ids: readonly BlockId[]) {
  askAll(assignments, ids, CHECKS)
  collect?.()
  // The observer hears of the collection above a moment later; the first call of memoryUsage() makes things that stay.
  await setTimeout(50)
  process.memoryUsage()
  const seen = collections
  const heap = process.memoryUsage().heapUsed
  const begun = cpuMs()
  const mine = askAll(assignments, ids, CHECKS)
  const ms = cpuMs() - begun
  const bytes = process.memoryUsage().heapUsed - heap
  await setTimeout(50)
  if (mine === 0) throw new Error('this member must own some of the blocks: it owns none')
  return { perSecond: CHECKS / (ms / 1000), bytes, collections: collections - seen }
}

/** Asks for each block in turn, `checks` times in all; by index, because an iterator would allocate. */
function askAll(assignments: Assignments, ids: readonly BlockId[], checks: number): number {
  let mine = 0
  for (let asked = 0; asked < checks; asked += ids.length) {
    for (let i = 0; i < ids.length; i++) if (assignments.of(ids[i] as BlockId).targets[0] === 'gw-0') mine++
  }
  return mine
}

/** CPU time of this thread: it does not count what others do to the machine, apart from its caches. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

function measureSkew(placement: Placement, count: number, replicas: number) {
  const options = { placement, replicas }
  const before = new Assignments(gateways(count), options)
  const after = new Assignments(gateways(count + 1), options)
  const copies = new Map(gateways(count).map(({ id }) => [id, 0]))
  const bytes = new Map(copies)
  let moved = 0
  for (const block of sized) {
    const owners = before.of(block.id).targets
    for (const id of owners) {
      copies.set(id, (copies.get(id) ?? 0) + 1)
      bytes.set(id, (bytes.get(id) ?? 0) + block.bytes)
    }
    moved += after.of(block.id).targets.filter(id => !owners.includes(id)).length
  }
  return {
    placement: placement.name,
    replicas,
    members: count,
    'copies max/mean': spread(copies).max,
    'copies min/mean': spread(copies).min,
    'bytes max/mean': spread(bytes).max,
    'bytes min/mean': spread(bytes).min,
    'copies moved by a join %': round((100 * moved) / (sized.length * Math.min(replicas, count)), 2),
    'share of the one that joins %': round(
      (100 * Math.min(replicas, count + 1)) / Math.min(replicas, count) / (count + 1),
      2,
    ),
  }
}

function spread(sums: ReadonlyMap<string, number>): { readonly max: number; readonly min: number } {
  const all = [...sums.values()]
  const mean = all.reduce((sum, n) => sum + n, 0) / all.length
  return { max: round(Math.max(...all) / mean, 2), min: round(Math.min(...all) / mean, 2) }
}

function gateways(count: number): readonly AssignedMember[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `gw-${i}`,
    zone: undefined,
    state: 'active',
    placed: true,
    draining: false,
  }))
}

/** Blocks made one a second, in another order, as strings of their own: what a listing gives. */
function makeBlocks(count: number): readonly BlockId[] {
  const ids = Array.from({ length: count }, (_, i) =>
    testId(1_767_225_600_000 + i * 1000, Math.floor(random() * 2 ** 53)),
  )
  return ids
    .map(id => ({ id, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ id }) => id)
}

/** By level, times a factor from 1/e to e: the largest block has about 1,240 times the bytes of the smallest. */
function drawBytes(): number {
  const at = random()
  const level = LEVELS.find(({ until }) => at < until)
  return (level?.hours ?? 0) * 1e6 * Math.exp(2 * random() - 1)
}
