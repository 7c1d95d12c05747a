/** Ten series among many in one block, behind a bucket whose reads are counted. */
import { type ByteCache, type Host, sleep } from 'blockgate'
import { fakeHost } from 'blockgate/testing'
import { EntryCache } from '../../src/cache/entry-cache.ts'
import { Hedge } from '../../src/query/hedge.ts'
import { Querier, type QuerierOptions } from '../../src/query/querier.ts'
import { chunkSize } from '../../src/tsdb/chunk.ts'
import { parseIndexStart, parseIndexToc } from '../../src/tsdb/index-toc.ts'
import { seriesSize } from '../../src/tsdb/series.ts'
import { blockFiles, type GivenSeries } from '../support/block-files.ts'
import { sinkOfFiles, xorOf } from './sink-of.ts'

const FOUND = 10
const PODS = 1_000
const SCRAPE_MS = 15_000
const PER_CHUNK = 120
const CHUNKS = 4
const SECTION_END = 52

/** Of a block: what was asked of the bucket. */
export interface Asked {
  /** GETs, and their bytes. */
  gets: number
  bytes: number
  /** How often one or more were on their way after none were. */
  roundTrips: number
}

/** 2 hours of `series` series; of ten of them, `needle`, four chunks of 120 samples each. The others have one small chunk. */
function files(series: number): Map<string, Uint8Array> {
  const small = { from: 0, to: 0, encoding: 1, data: xorOf([[0, 1]]) }
  const given: GivenSeries[] = []
  for (let i = 0; i < series - FOUND; i++) {
    // Names before `needle`, and behind it.
    const name = `${i < series / 2 ? 'm' : 'v'}etric_${String(Math.floor(i / PODS)).padStart(4, '0')}`
    given.push({ labels: labelsOf(name, i % PODS), chunks: [small] })
  }
  for (let i = 0; i < FOUND; i++) {
    given.push({ labels: labelsOf('needle', i), chunks: chunksOf(i) })
  }
  return blockFiles({ series: given })
}

/** A counter that was scraped every 15 s. */
function chunksOf(i: number): GivenSeries['chunks'] {
  return Array.from({ length: CHUNKS }, (_, n) => {
    const samples = Array.from({ length: PER_CHUNK }, (_, j) => {
      const at = n * PER_CHUNK + j
      return [at * SCRAPE_MS + ((at * 7919) % 13), 1000 + Math.floor(at * (i + 1) * 3.7)] as const
    })
    return { from: samples[0]?.[0] ?? 0, to: samples.at(-1)?.[0] ?? 0, encoding: 1, data: xorOf(samples) }
  })
}

/** The chunks of the ten, one behind another, as [first time, last time, offset], and the file that has them. */
export function needleChunks() {
  const given = Array.from({ length: FOUND }, (_, i) => chunksOf(i))
  const series = given.map((chunks, i) => ({ labels: labelsOf('needle', i), chunks }))
  const file = blockFiles({ series }).get('chunks/000001') as Uint8Array
  let [at, largest] = [8, 0]
  const chunks = given.map(list =>
    list.map(({ from, to }) => {
      const chunk = [from, to, at] as const
      const size = chunkSize(file, at, 'chunks') as number
      largest = Math.max(largest, size)
      at += size
      return chunk
    }),
  )
  return { chunks, file, largest }
}

function labelsOf(name: string, pod: number): GivenSeries['labels'] {
  return [
    ['__name__', name],
    ['cluster', 'eu-1'],
    ['job', `job-${pod % 10}`],
    ['pod', `pod-${String(pod).padStart(4, '0')}`],
  ]
}

/** The `index_stats` that Thanos writes into the meta: the largest entries. */
function readAhead(block: ReadonlyMap<string, Uint8Array>): { readonly series: number; readonly chunk: number } {
  const index = block.get('index') as Uint8Array
  parseIndexStart(index)
  const toc = parseIndexToc(index.subarray(-SECTION_END), index.length)
  let [series, chunk] = [0, 0]
  const end = toc.labelIndices > toc.series ? Math.min(toc.labelIndices, toc.postings) : toc.postings
  for (let at = Math.ceil(toc.series / 16) * 16; at < end; ) {
    const size = seriesSize(index, at, 'index') ?? end
    series = Math.max(series, size)
    at = Math.ceil((at + size) / 16) * 16
    // Zeros stand before the postings.
    if (size <= 5) break
  }
  const segment = block.get('chunks/000001') as Uint8Array
  for (let at = 8; at < segment.length; ) {
    const size = chunkSize(segment, at, 'chunks') ?? segment.length
    chunk = Math.max(chunk, size)
    at += size
  }
  return { series, chunk }
}

export interface NeedleBlock {
  readonly files: Map<string, Uint8Array>
  readonly readAhead: { readonly series: number; readonly chunk: number }
}

/** A block of so many series. */
export function needleBlock(series: number): NeedleBlock {
  const made = files(series)
  return { files: made, readAhead: readAhead(made) }
}

/** @param latency ms of a GET, asked for each */
export function needleWorld(block: NeedleBlock, latency?: { readonly host: Host; ms(): number }) {
  const meta = { labels: {}, minTime: 0, maxTime: 7_200_000, resolution: 0, readAhead: block.readAhead }
  const { sink, state } = sinkOfFiles([{ meta, files: block.files }], { kind: 'headers' })
  const asked: Asked = { gets: 0, bytes: 0, roundTrips: 0 }
  let running = 0
  state.before = async (_, file, signal) => {
    // The header is on the disk of the gateway.
    if (file === 'index-header') return
    asked.gets++
    if (running++ === 0) asked.roundTrips++
    try {
      if (latency) await sleep(latency.host, latency.ms(), signal)
    } finally {
      running--
    }
  }
  const counting: QuerierOptions['sink'] = {
    loaded: () => sink.loaded(),
    open(id) {
      const reader = sink.open?.(id)
      if (!reader) return undefined
      const read: typeof reader.files.read = (file, offset, length, signal) => {
        if (file !== 'index-header') asked.bytes += length
        return reader.files.read(file, offset, length, signal)
      }
      return { ...reader, files: { read } }
    },
  }
  const querierOf = (options: Partial<QuerierOptions> = {}) => new Querier({ sink: counting, ...options })
  /** Asks for the ten. @param more matchers that select them, too */
  const ask = async (querier: Querier, more: Parameters<Querier['select']>[0]['matchers'] = []): Promise<Asked> => {
    const before = { ...asked }
    let found = 0
    const matchers = [{ type: '=', name: '__name__', value: 'needle' } as const, ...more]
    for await (const batch of querier.select({ matchers, from: 0, to: 7_199_999 }, new AbortController().signal)) {
      found += batch.filter(({ chunks }) => chunks.length === CHUNKS).length
    }
    if (found !== FOUND) throw new Error(`${FOUND} series must be found: ${found} are`)
    return {
      gets: asked.gets - before.gets,
      bytes: asked.bytes - before.bytes,
      roundTrips: asked.roundTrips - before.roundTrips,
    }
  }
  return { ask, querierOf }
}

/** Keeps nothing, and counts the bytes of the entries that a query needs: these are what would be kept. */
export function entryCounter() {
  const counted = { bytes: 0 }
  const cache: ByteCache = {
    kind: 'cache',
    name: 'counter',
    inProcess: true,
    get: keys => keys.map(() => undefined),
    put(entries) {
      for (const { value } of entries) counted.bytes += value.length
    },
  }
  return { counted, cache: new EntryCache(cache, fakeHost()) }
}

const AT_ONCE = 10
const GET_MS = 30
const JITTER_MS = 3
const SLOW_PART = 0.01
const SLOWER = 10

/**
 * Latencies of queries where a GET takes 30 to 33 ms, and one of a hundred ten times as long: on a clock that stands still while the
 * process computes or waits for the machine.
 */
export async function tailOf(block: NeedleBlock, hedged: boolean, queries: number) {
  const host = fakeHost()
  const ms = () => (GET_MS + host.random() * JITTER_MS) * (host.random() < SLOW_PART ? SLOWER : 1)
  const { ask, querierOf } = needleWorld(block, { host, ms })
  const hedge = hedged ? new Hedge({ host, quantile: 0.9, upTo: 2 }) : undefined
  const times: number[] = []
  let running = AT_ONCE
  for (let i = 0; i < AT_ONCE; i++) {
    // One each, so that none takes what another one is reading.
    const querier = querierOf({ hedge })
    const all = async () => {
      for (let n = 0; n < queries / AT_ONCE; n++) {
        const since = host.monotonic()
        await ask(querier)
        times.push(host.monotonic() - since)
      }
    }
    void all().finally(() => running--)
  }
  while (running > 0) await host.advance(1_000)
  times.sort((a, b) => a - b)
  const at = (quantile: number) => times[Math.floor(quantile * times.length)] as number
  return { queries: times.length, p50: at(0.5), p99: at(0.99), counts: hedge?.counts }
}
