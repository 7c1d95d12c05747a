/** Memory of streams of 50, 100 and 200 million samples: one that is twice as long should take the same. */
import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { request } from '../../test/query/requests.ts'
import { openMetrics } from '../../test/support/openmetrics.ts'
import { type Row, round } from '../table.ts'
import { memoryOf, startScript } from './processes.ts'

const MB = 1_000_000
const START = 1_700_006_400
const SIZES = [50_000_000, 100_000_000, 200_000_000]

/** A block of 1,000 series as often as makes so many samples, each with an external label of its own. @returns the samples */
function makeStream(root: string, least: number): number {
  const [text, made, bucket] = [join(root, 'text'), join(root, 'made'), join(root, 'bucket')]
  writeFileSync(text, openMetrics({ series: 1000, start: START, hours: 2, keepHours: 2, seed: 1 }).join(''))
  execFileSync('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', '-q', text, made])
  const block = join(made, readdirSync(made).find(name => name.length === 26) as string)
  const meta = JSON.parse(readFileSync(join(block, 'meta.json'), 'utf8'))
  const copies = Math.ceil(least / meta.stats.numSamples)
  for (let n = 0; n < copies; n++) {
    const ulid = meta.ulid.slice(0, 20) + String(n).padStart(6, '0')
    mkdirSync(join(bucket, ulid, 'chunks'), { recursive: true })
    for (const file of ['index', 'chunks/000001']) linkSync(join(block, file), join(bucket, ulid, file))
    const thanos = { labels: { copy: String(n).padStart(4, '0') }, downsample: { resolution: 0 }, source: 'test' }
    const own = { ...meta, ulid, compaction: { ...meta.compaction, sources: [ulid] }, thanos }
    writeFileSync(join(bucket, ulid, 'meta.json'), JSON.stringify(own))
  }
  return copies * meta.stats.numSamples
}

/** Reads an answer and keeps nothing of it. @returns its bytes; −1 where it is none */
export async function drained(url: string, body: Uint8Array): Promise<number> {
  const answer = await fetch(`${url}/api/v1/read`, { method: 'POST', body: body as BodyInit })
  let bytes = 0
  for await (const part of answer.body ?? []) bytes += part.length
  return answer.status === 200 ? bytes : -1
}

/** @param root a folder that goes afterwards */
export async function stream(root: string): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const size of SIZES) {
    const folder = join(root, String(size))
    mkdirSync(folder)
    rows.push(await measured(folder, size))
  }
  return rows
}

async function measured(root: string, least: number): Promise<Row> {
  const samples = makeStream(root, least)
  // As `blockgate run` begins.
  const served = await startScript('gateway.ts', [root], ['--max-semi-space-size=8'])
  const of = (copy: string) =>
    request(
      [
        [2, '__name__', '.+'],
        [2, 'copy', copy],
      ],
      START * 1000,
      (START + 7200) * 1000 - 1,
      [1],
    )
  await drained(served.url, of('0000'))
  await new Promise(resolve => setTimeout(resolve, 2000))
  const idle = memoryOf(served.pid, 'VmRSS')
  const peaks: number[] = []
  const look = setInterval(() => peaks.push(memoryOf(served.pid, 'VmRSS')), 50)
  const bytes = await drained(served.url, of('.+'))
  clearInterval(look)
  await served.stop()
  const above = (list: readonly number[]) => `${round((Math.max(...list) - idle) / MB, 0)} MB`
  return {
    what: `a stream of ${round(samples / 1e6, 0)} million samples, ${round(bytes / MB, 0)} MB: peak over idle`,
    measured: `${above(peaks)}; in its first half ${above(peaks.slice(0, peaks.length >> 1))}`,
    'asked for': '<= 200 MB, flat',
  }
}
