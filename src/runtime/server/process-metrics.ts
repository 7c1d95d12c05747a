/** What Node tells of its process, by the names that every Node service has: `process_*` and `nodejs_*`. */
import type { Registry } from 'prom-client'
import type { MetricsTexts } from '../../http/metrics.ts'

/** Gauges whose names end as only those of counters may: promtool complains. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** One for the process: the package begins to observe garbage collections and the event loop, and has no way to end it. */
let processRegistry: Promise<Registry> | undefined

/** `texts`, and behind each the metrics of this process. */
export function withProcessMetrics(texts: MetricsTexts): MetricsTexts {
  const { openMetrics } = texts
  return {
    text: async () => `${await texts.text()}${await processText()}`,
    ...(openMetrics && {
      openMetrics: async () => {
        const text = await openMetrics.call(texts)
        return text.replace(/# EOF\n$/, `${asOpenMetrics(await processText())}# EOF\n`)
      },
    }),
  }
}

async function processText(): Promise<string> {
  processRegistry ??= registry()
  return (await (await processRegistry).metrics()).replaceAll(/\n{2,}/g, '\n')
}

/** At the first scrape: a start does not wait for the package. */
async function registry(): Promise<Registry> {
  const { collectDefaultMetrics, Registry } = await import('prom-client')
  const register = new Registry()
  collectDefaultMetrics({ register })
  for (const name of MISNAMED) register.removeSingleMetric(name)
  return register
}

/** There a counter is named without `_total`, and a whole bound of a bucket ends in `.0`. The package writes one format at a time. */
function asOpenMetrics(text: string): string {
  const named = text.replaceAll(/^(# (?:HELP|TYPE) \w+?)_total /gm, '$1 ')
  return named.replaceAll(/le="(\d+)"/g, 'le="$1.0"')
}
