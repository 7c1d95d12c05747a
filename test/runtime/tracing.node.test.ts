/** The exporter over real HTTP, with the process's own clock. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { context, trace } from '@opentelemetry/api'
import { everything, gateway, memoryState, owned, resolveConfig } from 'blockgate'
import { memory } from 'blockgate/plugins/sink/memory'
import { memoryBucket } from 'blockgate/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { nodeHost } from '../../src/runtime/node.ts'
import { setupTracing, type Tracing } from '../../src/runtime/tracing.ts'
import { fakeHost } from '../../src/testing/fake-host.ts'
import { VERSION } from '../../src/version.ts'
import { blocks, scriptedSource } from '../support/world.ts'
import { type DecodedSpan, decodeSpans, JSON_ENV } from './otlp.ts'

const BLOCKS = 5000
const CHILDREN = 7

const lines: string[] = []
const keep = (message: string) => void lines.push(message)
const log = { info: () => {}, warn: keep, error: keep }

let tracing: Tracing | undefined
const servers: Server[] = []

afterEach(async () => {
  await tracing?.shutdown()
  tracing = undefined
  lines.length = 0
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

type Answer = (n: number, response: ServerResponse) => Promise<number> | number

/** A collector on a free port. It answers request number n (from 1) as `answer` says, after it was read; of a 2xx the spans are kept. */
async function startCollector(answer: Answer) {
  const spans: DecodedSpan[] = []
  let count = 0
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const status = await answer(++count, response)
    const gzipped = request.headers['content-encoding'] === 'gzip'
    if (status < 300) spans.push(...decodeSpans(gzipped ? gunzipSync(body) : body))
    response.writeHead(status).end()
  }).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return { spans, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests: () => count }
}

/** A collector, and tracing that sends to it. */
async function setUp(answer: Answer, background = true, env: Record<string, string> = {}) {
  const collector = await startCollector(answer)
  tracing = setupTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, ...JSON_ENV, ...env }, { log, background })
  return { ...collector, tracing }
}

/** A trace per block: a root linked to the run, and a chain of seven below it; 32 blocks between two turns. */
async function burst(): Promise<void> {
  const tracer = trace.getTracer('blockgate')
  const run = tracer.startSpan('sync.run')
  for (let block = 0; block < BLOCKS; block++) {
    const links = [{ context: run.spanContext() }]
    const root = tracer.startSpan('sync.block', { root: true, links, attributes: { 'block.id': `block-${block}` } })
    let parent = root
    for (let i = 0; i < CHILDREN; i++) {
      const child = tracer.startSpan(`block.stage-${i}`, {}, trace.setSpan(context.active(), parent))
      child.end()
      parent = child
    }
    root.end()
    if (block % 32 === 31) await setImmediate()
  }
  run.end()
}

const MISSES = 'spans cannot be exported'
it.each<[string, Answer, boolean, string[]]>([
  ['is slow', async () => await setTimeout(40, 200), true, []],
  [
    'is away for the first requests',
    (n, response) => {
      if (n > 6) return 200
      if (n % 2 === 0) response.setHeader('retry-after', '1')
      return n % 2 === 0 ? 503 : 429
    },
    true,
    [MISSES],
  ],
  ['gets its first request when all spans have ended', () => 200, false, []],
  [
    'cuts the first connections',
    (n, response) => {
      if (n <= 4) response.destroy()
      return n <= 4 ? 503 : 200
    },
    true,
    [MISSES],
  ],
])(
  'a burst of 5,000 blocks with 8 spans each loses no span where the collector %s',
  async (_, answer, background, said) => {
    const { tracing, requests, spans } = await setUp(answer, background)
    await burst()
    if (!background) expect(requests()).toBe(0)
    await tracing.forceFlush()
    expect(spans).toHaveLength(BLOCKS * (CHILDREN + 1) + 1)
    expect(new Set(spans.map(span => span.spanId)).size).toBe(spans.length)
    const traceOf = new Map(spans.map(span => [span.spanId, span.traceId]))
    const children = spans.filter(span => span.name.startsWith('block.stage-'))
    expect(children.every(child => traceOf.get(child.parentSpanId ?? '') === child.traceId)).toBe(true)
    expect([tracing.dropped, lines]).toEqual([0, said])
  },
)

it('no span of a run of 5,000 blocks is lost, each block is a trace of its own, linked to the run', async () => {
  const { tracing, spans } = await setUp(() => 200, true, { OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' })
  const source = scriptedSource(blocks(...Array.from({ length: BLOCKS }, (_, i) => i + 1)))
  const pipeline = [source, owned(everything()), memory()] as const
  const config = await resolveConfig({ pipeline, bucket: memoryBucket() }, { env: {} })
  const gate = gateway(config, { host: nodeHost({ log }), state: memoryState() })
  expect((await gate.sync()).summary.blocks.added).toBe(BLOCKS)
  await gate.stop()
  await tracing.shutdown()
  const named = (name: string) => spans.filter(span => span.name === name)
  const names = ['block added', 'block.owned', 'ownership.claim', 'block.memory']
  for (const name of names) expect(named(name), name).toHaveLength(BLOCKS)
  expect([named('sync.run').length, named('source.scripted').length, tracing.dropped]).toEqual([1, 1, 0])
  // How long a step takes is the machine's affair.
  const steps = ['journal', 'verify', 'prepare', 'commit']
  expect(spans.filter(({ name }) => !steps.includes(name))).toHaveLength(names.length * BLOCKS + 2)
  expect(new Set(named('block added').map(span => span.traceId)).size).toBe(BLOCKS)
  expect(new Set(named('block added').map(span => span.attributes['block.id'])).size).toBe(BLOCKS)
  const [run] = named('sync.run')
  expect(run?.resource).toMatchObject({ 'service.instance.id': 'blockgate', 'service.version': VERSION })
  for (const span of named('block added')) expect(span.links.map(link => link.spanId)).toEqual([run?.spanId])
})

describe('a collector that is down', () => {
  const QUEUE = 2000
  const SPANS = 20_000
  const BATCH = 500

  /** A server that does this with each request, and how often it was asked. */
  async function listening(onRequest: (response: ServerResponse) => void) {
    let requests = 0
    const server = createServer((request, response) => {
      request.resume()
      requests++
      onRequest(response)
    }).listen(0, '127.0.0.1')
    servers.push(server)
    await once(server, 'listening')
    return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests: () => requests }
  }

  it.each<[string, (response: ServerResponse) => void, boolean]>([
    ['takes connections and says nothing', () => {}, true],
    ['answers 503', response => response.writeHead(503).end(), true],
    ['is not there', () => {}, false],
  ])('and %s costs a shutdown its quietMs, and memory for its queue', async (_, onRequest, isThere) => {
    const { endpoint, requests } = await listening(onRequest)
    if (!isThere) await new Promise(resolve => servers.pop()?.close(resolve))
    const host = fakeHost()
    const sizes = { OTEL_BSP_MAX_QUEUE_SIZE: `${QUEUE}`, OTEL_BSP_MAX_EXPORT_BATCH_SIZE: `${BATCH}` }
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...sizes }
    tracing = setupTracing(env, { host })
    for (let i = 0; i < SPANS; i++) {
      trace.getTracer('test').startSpan('x').end()
      if (i % 100 === 0) await setImmediate()
    }
    while (isThere && requests() === 0) await setImmediate()
    // Four requests are under way; all others must fit the queue.
    expect(tracing.dropped).toBeGreaterThanOrEqual(SPANS - QUEUE - 4 * BATCH)
    let isClosed = false
    const closed = tracing.shutdown({ quietMs: 2000 }).then(() => {
      isClosed = true
    })
    await host.advance(1999)
    expect(isClosed).toBe(false)
    await host.advance(1)
    await closed
    expect([tracing.dropped, host.pendingTimers]).toEqual([SPANS, 0])
  })
})

describe('a process', () => {
  const file = (path: string) => JSON.stringify(new URL(`../../${path}`, import.meta.url).href)

  async function run(endpoint: string, end: string): Promise<string> {
    const env = { ...JSON_ENV, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_BSP_SCHEDULE_DELAY: '3600000' }
    const script = `
      import { setupTracing } from ${file('src/runtime/tracing.ts')}
      import { trace } from '@opentelemetry/api'
      const tracing = setupTracing(${JSON.stringify(env)})
      trace.getTracer('test').startSpan('last').end()
      ${end}
      console.log('dropped', tracing.dropped)`
    const args = ['--conditions=blockgate-source', '--input-type=module', '-e', script]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += chunk))
    const [code] = await once(child, 'close')
    return `${output.trim()} exit ${code}`
  }

  it('is not kept alive by spans that wait for their batch', async () => {
    const collector = await startCollector(() => 200)
    expect(await run(collector.endpoint, '')).toBe('dropped 0 exit 0')
    expect(collector.requests()).toBe(0)
  })

  it('lives until the shutdown that it awaits is done, also between two tries', async () => {
    const collector = await startCollector((n, response) => {
      response.setHeader('connection', 'close')
      return n === 1 ? 503 : 200
    })
    expect(await run(collector.endpoint, 'await tracing.shutdown()')).toContain('dropped 0 exit 0')
    expect(collector.spans.map(span => span.name)).toEqual(['last'])
  })
})
