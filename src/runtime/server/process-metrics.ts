/** What Node tells of its process, by the names that every Node service has: `process_*` and `nodejs_*`. */
import { collectDefaultMetrics, Registry } from 'prom-client'
import type { MetricsTexts } from '../../http/metrics.ts'

/** Gauges whose names end as only those of counters may: promtool complains. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** One for the process: the package begins to observe garbage collections and the event loop, and has no way to end it. */
let processRegistry: Registry<typeof Registry.PROMETHEUS_CONTENT_TYPE> | undefined

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
  if (!processRegistry) {
    processRegistry = new Registry()
    collectDefaultMetrics({ register: processRegistry })
    for (const name of MISNAMED) processRegistry.removeSingleMetric(name)
  }
  return (await processRegistry.metrics()).replaceAll(/\n{2,}/g, '\n')
}

/** There a counter is named without `_total`, and a whole bound of a bucket ends in `.0`. The package writes one format at a time. */
function asOpenMetrics(text: string): string {
  const named = text.replaceAll(/^(# (?:HELP|TYPE) \w+?)_total /gm, '$1 ')
  return named.replaceAll(/le="(\d+)"/g, 'le="$1.0"')
}
