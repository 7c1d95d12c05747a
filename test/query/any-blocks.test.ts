// Any blocks, any query: what a querier answers is what a reader finds that goes over all series. A case that fails is made smaller,
// and its message has the seed and the path to run it alone: `fc.assert(…, { seed, path })`.
import { memoryCache } from 'blockgate/cache'
import { fakeHost } from 'blockgate/testing'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { EntryCache } from '../../src/cache/entry-cache.ts'
import { Querier } from '../../src/query/querier.ts'
import { QueryRun } from '../../src/query/query-run.ts'
import { remoteRead } from '../../src/query/remote-read/read.ts'
import { blockFiles, compareLabels } from '../support/block-files.ts'
import { tombstonesFile } from '../support/tombstones-file.ts'
import { samplesIn, streamedIn } from './answers.ts'
import { type AnyBlock, type AnyQuery, blocksAndQuery } from './any-block.ts'
import { naivePairs, naiveSeries, type ReadSeries, sortedTexts } from './naive-reader.ts'
import { request } from './requests.ts'
import { sinkOfFiles } from './sink-of.ts'

/** Always the same cases: a test is red for what was changed, and not by chance. `npm run fuzz` has others. */
const CASES = { seed: 12, numRuns: 300 }
const { signal } = new AbortController()
const TYPES = ['=', '!=', '=~', '!~']

/** Snappy's format, without what it is for. */
const plain = {
  compress: (bytes: Uint8Array) => Uint8Array.from(bytes),
  uncompress: (bytes: Uint8Array) => Uint8Array.from(bytes),
}

/** Whole blocks, and index-headers with guesses of what an entry takes that are too small, or far too large. */
interface How {
  /** For how many turns a read of each block is on its way: blocks are not read in the order in which they are asked. */
  readonly turns: readonly number[]
  readonly kind: 'whole' | 'headers'
  readonly readAhead: { readonly series: number; readonly chunk: number } | undefined
  /** Bytes of the cache of what is read from a bucket: 800 have few entries. */
  readonly cache: number | undefined
  /** Of a chunk an eighth of it: with 0 all that is not side by side is read apart. */
  readonly gap: number | undefined
  readonly keptSeries: number | undefined
}

const readers: fc.Arbitrary<How> = fc.record({
  turns: fc.array(fc.nat({ max: 9 }), { maxLength: 3 }),
  kind: fc.constantFrom('whole', 'headers'),
  readAhead: fc.constantFrom(undefined, { series: 1, chunk: 1 }, { series: 20, chunk: 9 }, { series: 0, chunk: 9_999 }),
  cache: fc.constantFrom(undefined, 800, 20_000, 1_000_000),
  gap: fc.constantFrom(undefined, 0, 40),
  keptSeries: fc.constantFrom(undefined, 0, 3),
})

function querierOf(blocks: readonly AnyBlock[], { kind, readAhead, turns, cache, gap, keptSeries }: How) {
  const given = blocks.map(block => ({
    meta: { labels: block.external, minTime: block.from, maxTime: block.end, readAhead },
    files: filesOf(block),
  }))
  const { sink } = sinkOfFiles(given, { kind, turns })
  const entries = cache === undefined ? undefined : new EntryCache(memoryCache(cache), fakeHost())
  return new Querier({ sink, gap, cache: entries, keptSeries })
}

function filesOf(block: AnyBlock): Map<string, Uint8Array> {
  const files = blockFiles(block)
  const deleted = [...block.series].sort((a, b) => compareLabels(a.labels, b.labels)).map(series => series.deleted)
  // Blocks of Thanos have no such file.
  return deleted.flat().length > 0
    ? files.set('tombstones', tombstonesFile(files.get('index') as Uint8Array, deleted))
    : files
}

async function answer(querier: Querier, { matchers, from, to }: AnyQuery, accepted: number): Promise<Uint8Array> {
  const numbered = matchers.map(({ type, name, value }) => [TYPES.indexOf(type), name, value] as const)
  const body = request(numbered, from, to, [accepted], plain.compress)
  const response = await remoteRead(body, { querier, snappy: plain }, new QueryRun(signal))
  return response.body instanceof Uint8Array
    ? response.body
    : new Uint8Array(await new Response(response.body).arrayBuffer())
}

const asText = (series: readonly ReadSeries[]) =>
  series.map(({ labels, floats, histograms }) => ({ labels: JSON.stringify(labels), floats, histograms }))

it('any series that match are answered with their samples, decoded or streamed', async () => {
  await fc.assert(
    fc.asyncProperty(blocksAndQuery, readers, async ({ blocks, query }, how) => {
      const wanted = asText(naiveSeries(blocks, query))
      const querier = querierOf(blocks, how)
      // Of a cache that has some of the entries the others are read.
      await answer(querier, { ...query, to: Math.floor((query.from + query.to) / 2) }, 0)
      expect(asText(samplesIn(await answer(querier, query, 0))[0] ?? [])).toEqual(wanted)
      expect(asText(streamedIn(await answer(querier, query, 1), query.from, query.to))).toEqual(wanted)
    }),
    CASES,
  )
})

it('any names and values of labels are those of the series that match', async () => {
  await fc.assert(
    fc.asyncProperty(blocksAndQuery, readers, async ({ blocks, query }, how) => {
      const querier = querierOf(blocks, how)
      const { matchers, from, to } = query
      const match = matchers.length > 0 ? [matchers] : []
      const pairs = naivePairs(blocks, query)
      expect(await querier.labelNames({ match, from, to }, signal)).toEqual(sortedTexts(pairs.map(([name]) => name)))
      for (const name of ['job', 'é', 'cluster', 'missing']) {
        const values = pairs.filter(([each]) => each === name).map(([, value]) => value)
        expect(await querier.labelValues(name, { match, from, to }, signal)).toEqual(sortedTexts(values))
      }
      if (matchers.length === 0) return
      const found: unknown[] = []
      for await (const labels of querier.labelSets(query, signal)) found.push(labels)
      expect(found).toEqual(naiveSeries(blocks, query).map(({ labels }) => labels))
    }),
    CASES,
  )
})
