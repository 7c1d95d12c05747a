/** What /metrics answers, in the format that is asked for. */
import type { Context } from 'hono'

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
  let [open, text] = [0, 0]
  for (const range of accept.toLowerCase().split(',')) {
    const [type, ...params] = range.split(';').map(part => part.trim())
    const param = (name: string) => params.find(part => part.startsWith(`${name}=`))?.slice(name.length + 1)
    const q = Number(param('q') ?? 1)
    const quality = q >= 0 && q <= 1 ? q : 1
    if (type === 'text/plain') text = Math.max(text, quality)
    else if (type === OPEN_METRICS && (param('version') ?? '1.0.0') === '1.0.0') open = Math.max(open, quality)
  }
  return open > 0 && open >= text
}
