/** What every block of the chaos has: all are made of one. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SOURCE } from '../../bench/many-blocks.ts'
import { Querier } from '../../src/query/querier.ts'
import { SeriesSamples } from '../../src/query/samples.ts'
import { floatText, type ReadSeries } from '../query/naive-reader.ts'
import { sinkOfFiles } from '../query/sink-of.ts'

export const METRIC = 'http_requests_total'
/** Labels in which blocks differ. */
const OWN = ['block', 'cluster', 'replica']

/** Says all that is in series, but for the labels of their block. */
export function summary(series: readonly Pick<ReadSeries, 'labels' | 'floats'>[]): string {
  const all = series.map(({ labels, floats }) => [labels.filter(([name]) => !OWN.includes(name)), floats])
  const samples = series.reduce((sum, { floats }) => sum + floats.length, 0)
  const hash = createHash('sha256').update(JSON.stringify(all)).digest('hex').slice(0, 12)
  return `${series.length} series with ${samples} samples (${hash})`
}

/** Of the block itself, from its files. */
export async function rightSummary(): Promise<string> {
  const meta = JSON.parse(readFileSync(join(SOURCE, 'meta.json'), 'utf8'))
  const files = new Map(
    ['index', 'chunks/000001'].map(path => [path, Uint8Array.from(readFileSync(join(SOURCE, path)))]),
  )
  const { sink } = sinkOfFiles([{ meta: { minTime: meta.minTime, maxTime: meta.maxTime }, files }])
  const asked = { matchers: [{ type: '=', name: '__name__', value: METRIC }], from: 0, to: Date.now() * 2 } as const
  const found: Pick<ReadSeries, 'labels' | 'floats'>[] = []
  const samples = new SeriesSamples()
  for await (const batch of new Querier({ sink }).select(asked, new AbortController().signal)) {
    for (const { labels, chunks } of batch) {
      samples.fill(chunks, asked.from, asked.to)
      const { times, halves, length } = samples.floats
      const bits = (i: number) => (BigInt(halves[2 * i + 1] ?? 0) << 32n) | BigInt(halves[2 * i] ?? 0)
      found.push({ labels, floats: Array.from({ length }, (_, i) => floatText(times[i] ?? 0, bits(i))) })
    }
  }
  if (found.length === 0) throw new Error(`the block must have series of ${METRIC}`)
  return summary(found)
}
