/** Ten of a million series of one block, behind a bucket that takes 30 ms for each GET, and ten times as long for one of a hundred. */
import { nodeHost } from 'blockgate/runtime/node'
import { entryCounter, needleChunks, needleWorld, tailOf } from '../../test/query/needle.ts'
import { headerFile } from '../../test/support/block-files.ts'
import { type Row, round } from '../table.ts'
import { manySeries } from './many-series.ts'

const SERIES = 1_000_000
const GET_MS = 30
const JITTER_MS = 3
const QUERIES = 1_000
const JOB = [{ type: '=~', name: 'job', value: 'job-.' }] as const

export async function needle(): Promise<readonly Row[]> {
  const host = nodeHost()
  const ms = () => GET_MS + host.random() * JITTER_MS
  const { chunks, file, largest: chunk } = needleChunks()
  const { index, largest: series } = manySeries({ metrics: SERIES / 1_000, needle: chunks })
  const files = new Map([
    ['index', index],
    ['index-header', headerFile(index)],
    // A file goes on behind the chunks that are asked for.
    ['chunks/000001', Uint8Array.of(...file, ...new Uint8Array(64 * 1024))],
  ])
  const block = { files, readAhead: { series, chunk } }
  const { ask, querierOf } = needleWorld(block, { host, ms })
  console.log(`index of ${round(index.length / 2 ** 20, 0)} MiB`)
  const querier = querierOf()
  const [coldMs, cold] = await timed(() => ask(querier, JOB))
  const [warmMs, warm] = await timed(() => ask(querier, JOB))
  const { counted, cache } = entryCounter()
  await ask(querierOf({ cache }), JOB)
  const rows: Row[] = [
    row('cold header', { ...cold, ms: coldMs }, counted.bytes),
    row('warm header', { ...warm, ms: warmMs }, counted.bytes),
  ]
  for (const hedged of [false, true]) {
    const { p50, p99, counts } = await tailOf(block, hedged, QUERIES)
    rows.push({
      ...EMPTY,
      query: `1 % of GETs ten times as slow, ${hedged ? 'hedge' : 'no hedge'}`,
      'p50 ms': round(p50, 0),
      'p99 ms': round(p99, 0),
      'p99 ÷ p50': round(p99 / p50, 2),
      'GETs begun again, %': counts ? round((100 * counts.again) / counts.reads, 1) : 0,
    })
  }
  return rows
}

const EMPTY = {
  query: '',
  'round trips': '',
  GETs: '',
  'bytes read': '',
  'bytes read ÷ needed': '',
  'p50 ms': '',
  'p99 ms': '',
  'p99 ÷ p50': '',
  'GETs begun again, %': '',
}

function row(query: string, one: { gets: number; bytes: number; roundTrips: number; ms: number }, needed: number): Row {
  return {
    ...EMPTY,
    query,
    'round trips': one.roundTrips,
    GETs: one.gets,
    'bytes read': one.bytes,
    'bytes read ÷ needed': round(one.bytes / needed, 2),
    'p50 ms': round(one.ms, 0),
  }
}

async function timed<T>(work: () => Promise<T>): Promise<readonly [ms: number, result: T]> {
  const since = performance.now()
  const result = await work()
  return [performance.now() - since, result]
}
