// Counters as native histograms in blocks that overlap: what readers are told of resets.
import { decodeHistogram } from 'blockgate/tsdb'
import { expect, it } from 'vitest'
import { Querier } from '../../src/query/querier.ts'
import { QueryRun } from '../../src/query/query-run.ts'
import { remoteRead } from '../../src/query/remote-read/read.ts'
import { blockFiles } from '../support/block-files.ts'
import { encodeHistogram, type HistogramShape } from '../support/chunk-encoder.ts'
import { fieldsOf, spansOf, streamedIn } from './answers.ts'
import { request } from './requests.ts'
import { sinkOfFiles } from './sink-of.ts'

const plain = {
  compress: (bytes: Uint8Array) => Uint8Array.from(bytes),
  uncompress: (bytes: Uint8Array) => Uint8Array.from(bytes),
}
const SHAPE: HistogramShape = {
  isFloat: false,
  resetHeader: 0,
  schema: 0,
  zeroThreshold: 0,
  positive: [{ offset: 0, length: 1 }],
  negative: [],
  customValues: [],
}
const [UNKNOWN, NOT_RESET] = [0, 2]

/** A block of one series of histograms, of which each has all in one bucket. */
function block(...samples: readonly (readonly [time: number, count: number])[]) {
  const list = samples.map(([time, count]) => {
    const number = BigInt(count)
    return { time: BigInt(time), count: number, zeroCount: 0n, sum: 0n, buckets: [number] }
  })
  const chunk = { from: samples[0]?.[0] ?? 0, to: samples.at(-1)?.[0] ?? 0, encoding: 2 }
  const chunks = [{ ...chunk, data: encodeHistogram(SHAPE, list) }]
  return {
    meta: { minTime: 0, maxTime: 100 },
    files: blockFiles({ series: [{ labels: [['__name__', 'h']], chunks }] }),
  }
}

async function answer(type: 0 | 1, ...blocks: readonly ReturnType<typeof block>[]): Promise<Uint8Array> {
  const querier = new Querier({ sink: sinkOfFiles(blocks).sink })
  const body = request([[0, '__name__', 'h']], 0, 99, [type], plain.compress)
  const response = await remoteRead(body, { querier, snappy: plain }, new QueryRun(undefined))
  return new Uint8Array(await new Response(response.body).arrayBuffer())
}

/** `time: hint` of each sample. */
async function hintsOf(...blocks: readonly ReturnType<typeof block>[]): Promise<readonly (readonly number[])[]> {
  const [result] = fieldsOf(await answer(0, ...blocks))
  const [series] = fieldsOf(result?.bytes ?? new Uint8Array())
  const histograms = fieldsOf(series?.bytes ?? new Uint8Array()).filter(({ number }) => number === 4)
  return histograms.map(({ bytes }) => {
    const value = (n: number) => Number(fieldsOf(bytes).find(({ number }) => number === n)?.value ?? 0n)
    return [value(15), value(14)]
  })
}

const WHOLE = block([10, 1], [20, 2], [30, 3])

it('within a chunk no counter was reset, and before its first histogram nobody knows', async () => {
  expect(await hintsOf(WHOLE)).toEqual([
    [10, UNKNOWN],
    [20, NOT_RESET],
    [30, NOT_RESET],
  ])
})

it('behind a histogram of another block nobody knows', async () => {
  expect(await hintsOf(WHOLE, block([15, 9], [16, 10]))).toEqual([
    [10, UNKNOWN],
    [15, UNKNOWN],
    [16, NOT_RESET],
    [20, UNKNOWN],
    [30, NOT_RESET],
  ])
})

it('streamed chunks have no reset within them', async () => {
  const grown = await answer(1, WHOLE, block([15, 1], [25, 3]))
  expect(spansOf(grown)).toEqual(['[["__name__","h"]]: 10 30 2 5'])
  const reset = await answer(1, WHOLE, block([15, 9], [16, 10]))
  expect(spansOf(reset)).toEqual(['[["__name__","h"]]: 10 16 2 3,20 30 2 2'])
  expect(streamedIn(reset, 0, 99)[0]?.histograms.map(each => each.split(' ')[0])).toEqual([
    '10',
    '15',
    '16',
    '20',
    '30',
  ])
  const chunk = fieldsOf(fieldsOf(reset.subarray(5))[0]?.bytes ?? new Uint8Array()).find(({ number }) => number === 2)
  const data = fieldsOf(chunk?.bytes ?? new Uint8Array()).find(({ number }) => number === 4)?.bytes ?? new Uint8Array()
  expect(decodeHistogram(data, { isFloat: false, hasStarts: false }).layout.resetHeader).toBe(0)
})
