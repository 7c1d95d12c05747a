/** Blocks of what a Prometheus was given by remote write, of which it compacted the oldest. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { QueryResultWriter } from '../../../src/query/remote-read/samples.ts'
import { startPrometheus } from '../../support/prometheus.ts'
import { compress } from '../requests.ts'
import { FLOATS, floatsOf, HISTOGRAMS, histogramsOf, START } from './series.ts'

/** More than the head keeps: the first blocks are cut, and compacted. */
const STEPS = 15 * 60
/** Steps of one request. */
export const AT_ONCE = 60
const HOUR = 3_600_000
/** Hours from the start of the blocks that are left in the end. */
const LEFT = ['0-6', '6-8', '8-10', '10-12']

export const WRITTEN = { from: START, to: START + 12 * HOUR - 1 } as const

/** Adds the blocks to the folder `bucket`: one of six hours, three of two. */
export async function addWritten(root: string, bucket: string): Promise<void> {
  const folder = join(root, 'writer')
  const writer = await startPrometheus(folder, '', [
    '--web.enable-remote-write-receiver',
    '--enable-feature=native-histograms',
    '--storage.tsdb.max-block-duration=6h',
  ])
  try {
    for (let from = 0; from < STEPS; from += AT_ONCE) {
      const to = from + AT_ONCE
      const write = new QueryResultWriter()
      for (const series of FLOATS) write.series(series.labels, floatsOf(series, from, to))
      for (const [name, isFloat, isGauge] of HISTOGRAMS)
        write.series([['__name__', name]], histogramsOf(isFloat, isGauge, from, to))
      const body = compress(write.done()) as BodyInit
      const response = await fetch(`${writer.url}/api/v1/write`, { method: 'POST', body })
      if (response.status !== 204) throw new Error(`remote write must be taken: ${await response.text()}`)
    }
    const data = join(folder, 'data')
    while (hoursOf(data) !== LEFT.join()) await new Promise(resolve => setTimeout(resolve, 100))
    await writer.stop()
    takeBlocks(data, bucket)
  } finally {
    await writer.stop()
  }
}

/** Copies all blocks of the folder `data` to the folder `bucket`. */
export function takeBlocks(data: string, bucket: string): void {
  mkdirSync(bucket, { recursive: true })
  for (const name of blocksIn(data)) cpSync(join(data, name), join(bucket, name), { recursive: true })
}

function blocksIn(folder: string): readonly string[] {
  return readdirSync(folder).filter(name => name.length === 26)
}

/** As `LEFT`; '' while a block is being written or deleted. */
function hoursOf(data: string): string {
  if (readdirSync(data).some(name => /^[0-9A-Z]{26}\..+/.test(name))) return ''
  const metas = blocksIn(data).map(name => join(data, name, 'meta.json'))
  if (!metas.every(file => existsSync(file))) return ''
  return metas
    .map(file => JSON.parse(readFileSync(file, 'utf8')))
    .sort((a, b) => a.minTime - b.minTime)
    .map(({ minTime, maxTime }) => `${(minTime - START) / HOUR}-${(maxTime - START) / HOUR}`)
    .join()
}
