/**
 * A planned leave: five gateways of a hash ring hold 5,000 blocks, and one is drained. How long it takes from then until every block is served by
 * its owner, how many requests it costs, and how much CPU: with and without `prewarm()`, in turn.
 *
 *   npm run bench:prewarm [-- BLOCKS [LATENCY [ROUNDS]]]        default: 5000 blocks, 30 ms a request, 3 rounds
 *
 * All five are in one process, on one processor, on disks of their own; the bucket is in memory, and each request takes the latency. Blocks of which a gateway is next for
 * less than five minutes are not loaded ahead: here those minutes are skipped.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type Bucket, type Candidate, type Gateway, gateway, owned, type Prewarm, resolveConfig } from 'blockgate'
import { memoryBucket } from 'blockgate/bucket'
import { hashRing } from 'blockgate/plugins/ownership/hash-ring'
import { indexHeaders } from 'blockgate/plugins/sink/index-headers'
import { memoryStore } from 'blockgate/plugins/store/memory'
import { prewarm } from 'blockgate/plugins/warm/prewarm'
import { candidate, testId } from 'blockgate/testing'
import { memoryState } from '../src/contracts/state.ts'
import { localFiles, nodeHost } from '../src/runtime/node.ts'
import { scriptedSource } from '../test/support/world.ts'
import { SOURCE } from './many-blocks.ts'
import { round } from './table.ts'

const [count = '5000', latency = '30', rounds = '3'] = process.argv.slice(2)
const MEMBERS = 5
const SKIPPED_MS = 600_000
const { signal } = new AbortController()
const index = readFileSync(join(SOURCE, 'index'))
const now = Date.now()
const list: readonly Candidate[] = Array.from({ length: Number(count) }, (_, n) =>
  candidate({
    ulid: testId(now - n * 7_200_000, n),
    minTime: now - (n + 1) * 7_200_000,
    maxTime: now - n * 7_200_000,
    files: [{ path: 'index', size: index.length }],
  }),
)

interface Member {
  readonly gateway: Gateway
  readonly sink: ReturnType<typeof indexHeaders>
}

interface Measured {
  readonly moved: number
  readonly ms: number
  readonly requests: number
  readonly cpuMs: number
}

const results: Record<'today' | 'prewarm', Measured[]> = { today: [], prewarm: [] }
for (let turn = 0; turn < Number(rounds); turn++) {
  for (const mode of ['today', 'prewarm'] as const) {
    const one = await leave(mode === 'prewarm')
    results[mode].push(one)
    console.log(`round ${turn + 1}, ${mode}: ${JSON.stringify(one)}`)
  }
}
for (const what of ['ms', 'requests', 'cpuMs'] as const) {
  const [before = 0, after = 0] = [results.today, results.prewarm].map(all => median(all.map(each => each[what])))
  console.log(`${what.padEnd(9)} ${round(before, 0)}, with prewarm ${round(after, 0)}: ${round(after / before, 2)}`)
}
process.exit()

async function leave(isAhead: boolean): Promise<Measured> {
  const root = mkdtempSync(join(tmpdir(), 'blockgate-bench-'))
  const counts = { requests: 0 }
  const store = memoryStore()
  const members: Member[] = []
  const clock = { skipped: 0 }
  for (let n = 0; n < MEMBERS; n++) members.push(await member(`gw-${n}`))
  await Promise.all(members.map(({ gateway }) => gateway.start()))
  const holds = (who: readonly Member[]) => who.reduce((all, { sink }) => all + sink.loaded().size, 0)
  while (holds(members) < list.length) await setTimeout(50)
  if (isAhead) {
    await setTimeout(2_000)
    clock.skipped = SKIPPED_MS
    const warm = () => members.reduce((all, { sink }) => all + (sink.warm?.held.size ?? 0), 0)
    while (warm() < list.length) await setTimeout(50)
    await setTimeout(2_000)
  }
  const [leaver, ...others] = members as [Member, ...Member[]]
  const moving = [...leaver.sink.loaded().keys()]
  counts.requests = 0
  const cpu = process.cpuUsage()
  const began = performance.now()
  await store.drain('gw-0', true)
  while (!moving.every(id => others.some(({ sink }) => sink.loaded().has(id)))) await setTimeout(5)
  const ms = Math.round(performance.now() - began)
  const { user, system } = process.cpuUsage(cpu)
  const { requests } = counts
  await Promise.all(members.map(({ gateway }) => gateway.stop()))
  rmSync(root, { recursive: true, force: true })
  return { moved: moving.length, ms, requests, cpuMs: Math.round((user + system) / 1000) }

  async function member(id: string): Promise<Member> {
    const memory = memoryBucket()
    await memory.put('index', index, { signal })
    const bucket: Bucket = {
      ...memory,
      async get(_, options) {
        counts.requests++
        await setTimeout(Number(latency))
        return await memory.get('index', options)
      },
    }
    const sink = indexHeaders()
    const pipeline = [scriptedSource(list), owned(hashRing({ store, minMembers: MEMBERS })), sink] as const
    const ahead = isAhead ? { prewarm: later(prewarm({ budget: '1GiB', concurrency: 16 })) } : {}
    const config = await resolveConfig({ pipeline, bucket, instance: { id }, every: '1h', ...ahead }, { env: {} })
    const made = gateway(config, { host: nodeHost(), files: localFiles(join(root, id)), state: memoryState() })
    return { gateway: made, sink }
  }

  /** The same, on a clock of its own. */
  function later(own: Prewarm): Prewarm {
    const create: Prewarm['create'] = services => {
      const { host } = services
      return own.create({ ...services, host: { ...host, monotonic: () => host.monotonic() + clock.skipped } })
    }
    return { ...own, create }
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}
