/**
 * How long the event loop waits for gateways of many blocks: the longest stretch without a turn, by what was going on.
 *
 *   npm run bench:loop [-- BLOCKS [--still]]                                            default 200000; --still: as on Workers
 *   deno run -A --conditions=blockgate-source bench/event-loop.ts [BLOCKS]
 *
 * Two gateways in one process on one store, so a stretch is what both do in a turn. It is CPU of the main thread, so that other
 * programs do not count (of Deno as Linux tells it). On Node the CPU of V8's collections, marking included, is told apart: V8 traces it.
 */
import { readFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import process from 'node:process'
import { defineConfig, gateway, type Host, memoryState, owned, resolveConfig } from 'blockgate'
import { createApp, pages } from 'blockgate/http'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { newestFirst } from 'blockgate/plugins/filter/newest-first'
import { timeRange } from 'blockgate/plugins/filter/time-range'
import { hashRing } from 'blockgate/plugins/ownership/hash-ring'
import { memory } from 'blockgate/plugins/sink/memory'
import { memoryStore } from 'blockgate/plugins/store/memory'
import { setupMetrics } from 'blockgate/runtime/metrics'
import { nodeHost } from 'blockgate/runtime/node'
import { manyMetas } from './many-metas.ts'
import { round, tableOf } from './table.ts'

const PATHS = ['/metrics', '/-/ready', '/api/v1/blocks?limit=1', '/api/v1/serving', '/api/v1/runs', '/', '/blocks']
const isDeno = 'Deno' in globalThis

interface Phase {
  readonly name: string
  readonly stretches: Stretch[]
  readonly begun: number
  took: number
}

/** Between two turns of the event loop; in ms. */
interface Stretch {
  readonly from: number
  readonly to: number
  readonly cpu: number
}

/** An event of V8's trace: `ts` and `dur` by the clock, `tdur` CPU of the thread `tid`; in µs. */
interface Traced {
  readonly name: string
  readonly tid: number
  readonly ts: number
  readonly dur: number
  readonly tdur: number
}

const count = Number(process.argv[2] ?? 200_000)
const node = nodeHost({ log: { info() {}, warn: console.error, error: console.error } })
const host = process.argv.includes('--still') ? still(node) : node
const store = memoryStore()
const source = manyMetas(count)
const phases: Phase[] = []
let watching = true
const traced: Traced[] = []
const tracing = isDeno ? undefined : await traceCollections()
const watched = watch()

const first = await member('gw-0')
// Node loads its Request and Response with the first of a process: 18 ms, whatever the number of blocks.
await ask(first, '/-/live')
await during('startup: all are added', () => first.gate.start())
await during('a run: all are unchanged', () => first.gate.sync())
for (const path of PATHS) await during(path, () => ask(first, path))
const second = await member('gw-1')
await during('another joins, and loads half', () => second.gate.start())
await during('the first lets go of half', async () => {
  while (first.sink.size > count * 0.6) await wait(500)
})
await during('a run of each', () => Promise.all([first.gate.sync(), second.gate.sync()]))
await during('/metrics, once more', () => ask(first, '/metrics'))
await during('stop', () => Promise.all([first.gate.stop(), second.gate.stop()]))
watching = false
await watched
await tracing?.post('NodeTracing.stop')
await wait(500)
traced.sort((a, b) => a.ts - b.ts)
console.log(
  `${count.toLocaleString('en')} blocks, ${first.sink.size.toLocaleString('en')} loaded by the first at the end\n`,
)
console.log(
  tableOf(
    phases.map(({ name, stretches, took }) => {
      const ours = stretches.map(stretch => stretch.cpu - collected(stretch))
      return {
        what: name,
        'longest stretch, ms': round(Math.max(...stretches.map(({ cpu }) => cpu)), 1),
        ...(tracing && { 'without collections': round(Math.max(...ours), 1) }),
        'over 20 ms': stretches.filter(({ cpu }) => cpu > 20).length,
        ...(tracing && { 'over 20 without them': ours.filter(cpu => cpu > 20).length }),
        'it took, s': round(took / 1000, 1),
      }
    }),
  ),
)

if (tracing) console.log(`\n${tableOf(phases.flatMap(kindsOf))}`)

/** The collections of a phase by kind: how many, and CPU. Those that are part of another count with it. */
function kindsOf({ name, begun, took }: Phase) {
  const kinds = new Map<string, number[]>()
  const offset = now() - performance.now()
  let end = 0
  for (const event of traced) {
    const at = event.ts / 1000 - offset
    if (at < begun || at > begun + took || event.ts < end) continue
    end = event.ts + event.dur
    kinds.set(event.name, [...(kinds.get(event.name) ?? []), event.tdur / 1000])
  }
  return [...kinds].map(([kind, all]) => ({
    what: name,
    kind,
    count: all.length,
    'CPU, ms': round(
      all.reduce((a, b) => a + b, 0),
      0,
    ),
    'longest, ms': round(Math.max(...all), 1),
    'over 20 ms': all.filter(ms => ms > 20).length,
  }))
}

/** As on Workers: the clock stands still while we compute, and slices end by their steps alone. */
function still(real: Host): Host {
  let at = real.monotonic()
  const goOn = () => {
    at = real.monotonic()
  }
  return {
    ...real,
    monotonic: () => at,
    nextTurn: () => real.nextTurn().then(goOn),
    setTimer: (ms, fn) =>
      real.setTimer(ms, () => {
        goOn()
        fn()
      }),
  }
}

/** CPU of this thread, ms. */
function cpuNow(): number {
  if (isDeno) return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1e6
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/** The clock of the trace, ms. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

async function traceCollections(): Promise<Session> {
  const session = new Session()
  session.connect()
  session.on('NodeTracing.dataCollected', ({ params }) => {
    for (const event of params.value as unknown as Traced[]) {
      if (event.name.startsWith('V8.GC') && event.tid === process.pid) traced.push(event)
    }
  })
  await session.post('NodeTracing.start', { traceConfig: { includedCategories: ['v8'] } })
  return session
}

/** CPU of the collections in a stretch, ms. One may be part of another. */
function collected({ from, to, cpu }: Stretch): number {
  if (cpu < 5) return 0
  let sum = 0
  let end = 0
  for (const { ts, dur, tdur } of traced) {
    if (ts < from * 1000 || ts > to * 1000 || ts < end) continue
    sum += tdur / 1000
    end = ts + dur
  }
  return sum
}

/** A timer of 1 ms: it is late by as long as nothing let the loop turn. */
async function watch(): Promise<void> {
  while (watching) {
    const from = now()
    const before = cpuNow()
    await wait(1)
    phases.at(-1)?.stretches.push({ from, to: now(), cpu: cpuNow() - before })
  }
}

async function during<T>(name: string, work: () => Promise<T>): Promise<T> {
  await wait(20)
  const phase: Phase = { name, stretches: [], begun: performance.now(), took: 0 }
  phases.push(phase)
  const result = await work()
  phase.took = performance.now() - phase.begun
  console.error(`${name}: ${round(phase.took / 1000, 1)} s`)
  return result
}

function wait(ms: number): Promise<void> {
  return new Promise(resolve => host.setTimer(ms, resolve))
}

async function member(id: string) {
  const meters = setupMetrics()
  const sink = memory()
  const ownership = hashRing({ store, replicas: 1, handoverDelay: '1s' })
  const config = await resolveConfig(
    defineConfig({
      instance: { id },
      every: '1h',
      pipeline: [source, timeRange({ from: 0 }), dedup(), newestFirst(), owned(ownership), sink],
    }),
    { env: {} },
  )
  const gate = gateway(config, { host, state: memoryState(), metrics: meters.metrics })
  const app = createApp({ gateway: gate, config, host, version: 'bench', metrics: meters, pages })
  return { gate, app, sink: sink.loaded() }
}

async function ask({ app }: Awaited<ReturnType<typeof member>>, path: string): Promise<void> {
  await (await app.request(path)).text()
}
