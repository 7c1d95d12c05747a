/**
 * Gateways of many blocks on a real Redis, at default times: is a heartbeat missed?
 *
 *   npm run bench:heartbeats [-- MINUTES BLOCKS]        default 10 and 200000; needs redis-server
 *
 * Two gateways, each a process of its own that is scraped and asked for its pages; a third one joins and
 * leaves, twice, so that a third of the blocks moves each time. A heartbeat is missed where the one after it is late by a whole heartbeat, as
 * the others see it. Exit 1 where one was missed, or a gateway was set down for its silence.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { defineConfig, gateway, memoryState, owned, type RunResult, resolveConfig } from 'blockgate'
import { createApp, pages } from 'blockgate/http'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { newestFirst } from 'blockgate/plugins/filter/newest-first'
import { timeRange } from 'blockgate/plugins/filter/time-range'
import { hashRing } from 'blockgate/plugins/ownership/hash-ring'
import { memory } from 'blockgate/plugins/sink/memory'
import { redisStore } from 'blockgate/plugins/store/redis'
import { setupMetrics } from 'blockgate/runtime/metrics'
import { nodeHost } from 'blockgate/runtime/node'
import { services } from 'blockgate/testing'
import { startRedis } from '../test/support/redis.ts'
import { manyMetas } from './many-metas.ts'
import { round, tableOf } from './table.ts'

const BEAT = 3_000
/** A heartbeat is up to a tenth longer than it is told. */
const MISSED = 2.1 * BEAT
const PATHS = ['/', '/blocks', '/api/v1/blocks?limit=1', '/api/v1/serving', '/-/ready']

/** What the others see of a gateway. */
interface Seen {
  readonly sequence: number
  /** The heartbeat after this one is missed. */
  readonly late: boolean
  readonly missed: number
  readonly heartbeats: number
  /** ms. */
  readonly longest: number
}

/** What a gateway tells of itself, each second. */
interface Told {
  readonly runs: number
  readonly changeRuns: number
  readonly added: number
  readonly dropped: number
  /** How late a heartbeat began, ms; absent in versions that do not tell. */
  readonly delay: number | undefined
  /** The longest that a request waited, ms. */
  readonly request: number
}

const [first = '10', count = '200000', url, id] = process.argv.slice(2)
if (url === undefined || id === undefined) await watch(Number(first), Number(count))
else await serve(Number(count), url, id)

async function watch(minutes: number, blocks: number): Promise<void> {
  const redis = await startRedis()
  // Where the machine is busy, who watches is not to give up first.
  const store = redisStore({ cluster: 'bench', url: redis.url, commandTimeout: '30s' })
  await store.start?.(services({ host: nodeHost(), observer: true }))
  const told = new Map<string, Told>()
  const children = new Map<string, ChildProcess>()
  const start = (id: string) => {
    const child = fork(import.meta.filename, [first, count, redis.url, id], { stdio: 'inherit' })
    child.on('message', (message: Told) => void told.set(id, message))
    children.set(id, child)
  }
  const stop = async (id: string) => {
    const child = children.get(id)
    children.delete(id)
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  const seen = new Map<string, Seen>()
  const causes = new Map<number, string>()
  const moves = [0.2, 0.45, 0.6, 0.8].map(share => share * minutes * 60_000)
  const begun = performance.now()
  try {
    start('gw-0')
    start('gw-1')
    for (let moved = 0; performance.now() - begun < minutes * 60_000; await setTimeout(250)) {
      if (performance.now() - begun >= (moves[moved] ?? Number.POSITIVE_INFINITY)) {
        if (moved++ % 2 === 0) start('gw-2')
        else await stop('gw-2')
      }
      const record = await store.entries()
      causes.set(record.epoch, record.cause)
      for (const [id, { sequence, age }] of (await store.heartbeats()).heartbeats) {
        // One that has left does not heartbeat.
        if (!children.has(id) || record.members.get(id)?.state === 'down') continue
        const last = seen.get(id) ?? { sequence: -1, late: false, missed: 0, heartbeats: 0, longest: 0 }
        const next = sequence !== last.sequence
        const late = age > MISSED
        seen.set(id, {
          sequence,
          late,
          missed: last.missed + Number(late && (next || !last.late)),
          heartbeats: last.heartbeats + Number(next),
          longest: Math.max(last.longest, age),
        })
      }
    }
  } finally {
    await Promise.all([...children.keys()].map(stop))
    await store.stop?.(new AbortController().signal)
    await redis.stop()
  }
  const silent = [...causes.values()].filter(cause => cause.includes('no heartbeat'))
  console.log(
    tableOf(
      [...seen].map(([id, { missed, heartbeats, longest }]) => {
        const { runs = 0, changeRuns = 0, added = 0, dropped = 0, delay, request = 0 } = told.get(id) ?? {}
        return {
          gateway: id,
          runs: `${runs}, ${changeRuns} of them for a change`,
          'added, dropped': `${added.toLocaleString('en')}, ${dropped.toLocaleString('en')}`,
          heartbeats: heartbeats,
          missed,
          'longest between two, s': round(longest / 1000, 1),
          'latest begun, ms': delay === undefined ? 'not told' : round(delay, 0),
          'longest request, ms': round(request, 0),
        }
      }),
    ),
  )
  console.log(`\n${blocks.toLocaleString('en')} blocks, ${minutes} minutes; epochs: ${[...causes.values()].join('; ')}`)
  const missed = [...seen.values()].reduce((sum, member) => sum + member.missed, 0)
  console.log(`${missed} heartbeats missed, ${silent.length} times a gateway was set down for its silence`)
  if (missed + silent.length > 0) process.exitCode = 1
}

/** One gateway, until SIGTERM. */
async function serve(blocks: number, url: string, id: string): Promise<void> {
  const host = nodeHost({ log: { info() {}, warn: console.error, error: console.error } })
  const meters = setupMetrics()
  const ownership = hashRing({ store: redisStore({ cluster: 'bench', url }), replicas: 2 })
  const config = await resolveConfig(
    defineConfig({
      instance: { id },
      pipeline: [manyMetas(blocks), timeRange({ from: 0 }), dedup(), newestFirst(), owned(ownership), memory()],
    }),
    { env: {} },
  )
  const told = { runs: 0, changeRuns: 0, added: 0, dropped: 0, delay: undefined as number | undefined, request: 0 }
  const onResult = ({ summary: { run, blocks } }: RunResult) => {
    told.runs++
    if (run.reason === 'ownership-change') told.changeRuns++
    told.added += blocks.added
    told.dropped += blocks.dropped
  }
  const gate = gateway(config, { host, state: memoryState(), metrics: meters.metrics, onResult })
  const app = createApp({ gateway: gate, config, host, version: 'bench', metrics: meters, pages })
  const ask = async (path: string) => {
    const begun = performance.now()
    await (await app.request(path)).text()
    if (path !== '/metrics') told.request = Math.max(told.request, performance.now() - begun)
  }
  let stopping = false
  process.once('SIGTERM', async () => {
    stopping = true
    await gate.stop()
    process.exit()
  })
  gate.start().catch(error => console.error(id, error))
  for (let second = 0; !stopping; second++) {
    await setTimeout(1_000)
    if (second % 15 === 0) await ask('/metrics')
    if (second % 3 === 0) await ask(PATHS[(second / 3) % PATHS.length] ?? '/')
    const delay = ownership.handover?.counts().heartbeatDelayMs
    if (delay !== undefined) told.delay = Math.max(told.delay ?? 0, delay)
    process.send?.(told)
  }
}
