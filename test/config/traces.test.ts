import { ConfigError, type Pipeline, resolveConfig } from 'blockgate'
import { expect, it } from 'vitest'
import { checkTraces, traceUrl } from '../../src/config/traces.ts'
import { scriptedSink, scriptedSource } from '../support/world.ts'

const pipeline = [scriptedSource([]), scriptedSink()] as unknown as Pipeline
const MUST = 'must be an http or https URL without a user, with {traceId} in its path or behind it'

async function told(traces: unknown): Promise<string> {
  try {
    const config = await resolveConfig({ pipeline, traces: traces as never }, { env: {} })
    return JSON.stringify(config.traces)
  } catch (error) {
    if (error instanceof ConfigError) return error.rawMessage
    throw error
  }
}

it.each([
  ['http://jaeger:16686/trace/{traceId}'],
  ['https://grafana.example/explore?left={"queries":[{"query":"{traceId}"}]}'],
  ['http://[::1]:16686/#/trace/{traceId}'],
])('traces.url may be %s', async url => {
  expect(await told({ url })).toBe(JSON.stringify({ url }))
})

it.each([
  ['http://jaeger:16686/trace/', 'http://jaeger:16686/trace/'],
  ['jaeger:16686/trace/{traceId}', 'jaeger:16686/trace/{traceId}'],
  ['/trace/{traceId}', '/trace/{traceId}'],
  ['javascript:alert("{traceId}")', 'javascript:alert(\\"{traceId}\\")'],
  ['ftp://jaeger/{traceId}', 'ftp://jaeger/{traceId}'],
  ['http://{traceId}.example/', 'http://{traceId}.example/'],
  ['http://me:secret@jaeger/{traceId}', 'http://(hidden)@jaeger/{traceId}'],
  ['http://jaeger/{traceid}', 'http://jaeger/{traceid}'],
  ['', ''],
])('traces.url may not be %j', async (url, shown) => {
  expect(await told({ url })).toBe(`traces.url: ${MUST}: current value is "${shown}"`)
})

it.each([
  [{ link: 'http://jaeger/{traceId}' }, 'traces.link: must be one of the known options: url'],
  ['http://jaeger/{traceId}', 'traces: must be an object'],
  [{ url: 5 }, 'traces.url: must be'],
])('traces may not be %j', async (traces, problem) => {
  expect(await told(traces)).toContain(problem)
})

it('traces may be left out, with or without its url', async () => {
  expect([checkTraces({}), checkTraces({ url: undefined })]).toEqual([[], []])
  expect(await told(undefined)).toBe(undefined)
})

it('each place becomes the id', () => {
  expect(traceUrl('http://a/{traceId}?b={traceId}', 'f00')).toBe('http://a/f00?b=f00')
})
