// Chunks may stand in the segment files in another order than their series in the index: no format says that they do not.
import { expect, it } from 'vitest'
import { Querier } from '../../src/query/querier.ts'
import { SeriesSamples } from '../../src/query/samples.ts'
import { blockFiles, headerFile } from '../support/block-files.ts'
import { indexFile } from '../support/index-file.ts'
import { sinkOfFiles, xorOf } from './sink-of.ts'

const { signal } = new AbortController()
/** Samples of a chunk: no read of one chunk has the next one, too. */
const COUNT = 10_000
const samplesOf = (n: number) => Array.from({ length: COUNT }, (_, i) => [i, Math.sin(n + i)] as const)

it.each(['whole', 'headers'] as const)('of a block that is kept as %s', async kind => {
  const names = ['1', '2', '3', '4', '5']
  const given = names.map((a, n) => {
    return { labels: [['a', a]] as const, chunks: [{ from: 0, to: COUNT - 1, encoding: 1, data: xorOf(samplesOf(n)) }] }
  })
  const files = blockFiles({ series: given })
  // The last one of the file is the chunk of the first series.
  const refs: number[] = []
  let at = 8
  for (const { chunks } of given) {
    refs.push(at)
    // A length of three bytes, the encoding and the checksum.
    at += 3 + 1 + (chunks[0]?.data.length ?? 0) + 4
  }
  const chunks = refs.reverse().map(ref => ({ from: 0, to: COUNT - 1, ref }))
  const index = indexFile({ series: given.map(({ labels }) => labels), chunks })
  files.set('index', index)
  files.set('index-header', headerFile(index))
  const { sink } = sinkOfFiles([{ meta: { minTime: 0, maxTime: COUNT }, files }], { kind })
  const found: (readonly [string | undefined, number | undefined])[] = []
  const samples = new SeriesSamples()
  const matchers = [{ type: '=~', name: 'a', value: '.+' }] as const
  for await (const batch of new Querier({ sink }).select({ matchers, from: 0, to: COUNT - 1 }, signal)) {
    for (const series of batch) {
      samples.fill(series.chunks, 0, COUNT - 1)
      found.push([series.labels[0]?.[1], samples.floats.values[0]])
    }
  }
  expect(found).toEqual(names.map((name, n) => [name, Math.sin(4 - n)]))
})
