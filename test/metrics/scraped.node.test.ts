/** Both formats of /metrics, read by a real Prometheus. */
import { spawnSync } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseListenAddress } from 'blockgate'
import { setupMetrics } from 'blockgate/runtime/metrics'
import { serveGateway } from 'blockgate/runtime/node-server'
import { spans } from 'blockgate/testing'
import { expect, it, onTestFinished, vi } from 'vitest'
import dashboard from '../../deploy/grafana/blockgate.json' with { type: 'json' }
import { METRICS, type MetricInfo } from '../../src/contracts/metric-table.ts'
import { PATIENCE } from '../support/patience.ts'
import { startPrometheus } from '../support/prometheus.ts'
import { tempFolders } from '../support/temp-folders.ts'
import { blocks, world } from '../support/world.ts'
import { everyMetric } from './every-metric.ts'

const folder = tempFolders()

async function answerOf<T>(url: string): Promise<T> {
  const response = await fetch(url)
  const { status, data } = (await response.json()) as { status: string; data: T }
  if (status !== 'success') throw new Error(`${url}: ${response.status}`)
  return data
}

async function prometheus(targets: readonly string[]): Promise<string> {
  const config = `scrape_configs:\n- job_name: test\n  scrape_interval: 100ms\n  static_configs: [{targets: [${targets}]}]\n`
  const server = await startPrometheus(folder(), config, ['--enable-feature=exemplar-storage'])
  onTestFinished(() => server.stop())
  return server.url
}

interface Target {
  readonly health: string
  readonly lastError: string
  readonly labels: { readonly instance: string }
}

/** Resolves once each target was scraped well. */
async function scraped(url: string, count: number): Promise<void> {
  await vi.waitFor(async () => {
    const { activeTargets } = await answerOf<{ activeTargets: readonly Target[] }>(`${url}/api/v1/targets`)
    const told = activeTargets.filter(({ health }) => health !== 'unknown')
    expect(told).toHaveLength(count)
    expect(told.map(({ lastError }) => lastError)).toEqual(told.map(() => ''))
  }, PATIENCE)
}

/** A target that answers one text, whatever is asked for. */
async function target(text: string, type: string): Promise<string> {
  const server = createServer((_, response) => response.writeHead(200, { 'content-type': type }).end(text))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

it('every metric is taken in both formats, by one name, with its kind, and in OpenMetrics with its unit', async () => {
  const meters = await everyMetric()
  const text = await target(await meters.text(), 'text/plain; version=0.0.4; charset=utf-8')
  const open = await target(await meters.openMetrics(), 'application/openmetrics-text; version=1.0.0; charset=utf-8')
  const url = await prometheus([text, open])
  await scraped(url, 2)
  const known = Object.values<MetricInfo>(METRICS).flatMap(info => {
    return [info.name, info.oldName ?? []].flat().map(name => [name, info] as const)
  })
  const namesAt = async (instance: string) => {
    const params = new URLSearchParams({ 'match[]': `{instance="${instance}"}` })
    const names = await answerOf<readonly string[]>(`${url}/api/v1/label/__name__/values?${params}`)
    return names.filter(name => name.startsWith('blockgate_'))
  }
  const samples = known.flatMap(([name, { kind }]) =>
    kind === 'histogram' ? ['_bucket', '_count', '_sum'].map(suffix => name + suffix) : [name],
  )
  expect([await namesAt(text), await namesAt(open)]).toEqual([samples.sort(), samples])
  interface Told {
    readonly metric: string
    readonly type: string
    readonly unit: string
  }
  const params = new URLSearchParams({ match_target: `{instance="${open}"}` })
  const told = await answerOf<readonly Told[]>(`${url}/api/v1/targets/metadata?${params}`)
  const units = { s: 'seconds', By: 'bytes' } as const
  for (const [name, { kind, unit }] of known) {
    const family = kind === 'counter' ? name.replace(/_total$/, '') : name
    const expected = { type: kind, unit: unit === undefined ? '' : units[unit] }
    expect(
      told.find(({ metric }) => metric === family),
      name,
    ).toMatchObject(expected)
  }
})

it('every query of the Grafana dashboard has an answer where every metric is told', async () => {
  const meters = await everyMetric()
  const process = ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_eventloop_lag_p99_seconds']
  const others = [...process, 'nodejs_heap_size_used_bytes'].map(name => `${name} 1\n`).join('')
  const text = await target(`${await meters.text()}${others}`, 'text/plain; version=0.0.4; charset=utf-8')
  const url = await prometheus([text])
  const { panels } = dashboard as { panels: readonly { targets?: readonly { expr: string }[] }[] }
  const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
  await vi.waitFor(async () => {
    const silent = queries.map(async query => {
      const sent = query.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*')
      const params = new URLSearchParams({ query: sent })
      const { result } = await answerOf<{ result: readonly unknown[] }>(`${url}/api/v1/query?${params}`)
      return result.length === 0 ? [query] : []
    })
    expect((await Promise.all(silent)).flat()).toEqual([])
  }, PATIENCE)
})

it('/metrics of a service has its process, is compressed, and passes promtool', async () => {
  const meters = setupMetrics()
  const made = await world({ list: blocks(1), metrics: meters.metrics })
  const config = { ...made.config, http: parseListenAddress('127.0.0.1:0') }
  const service = await serveGateway({ ...made, config, metrics: meters })
  onTestFinished(() => service.stop())
  await made.gateway.sync()
  const ask = (accept: string) => fetch(`${service.url}/metrics`, { headers: { accept, 'accept-encoding': 'gzip' } })
  const plain = await ask('text/plain')
  expect(plain.headers.get('content-encoding')).toBe('gzip')
  for (const path of ['/', '/blocks', '/ring', '/api/v1/blocks', '/api/v1/timeline', '/api/v1/runs']) {
    const { headers } = await fetch(`${service.url}${path}`, { headers: { 'accept-encoding': 'gzip' } })
    expect([path, headers.get('content-encoding')]).toEqual([path, 'gzip'])
  }
  const text = await plain.text()
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
  expect([status, stdout, stderr]).toEqual([0, '', ''])
  const names = ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'process_start_time_seconds']
  const node = ['nodejs_eventloop_lag_p99_seconds', 'nodejs_heap_size_used_bytes', 'nodejs_version_info']
  const ours = ['blockgate_ready', 'blockgate_build_info']
  for (const name of [...names, ...node, ...ours]) expect(text).toMatch(new RegExp(`^${name}[{ ]`, 'm'))
  const open = await (await ask('application/openmetrics-text; version=1.0.0')).text()
  expect(open).toContain('# TYPE process_cpu_seconds counter\n')
  expect(open.match(/# EOF/g)).toHaveLength(1)
})

it('an exemplar of an add leads to the trace of its block', async () => {
  const recorded = spans()
  onTestFinished(() => recorded.stop())
  const meters = setupMetrics()
  const made = await world({ list: blocks(2), metrics: meters.metrics })
  const config = { ...made.config, http: parseListenAddress('127.0.0.1:0') }
  const service = await serveGateway({ ...made, config, metrics: meters })
  onTestFinished(() => service.stop())
  await made.gateway.sync()
  const traces = recorded
    .finished()
    .filter(({ attributes }) => attributes['block.id'] !== undefined)
    .map(span => span.spanContext().traceId)
  const url = await prometheus([new URL(service.url ?? '').host])
  const { sink } = made.config.plan
  interface Series {
    readonly exemplars: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: string }[]
  }
  const ask = async () => {
    const query = `blockgate_stage_duration_seconds_bucket{stage="${sink.name}"}`
    const params = new URLSearchParams({ query, start: '0', end: String(Date.now() / 1000 + 3600) })
    const series = await answerOf<readonly Series[]>(`${url}/api/v1/query_exemplars?${params}`)
    expect(series).not.toEqual([])
    return series
  }
  const series = await vi.waitFor(ask, PATIENCE)
  const up = await answerOf<{ result: readonly { readonly value: readonly [number, string] }[] }>(
    `${url}/api/v1/query?query=process_resident_memory_bytes>0`,
  )
  expect(up.result).toHaveLength(1)
  for (const { labels } of series.flatMap(({ exemplars }) => exemplars)) {
    expect(traces).toContain(labels.trace_id)
    const span = recorded.finished().find(each => each.spanContext().spanId === labels.span_id)
    expect(span?.name).toContain(sink.name)
  }
})
