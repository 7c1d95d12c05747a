// Parts of `blockgate query` on their own: frames that come in pieces, names, numbers, times.
import { fakeHost } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { readFrames } from '../../src/cli/query/frames.ts'
import { bucketsOf, histogramText } from '../../src/cli/query/histogram.ts'
import { numberText } from '../../src/cli/query/number-text.ts'
import { plot } from '../../src/cli/query/plot.ts'
import { ReadProgress } from '../../src/cli/query/read-progress.ts'
import { seriesText } from '../../src/cli/query/series-text.ts'
import type { Label } from '../../src/query/labels.ts'
import type { Series } from '../../src/query/querier.ts'
import { ProtoWriter } from '../../src/query/remote-read/proto-writer.ts'
import { writeFrame } from '../../src/query/remote-read/streamed.ts'
import { painter } from '../../src/runtime/terminal/text.ts'
import { Screen } from '../../src/runtime/terminal.ts'
import { StoredChunk } from '../../src/tsdb/chunk.ts'
import { xorOf } from '../query/sink-of.ts'

function seriesOf(labels: readonly Label[], ...starts: readonly number[]): Series {
  const chunks = starts.map(from => {
    const data = xorOf([
      [from, 1],
      [from + 10, 2],
    ])
    return { from, to: from + 10, chunk: StoredChunk.of(1, data) }
  })
  return { labels, chunks }
}

async function* pieces(bytes: Uint8Array, length: number) {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

describe('readFrames', () => {
  const [a, b]: readonly (readonly Label[])[] = [
    [['__name__', 'a'] as const],
    [['__name__', 'b'] as const, ['x', 'ü'] as const],
  ]

  it.each([1, 2, 7, 100, 10_000])(
    'gives the same series in pieces of %s bytes; one of two frames is one',
    async length => {
      const out = new ProtoWriter()
      for (const series of [seriesOf(a ?? [], -20, 0), seriesOf(a ?? [], 100), seriesOf(b ?? [], 5)])
        writeFrame(out, series, 0)
      const found: Series[] = []
      for await (const series of readFrames(pieces(out.done(), length))) found.push(series)
      expect(found.map(({ labels }) => labels)).toEqual([a, b])
      expect(found.map(({ chunks }) => chunks.map(({ from, to }) => [from, to]))).toEqual([
        [
          [-20, -10],
          [0, 10],
          [100, 110],
        ],
        [[5, 15]],
      ])
      expect(found[1]?.chunks[0]?.chunk.data).toEqual(seriesOf([], 5).chunks[0]?.chunk.data)
    },
  )
})

describe('seriesText', () => {
  it.each([
    [{ __name__: 'up' }, 'up'],
    [{ __name__: 'up', a: 'x"y\n' }, 'up{a="x\\"y\\n"}'],
    [{ a: 'b' }, '{a="b"}'],
    [{}, '{}'],
    [{ __name__: 'my.metric', 'a.b': 'c' }, '{"my.metric", "a.b"="c"}'],
  ])('%j', (labels, wanted) => expect(seriesText(Object.entries(labels))).toBe(wanted))
})

describe('numberText', () => {
  it.each([
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
    [-0, '-0'],
    [1e-7, '1e-07'],
    [-1.5e21, '-1.5e+21'],
    [5e-324, '5e-324'],
    [0.1 + 0.2, '0.30000000000000004'],
  ])('%s', (number, wanted) => expect(numberText(number)).toBe(wanted))
})

describe('a native histogram', () => {
  const of = (schema: number, customValues: readonly number[] = []) => ({
    of: {
      layout: {
        ...{ isFloat: false, resetHeader: 0, schema, zeroThreshold: 0.5, customValues },
        positive: [
          { offset: 0, length: 1 },
          { offset: 1, length: 1 },
        ],
        negative: customValues.length > 0 ? [] : [{ offset: 1, length: 2 }],
      },
      ...{
        length: 1,
        times: Float64Array.of(7),
        counts: Float64Array.of(9),
        zeroCounts: Float64Array.of(customValues.length > 0 ? 0 : 2),
      },
      ...{ sums: Float64Array.of(1.5), buckets: Float64Array.of(3, -1, 1, 1), width: 4 },
      ...{ rows: Int32Array.of(0), starts: new Float64Array(1) },
    },
    i: 0,
  })

  it('has its buckets from the lowest on, of exponential bounds', () => {
    expect(histogramText(of(0))).toBe('{count:9, sum:1.5, [-4,-2):2, [-2,-1):1, [-0.5,0.5]:2, (0.5,1]:3, (2,4]:2}')
    expect(histogramText(of(-1))).toContain('(0.25,1]:3, (4,16]:2')
  })

  it('has custom bounds', () => {
    expect(histogramText(of(-53, [0.1, 10]))).toBe('{count:9, sum:1.5, (-Inf,0.1]:3, (10,+Inf]:2}')
  })

  it('has the largest number as its last bound', () => {
    const at = of(0)
    const layout = { ...at.of.layout, positive: [{ offset: 1024, length: 1 }], negative: [] }
    expect(bucketsOf({ ...at, of: { ...at.of, layout } }).at(-1)?.upper).toBe(Number.MAX_VALUE)
  })
})

describe('plot', () => {
  const paint = painter({}, {})
  const options = { from: 0, to: 100, gap: 50, columns: 16, paint }
  const drawn = (times: readonly number[], values: readonly number[]) => plot([{ times, values }], options)

  it('goes from the left to the right, and from the lowest to the highest', () => {
    const lines = drawn([0, 50, 100], [1, 2, 3])
    expect(lines).toHaveLength(16)
    expect(lines[0]).toMatch(/^3 ┤ +\S$/)
    expect(lines[7]).toMatch(/^2 ┤ +\S+$/)
    expect(lines[13]).toMatch(/^1 ┤\S$/)
  })

  it('leaves gaps, and what is no number, empty', () => {
    const middle = (lines: readonly string[]) =>
      lines
        .slice(0, 14)
        .map(line => line.slice(7, 9))
        .join('')
        .trim()
    expect(middle(drawn([0, 40, 80, 100], [1, 2, 1, 2]))).not.toBe('')
    expect(middle(drawn([0, 10, 90, 100], [1, 2, 1, 2]))).toBe('')
    expect(middle(drawn([0, 10, 45, 60, 90, 100], [1, 2, Number.NaN, Number.POSITIVE_INFINITY, 1, 2]))).toBe('')
  })

  it('draws a line that stays the same, and none where there is no number', () => {
    expect(drawn([0, 50, 100], [4, 4, 4]).filter(line => /[\u2801-\u28ff]/.test(line))).toHaveLength(1)
    expect(drawn([0], [Number.NaN]).filter(line => /[\u2801-\u28ff]/.test(line))).toHaveLength(0)
  })
})

describe('the progress of a long read', () => {
  const shown = async (isTTY: boolean, ms: number) => {
    const host = fakeHost()
    const written: string[] = []
    const progress = new ReadProgress(new Screen({ isTTY, write: text => written.push(text) }, {}), host)
    await host.advance(ms)
    progress.blocks = 8
    progress.series = 1
    progress.read(1_234_567)
    await host.advance(ms * 5)
    progress.end()
    await host.advance(ms * 100)
    return written
  }

  it('is a live line on a terminal, gone at the end', async () => {
    const written = await shown(true, 100)
    expect(written[0]).toContain('the blocks are listed')
    expect(written).toContainEqual(expect.stringContaining('1.2 MB read of 8 blocks, 1 series, 0 samples'))
    expect(written.at(-1)).toBe('\r\x1b[2K')
  })

  it('is a line after a second, and one every five, elsewhere', async () => {
    expect(await shown(false, 999)).toEqual(['1.2 MB read of 8 blocks, 1 series, 0 samples\n'])
    expect(await shown(false, 1_000)).toEqual([
      'the blocks are listed\n',
      '1.2 MB read of 8 blocks, 1 series, 0 samples\n',
    ])
  })
})
