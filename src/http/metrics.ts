/** What /metrics answers, in the format that is asked for. */
import type { Context } from 'hono'
import { parseAccept } from 'hono/utils/accept'

export interface MetricsTexts {
  /** Prometheus' text format, 0.0.4. */
  text(): Promise<string>
  /** OpenMetrics 1.0. Default: nobody gets it. */
  openMetrics?(): Promise<string>
}

const TEXT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'
const OPEN_METRICS = 'application/openmetrics-text'
const OPEN_METRICS_TYPE = `${OPEN_METRICS}; version=1.0.0; charset=utf-8`

export async function metricsAnswer(c: Context, metrics: MetricsTexts): Promise<Response> {
  const headers = { vary: 'accept' }
  if (metrics.openMetrics && wantsOpenMetrics(c.req.header('accept') ?? '')) {
    return c.body(await metrics.openMetrics(), 200, { ...headers, 'content-type': OPEN_METRICS_TYPE })
  }
  return c.body(await metrics.text(), 200, { ...headers, 'content-type': TEXT_TYPE })
}

/** Whether it is asked for by name, in this version or any, and the older format is not wanted more. */
function wantsOpenMetrics(accept: string): boolean {
  const quality = (fits: (type: string, version: string | undefined) => boolean) =>
    Math.max(0, ...parseAccept(accept).flatMap(({ type, params, q }) => (fits(type, params.version) ? [q] : [])))
  const asked = quality((type, version = '1.0.0') => type === OPEN_METRICS && version === '1.0.0')
  return asked > 0 && asked >= quality(type => type === 'text/plain')
}
