/** The exporter over real HTTP, with the process's own clock. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { context, trace } from '@opentelemetry/api'
import { afterEach, describe, expect, it } from 'vitest'
import { setupTracing, type Tracing } from '../../src/runtime/tracing.ts'
import { type Received, startCollector, stopCollectors } from './otlp-server.ts'

const BLOCKS = 5000
const CHILDREN = 7

const lines: string[] = []
const keep = (message: string) => {
  lines.push(message)
}
const log = { info: keep, warn: keep, error: keep }

let tracing: Tracing | undefined

afterEach(async () => {
  await tracing?.shutdown()
  tracing = undefined
  lines.length = 0
  stopCollectors()
})

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

function expectWhole(received: readonly Received[]): void {
  const spans = received.flatMap(request => request.spans)
  expect(spans).toHaveLength(BLOCKS * (CHILDREN + 1) + 1)
  expect(new Set(spans.map(span => span.spanId)).size).toBe(spans.length)
  const run = spans.find(span => span.name === 'sync.run')
  const roots = spans.filter(span => span.name === 'sync.block')
  expect(new Set(roots.map(root => root.attributes['block.id'])).size).toBe(BLOCKS)
  expect(roots.every(root => root.parentSpanId === '' && root.links[0]?.spanId === run?.spanId)).toBe(true)
  const traceOf = new Map(spans.map(span => [span.spanId, span.traceId]))
  const children = spans.filter(span => span.name.startsWith('block.stage-'))
  expect(children.every(child => traceOf.get(child.parentSpanId) === child.traceId)).toBe(true)
}

describe('a burst of 5,000 blocks with 8 spans each loses no span', () => {
  it('where the collector is slow', async () => {
    const collector = await startCollector(async () => {
      await setTimeout(40)
      return 200
    })
    tracing = setupTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint }, { log })
    await burst()
    await tracing.forceFlush()
    expectWhole(collector.received)
    expect(tracing.dropped).toBe(0)
    expect(lines).toEqual([])
  })

  it('where the collector is away for the first requests', async () => {
    const collector = await startCollector((n, response) => {
      if (n > 6) return 200
      if (n % 2 === 0) response.setHeader('retry-after', '1')
      return n % 2 === 0 ? 503 : 429
    })
    tracing = setupTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint }, { log })
    await burst()
    await tracing.forceFlush()
    expectWhole(collector.received)
    expect(tracing.dropped).toBe(0)
    expect(lines).toEqual(['spans cannot be exported'])
  })

  it('where all spans end before the first request can be sent', async () => {
    const collector = await startCollector(() => 200)
    tracing = setupTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint }, { log, background: false })
    await burst()
    expect(collector.requests()).toBe(0)
    await tracing.forceFlush()
    expectWhole(collector.received)
    expect(tracing.dropped).toBe(0)
  })

  it('where the server cuts connections', async () => {
    const collector = await startCollector((n, response) => {
      if (n <= 4) response.destroy()
      return n <= 4 ? 503 : 200
    })
    tracing = setupTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint }, { log })
    await burst()
    await tracing.forceFlush()
    expectWhole(collector.received)
    expect(tracing.dropped).toBe(0)
  })
})

describe('over real HTTP', () => {
  it('path, headers and gzip arrive as configured', async () => {
    const collector = await startCollector(() => 200)
    tracing = setupTracing({
      OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.endpoint}/tenant`,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20t',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    })
    trace.getTracer('test').startSpan('one').end()
    await tracing.forceFlush()
    const [request] = collector.received
    expect(request?.url).toBe('/tenant/v1/traces')
    expect(request?.headers).toMatchObject({
      authorization: 'Bearer t',
      'content-type': 'application/x-protobuf',
      'content-encoding': 'gzip',
    })
    expect(request?.spans.map(span => span.name)).toEqual(['one'])
  })

  it('a redirect is not followed: another host must not see the headers', async () => {
    const collector = await startCollector((_, response) => {
      response.setHeader('location', '/elsewhere')
      return 307
    })
    tracing = setupTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint }, { log, background: false })
    trace.getTracer('test').startSpan('one').end()
    await tracing.forceFlush()
    expect(collector.requests()).toBe(1)
    expect(tracing.dropped).toBe(1)
  })

  it('nothing is sent where no endpoint is given', async () => {
    const collector = await startCollector(() => 200)
    tracing = setupTracing({ OTEL_SERVICE_NAME: 'x' })
    expect(tracing.enabled).toBe(false)
    await burst()
    await tracing.forceFlush()
    expect(collector.requests()).toBe(0)
  })
})

describe('a process', () => {
  const file = (path: string) => JSON.stringify(new URL(`../../${path}`, import.meta.url).href)

  async function run(endpoint: string, end: string): Promise<string> {
    const script = `
      import { setupTracing } from ${file('src/runtime/tracing.ts')}
      import { trace } from '@opentelemetry/api'
      const tracing = setupTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: ${JSON.stringify(endpoint)}, OTEL_BSP_SCHEDULE_DELAY: '3600000' })
      trace.getTracer('test').startSpan('last').end()
      ${end}
      console.log('dropped', tracing.dropped)`
    const args = ['--conditions=blockgate-source', '--input-type=module', '-e', script]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000 })
    let output = ''
    child.stdout.on('data', chunk => {
      output += chunk
    })
    child.stderr.on('data', chunk => {
      output += chunk
    })
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
    const output = await run(collector.endpoint, 'await tracing.shutdown()')
    expect(output).toContain('dropped 0 exit 0')
    expect(collector.received.flatMap(request => request.spans.map(span => span.name))).toEqual(['last'])
  })
})
