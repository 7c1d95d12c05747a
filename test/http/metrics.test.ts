import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { type MetricsTexts, metricsAnswer } from '../../src/http/metrics.ts'

const OPEN = 'application/openmetrics-text; version=1.0.0; charset=utf-8'
const TEXT = 'text/plain; version=0.0.4; charset=utf-8'

async function typeFor(accept: string | undefined, metrics: Partial<MetricsTexts> = {}) {
  const app = new Hono()
  const both = { text: async () => 'old', openMetrics: async () => 'new', ...metrics }
  app.get('/metrics', c => metricsAnswer(c, both))
  const response = await app.request('/metrics', { headers: accept === undefined ? {} : { accept } })
  expect(response.headers.get('vary')).toBe('accept')
  const type = response.headers.get('content-type')
  expect(await response.text()).toBe(type === OPEN ? 'new' : 'old')
  return type
}

describe('the format of /metrics', () => {
  const PROMETHEUS_2 =
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
  const PROMETHEUS_3 =
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2'
  it.each([
    ['application/openmetrics-text'],
    ['application/openmetrics-text; version=1.0.0'],
    [PROMETHEUS_2],
    [PROMETHEUS_3],
    ['application/openmetrics-text;q=x'],
    ['text/plain, application/openmetrics-text'],
  ])('is OpenMetrics for %s', async accept => {
    expect(await typeFor(accept)).toBe(OPEN)
  })

  it.each([
    [undefined],
    ['*/*'],
    ['text/plain'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
    ['application/openmetrics-text; version=0.0.1'],
    ['application/openmetrics-text; version=2.0.0'],
    ['application/openmetrics-text;q=0'],
    ['application/openmetrics-text;q=0.3,text/plain;q=0.5'],
    ['application/*'],
    [';;,;q=x,"'],
  ])('is the text of Prometheus for %s', async accept => {
    expect(await typeFor(accept)).toBe(TEXT)
  })

  it('is the text of Prometheus where nobody gives another', async () => {
    expect(await typeFor(PROMETHEUS_2, { openMetrics: undefined as never })).toBe(TEXT)
  })
})
