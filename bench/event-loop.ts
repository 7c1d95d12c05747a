/**
 * How long the event loop waits for gateways of many blocks: the longest stretch without a turn, by what was going on.
 *
 *   npm run bench:loop [-- BLOCKS]                                                      default 200000
 *   deno run -A --conditions=blockgate-source bench/event-loop.ts [BLOCKS]
 *
 * Two gateways in one process on one store, so a stretch is what both do in a turn. On Node it is CPU of the main thread, so
 * that other programs do not count; what of it the collections of the heap may have been is told beside it. On Deno it is time.
 */
import { PerformanceObserver } from 'node:perf_hooks'
import process from 'node:process'
import { defineConfig, gateway, memoryState, owned, resolveConfig } from 'blockgate'
import { createApp } from 'blockgate/http'
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
  longest: number
  /** The longest without its collections. */
  ours: number
  begun: number
  took: number
}

const count = Number(process.argv[2] ?? 200_000)
const host = nodeHost({ log: { info() {}, warn: console.error, error: console.error } })
const store = memoryStore()
const source = manyMetas(count)
const phases: Phase[] = []
let collected = 0
let watching = true
if (!isDeno) observeCollections()
const watched = watch()

const first = await member('gw-0')
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
console.log(
  `${count.toLocaleString('en')} blocks, ${first.sink.size.toLocaleString('en')} loaded by the first at the end\n`,
)
console.log(
  tableOf(
    phases.map(({ name, longest, ours, took }) => ({
      what: name,
      'longest stretch, ms': round(longest, 1),
      ...(isDeno ? {} : { 'without collections': round(ours, 1) }),
      'it took, s': round(took / 1000, 1),
    })),
  ),
)

/** What a stretch is measured by, ms. */
function clock(): number {
  if (isDeno) return performance.now()
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

function observeCollections(): void {
  new PerformanceObserver(list => {
    for (const { duration } of list.getEntries()) collected += duration
  }).observe({ entryTypes: ['gc'] })
}

/** A timer of 1 ms: it is late by as long as nothing let the loop turn. */
async function watch(): Promise<void> {
  // Collections are told a turn later.
  let last = { stretch: 0, collected }
  while (watching) {
    const before = { at: clock(), collected }
    await wait(1)
    const phase = phases.at(-1)
    if (phase) {
      phase.longest = Math.max(phase.longest, clock() - before.at)
      phase.ours = Math.max(phase.ours, last.stretch - (collected - last.collected))
    }
    last = { stretch: clock() - before.at, collected: before.collected }
  }
}

async function during<T>(name: string, work: () => Promise<T>): Promise<T> {
  await wait(20)
  const phase = { name, longest: 0, ours: 0, begun: performance.now(), took: 0 }
  phases.push(phase)
  const result = await work()
  phase.took = performance.now() - phase.begun
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
  const app = createApp({ gateway: gate, config, host, version: 'bench', metrics: meters })
  return { gate, app, sink: sink.loaded() }
}

async function ask({ app }: Awaited<ReturnType<typeof member>>, path: string): Promise<void> {
  await (await app.request(path)).text()
}
