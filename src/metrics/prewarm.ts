/** What is told of blocks that are loaded ahead, read at each scrape. */
import type { Meter } from '@opentelemetry/api'
import type { MetricsSubject } from '../contracts/metrics.ts'
import type { PrewarmPause } from '../contracts/prewarm.ts'
import { observed } from './instruments.ts'

const NAMES = ['warmBlocks', 'warmBytes', 'warmed', 'warmFailed', 'warmHits', 'warmWasted', 'warmPaused'] as const
const PAUSES: readonly PrewarmPause[] = ['sync', 'queries', 'unknown']

/** Without a prewarmer none of them is there. */
export function prewarmGauges(meter: Meter): (subject: MetricsSubject) => void {
  const readWith = observed(meter, NAMES)
  return ({ guard, prewarm }) =>
    readWith(tell => {
      const stats = guard('prewarm.stats', () => prewarm?.())
      if (!stats) return
      tell('warmBlocks', stats.blocks)
      tell('warmBytes', stats.bytes)
      tell('warmed', stats.loaded)
      tell('warmFailed', stats.failed)
      tell('warmHits', stats.hits)
      tell('warmWasted', stats.wasted)
      for (const reason of PAUSES) tell('warmPaused', Number(stats.paused === reason), { reason })
    })
}
