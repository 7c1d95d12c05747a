import { codeOf } from 'blockgate'
import { crc32c, readSeries } from 'blockgate/tsdb'
import { describe, expect, it } from 'vitest'
import { compareLabels, compareText, withExternal } from '../../src/query/labels.ts'
import type { LabelMatcher } from '../../src/query/matchers.ts'
import { Querier, type QuerierOptions, type Series } from '../../src/query/querier.ts'
import { QueryRun } from '../../src/query/query-run.ts'
import { ProtoWriter } from '../../src/query/remote-read/proto-writer.ts'
import { writeFrame } from '../../src/query/remote-read/streamed.ts'
import { SeriesSamples } from '../../src/query/samples.ts'
import { StoredChunk } from '../../src/tsdb/chunk.ts'
import { type Given, sinkOf, xorOf } from './sink-of.ts'

const { signal } = new AbortController()
const NAME: LabelMatcher = { type: '=', name: '__name__', value: 'up' }

async function select(
  sink: QuerierOptions['sink'],
  matchers: readonly LabelMatcher[] = [NAME],
  options: Partial<QuerierOptions> = {},
): Promise<readonly (readonly [labels: string, samples: string])[]> {
  const found: [string, string][] = []
  const filled = new SeriesSamples()
  for await (const batch of new Querier({ sink, ...options }).select({ matchers, from: 0, to: 7_199_999 }, signal)) {
    for (const { labels, chunks } of batch) {
      filled.fill(chunks, 0, 7_199_999)
      const { times, values, length } = filled.floats
      const samples = Array.from({ length }, (_, i) => `${times[i]}:${values[i]}`)
      found.push([labels.map(([name, value]) => `${name}=${value}`).join(), samples.join(' ')])
    }
  }
  return found
}

const UP = { __name__: 'up' }

async function after<T>(turns: number, then: () => Promise<T>): Promise<T> {
  for (let left = turns; left > 0; left--) await undefined
  return await then()
}

describe('series that do not stay decoded', () => {
  /** Of two blocks, whose labels bring the series of the first into another order. */
  const many = () =>
    sinkOf(
      {
        labels: { b: 'x' },
        series: [
          [{ __name__: 'up', c: '0', m: '2' }, [[5, 1]]],
          ...Array.from({ length: 200 }, (_, i) => [{ __name__: 'up', a: String(i), m: '1' }, [[5, i]]] as const),
          [{ __name__: 'up', a: '7' }, [[5, 2]]],
          [{ __name__: 'up', a: '7', a2: '1' }, [[5, 3]]],
        ],
      },
      {
        labels: { a: 'z' },
        series: [
          [{ __name__: 'up', a: '1', m: '3' }, [[5, 4]]],
          [{ __name__: 'up', a: '2', m: '2' }, [[5, 5]]],
          [{ __name__: 'up', a: '3', m: '2' }, [[6, 6]]],
        ],
      },
      {
        labels: { z: 'z' },
        series: Array.from({ length: 200 }, (_, i) => [{ __name__: 'up', a: String(i) }, [[5, i]]] as const),
      },
    ).sink

  it.each([0, 1, 150, 400])('are the same, in the same order (%s stay)', async keptSeries => {
    const expected = await select(many())
    expect(expected.map(([labels]) => labels).slice(-2)).toEqual(['__name__=up,a=z,m=3', '__name__=up,b=x,c=0,m=2'])
    expect(expected).toContainEqual(['__name__=up,a=z,m=2', '5:5 6:6'])
    expect(expected).toHaveLength(405)
    expect(await select(many(), undefined, { keptSeries })).toEqual(expected)
  })

  /** What a query of so many series holds with its first chunks. */
  async function heldBy(series: Given['series'], keptSeries?: number): Promise<number> {
    const run = new QueryRun(signal)
    const querier = new Querier({ sink: sinkOf({ series }).sink, keptSeries })
    const batches = querier.select({ matchers: [NAME], from: 0, to: 9 }, run)
    await batches.next()
    const { held } = run.budget
    await batches.return()
    expect(run.budget.held).toBe(0)
    return held
  }

  const numbered = (count: number, more = '') =>
    Array.from({ length: count }, (_, i) => [{ __name__: 'up', a: `${i}${more}` }, [[5, i]]] as const)

  it('take a fraction of the memory of those that do', async () => {
    const series = numbered(3_000)
    expect(await heldBy(series, 100)).toBeLessThan((await heldBy(series)) / 2)
  })

  it.each([undefined, 100])('count with the texts of their labels (%s stay)', async keptSeries => {
    const [short, long] = [
      await heldBy(numbered(500), keptSeries),
      await heldBy(numbered(500, 'x'.repeat(400)), keptSeries),
    ]
    expect(long - short).toBe(500 * 400)
  })
})

describe('the blocks of a query', () => {
  it('are those of its time, raw, and whose external labels are not against it', async () => {
    const one = (labels: Record<string, string>, more: Partial<Given> = {}): Given => ({
      labels,
      series: [[UP, [[5, 1]]]],
      ...more,
    })
    const { sink } = sinkOf(
      one({ cluster: 'eu' }),
      one({ cluster: 'us' }),
      one({ cluster: 'later' }, { from: 7_200_000 }),
      one({ cluster: 'coarse' }, { resolution: 300_000 }),
    )
    expect(await select(sink)).toEqual([
      ['__name__=up,cluster=eu', '5:1'],
      ['__name__=up,cluster=us', '5:1'],
    ])
    const eu = { type: '=~', name: 'cluster', value: 'e.' } as const
    expect(await select(sink, [NAME, eu])).toEqual([['__name__=up,cluster=eu', '5:1']])
    // External labels alone select all series of their blocks.
    expect(await select(sink, [eu])).toEqual([['__name__=up,cluster=eu', '5:1']])
    expect(await select(sink, [])).toEqual([])
  })

  it('are merged: a series of two blocks once, its samples in order, equal chunks and equal times once', async () => {
    const first: Given['series'] = [
      [
        UP,
        [
          [1, 1],
          [9, 9],
        ],
      ],
    ]
    const { sink } = sinkOf(
      { series: first },
      { series: first },
      {
        series: [
          [
            UP,
            [
              [5, 5],
              [9, 7],
              [12, 12],
            ],
          ],
        ],
      },
    )
    expect(await select(sink)).toEqual([['__name__=up', '1:1 5:5 9:9 12:12']])
  })

  it('that disagree about a sample: the one with the first id has it, whichever is read first', async () => {
    const given = (value: number): Given => ({ series: [[UP, [[1, value]]]] })
    for (const turns of [
      [9, 0],
      [0, 9],
    ]) {
      const { sink } = sinkOf(given(1), given(2))
      const slow: typeof sink = {
        loaded: () => new Map([...sink.loaded()].reverse()),
        open(id) {
          const reader = sink.open?.(id)
          const left = turns[[...sink.loaded().keys()].indexOf(id)] ?? 0
          return (
            reader && {
              ...reader,
              files: { read: async (...asked) => await after(left, () => reader.files.read(...asked)) },
            }
          )
        },
      }
      expect(await select(slow)).toEqual([['__name__=up', '1:1']])
    }
  })

  it('have external labels that win over those of a series, and come sorted', async () => {
    const { sink } = sinkOf({ labels: { b: 'block', zone: 'z' }, series: [[{ ...UP, b: 'series', c: 'c' }, [[1, 1]]]] })
    expect(await select(sink)).toEqual([['__name__=up,b=block,c=c,zone=z', '1:1']])
  })

  it('are held until the query ends, however it ends', async () => {
    const { sink, state } = sinkOf({ series: [[UP, [[1, 1]]]] })
    await select(sink)
    expect(state.open).toBe(0)
    state.failing = 'chunks/000001'
    await expect(select(sink)).rejects.toThrow('the disk is gone')
    expect(state.open).toBe(0)
    state.failing = undefined
    const batches = new Querier({ sink }).select({ matchers: [NAME], from: 0, to: 9 }, signal)
    await batches.next()
    expect(state.open).toBe(1)
    await batches.return()
    expect(state.open).toBe(0)
  })

  it('an error of a header is not remembered', async () => {
    const { sink, state } = sinkOf({ series: [[UP, [[1, 1]]]] })
    const querier = new Querier({ sink })
    const once = async () => {
      const found: (readonly Series[])[] = []
      for await (const batch of querier.select({ matchers: [NAME], from: 0, to: 9 }, signal)) found.push(batch)
      return found.length
    }
    state.failing = 'index'
    await expect(once()).rejects.toThrow('the disk is gone')
    state.failing = undefined
    expect(await once()).toBe(1)
  })
})

describe('limits', () => {
  const many: Given = { series: Array.from({ length: 9 }, (_, i) => [{ ...UP, i: String(i) }, [[1, 1]]] as const) }

  it.each([
    ['series', { series: 8 }],
    ['chunks', { chunks: 8 }],
    ['bytes', { bytes: 100 }],
  ])('of %s: the query is refused, and nothing more is read', async (what, limits) => {
    const { sink, state } = sinkOf(many)
    const error = await select(sink, [NAME], { limits }).catch((reason: unknown) => reason)
    expect([codeOf(error), String(error)]).toEqual([
      'query-too-large',
      expect.stringContaining(`at most ${Object.values(limits)[0]} ${what}`),
    ])
    const reads = state.reads
    await new Promise(resolve => setTimeout(resolve, 0))
    expect(state.reads).toBe(reads)
  })

  it('an abort ends it', async () => {
    const { sink } = sinkOf(many)
    const reason = new Error('the client has gone')
    const batches = new Querier({ sink }).select({ matchers: [NAME], from: 0, to: 9 }, AbortSignal.abort(reason))
    await expect(batches.next()).rejects.toBe(reason)
  })
})

describe('entries that are longer than was guessed', () => {
  // More than 1 KiB of a chunk, and more than 512 bytes of a series.
  const long = Array.from({ length: 400 }, (_, i) => [i * 997, Math.sqrt(i)] as const)
  const name = `long_${'x'.repeat(20)}`
  const labels = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`${name}_${i}`, `${i}`]))

  it.each([
    ['the last', [0, 1]],
    ['the first', [1, 0]],
  ])('%s of a file is read whole', async (_, order) => {
    const both = [
      [{ __name__: 'up', a: '1' }, [[0, 1]]],
      [{ __name__: 'up', a: '2', ...labels }, long],
    ] as const
    const { sink } = sinkOf({ series: order.map(i => both[i as 0 | 1]) })
    const found = await select(sink)
    expect(found.map(([, samples]) => samples.split(' ').length).sort((a, b) => a - b)).toEqual([1, 400])
  })
})

describe('a series entry that is damaged', () => {
  it('has a checksum that tells', () => {
    const body = [1, 1, 2, 1, 2, 1, 8]
    const crc = crc32c(Uint8Array.from(body))
    const bytes = Uint8Array.of(body.length, ...body, crc >>> 24, (crc >>> 16) & 255, (crc >>> 8) & 255, crc & 255)
    expect(readSeries(bytes, 0, 's')).toEqual({
      labels: Uint32Array.of(1, 2),
      chunks: Float64Array.of(1, 2, 8),
      size: 12,
    })
    bytes[3] = 3
    expect(() => readSeries(bytes, 0, 's')).toThrow('s: CRC-32C must be')
  })

  it('must end where its length says', () => {
    const body = [1, 1, 2, 1, 2, 1, 8, 0]
    const crc = crc32c(Uint8Array.from(body))
    const bytes = Uint8Array.of(body.length, ...body, crc >>> 24, (crc >>> 16) & 255, (crc >>> 8) & 255, crc & 255)
    expect(() => readSeries(bytes, 0, 's')).toThrow('s: size must be 12 bytes: current value is 13')
  })
})

describe('streamed frames', () => {
  const chunkOf = (samples: readonly (readonly [number, number])[], encoding = 1) => ({
    from: samples[0]?.[0] ?? 0,
    to: samples.at(-1)?.[0] ?? 0,
    chunk: StoredChunk.of(encoding, xorOf(samples)),
  })

  it('chunks that overlap are encoded anew, as one', () => {
    const [plain, merged] = [new ProtoWriter(), new ProtoWriter()]
    writeFrame(
      plain,
      {
        labels: [['a', 'b']],
        chunks: [
          chunkOf([
            [1, 1],
            [2, 2],
            [3, 3],
          ]),
        ],
      },
      0,
    )
    writeFrame(
      merged,
      {
        labels: [['a', 'b']],
        chunks: [
          chunkOf([
            [1, 1],
            [3, 3],
          ]),
          chunkOf([
            [2, 2],
            [3, 9],
          ]),
        ],
      },
      0,
    )
    expect(merged.done()).toEqual(plain.done())
  })

  it('a chunk of an encoding that nobody decodes is an error', () => {
    const series = { labels: [], chunks: [chunkOf([[1, 1]], 9)] }
    expect(() => writeFrame(new ProtoWriter(), series, 0)).toThrow('chunks of encoding 9 cannot be read')
  })
})

it('labels are in the order of their UTF-8 bytes, not of UTF-16', () => {
  const texts = ['', 'a', 'aa', 'b', 'é', '\ud7ff', '\ue000', '\uffff', '😀', '😀a', '🚀']
  expect([...texts].reverse().sort(compareText)).toEqual(texts)
  expect(
    compareLabels(
      [['a', '1']],
      [
        ['a', '1'],
        ['b', '2'],
      ],
    ),
  ).toBeLessThan(0)
  expect(withExternal([['a', '1']], { a: '', b: '2' })).toEqual([
    ['a', '1'],
    ['b', '2'],
  ])
})
