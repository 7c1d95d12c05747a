/** Arbitrary blocks and queries for property tests: few names, values and times, so that they meet. */
import fc from 'fast-check'
import type { LabelMatcher, MatcherType } from '../../src/query/matchers.ts'
import type { GivenChunk } from '../support/block-files.ts'
import {
  encodeHistogram,
  encodeXor,
  encodeXor2,
  type FloatSample,
  type HistogramSample,
  type HistogramShape,
  STALE,
} from '../support/chunk-encoder.ts'
import { compare } from '../support/index-file.ts'
import type { Stone } from '../support/tombstones-file.ts'

/** A chunk with what is in it. */
export type AnyChunk = GivenChunk &
  (
    | { readonly floats: readonly FloatSample[] }
    | { readonly shape: HistogramShape; readonly histograms: readonly HistogramSample[] }
  )

export interface AnySeries {
  /** By name. */
  readonly labels: readonly (readonly [name: string, value: string])[]
  readonly chunks: readonly AnyChunk[]
  /** What was deleted of it. */
  readonly deleted: readonly Stone[]
}

export interface AnyBlock {
  readonly version: 1 | 2
  readonly perSegment: number
  readonly external: Readonly<Record<string, string>>
  /** First time, and the end, which is exclusive. */
  readonly from: number
  readonly end: number
  readonly series: readonly AnySeries[]
}

export interface AnyQuery {
  readonly matchers: readonly LabelMatcher[]
  readonly from: number
  readonly to: number
}

const NAMES = ['__name__', 'a', 'job', 'é', '\uffff', '😀'] as const
const VALUES = ['a', 'b', 'ab', 'aab', 'a.b', 'B', 'é', '\uffff', '😀', 'a\nb', ' ', '|'] as const

const name = fc.constantFrom(...NAMES)
const value = fc.constantFrom(...VALUES)

const bitsOf = (float: number): bigint => new DataView(Float64Array.of(float).buffer).getBigUint64(0, true)
const odd = fc.constantFrom(STALE, 0x7ff8000000000001n, 0xfff0000000000000n, 1n << 63n, 0n)
const floatBits = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: -9, max: 99 }).map(bitsOf) },
  { weight: 1, arbitrary: fc.double({ noNaN: true }).map(bitsOf) },
  { weight: 1, arbitrary: odd },
)

const gap = fc.oneof(
  { weight: 3, arbitrary: fc.constant(15) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 60 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 9_000 }) },
)

/** Times from `start` on. */
function timesOf(start: number, gaps: readonly number[]): readonly bigint[] {
  let time = start
  return gaps.map((each, i) => {
    if (i > 0) time += each
    return BigInt(time)
  })
}

/** What is in a chunk, once it is known when it begins. */
type Content = (start: number) => AnyChunk

const floats: fc.Arbitrary<Content> = fc
  .record({
    isXor2: fc.boolean(),
    samples: fc.oneof(
      fc.array(fc.tuple(gap, floatBits), { minLength: 1, maxLength: 12 }),
      // Times that chunks of blocks have in common.
      fc.array(fc.tuple(fc.constant<number>(15), floatBits), { minLength: 2, maxLength: 2 }),
    ),
  })
  .map(({ isXor2, samples }) => start => {
    const times = timesOf(
      start,
      samples.map(([each]) => each),
    )
    const list = times.map((time, i): FloatSample => ({ time, value: samples[i]?.[1] ?? 0n }))
    const data = isXor2 ? encodeXor2(list) : encodeXor(list)
    return { ...spanOf(times), encoding: isXor2 ? 4 : 1, data, floats: list }
  })

const spans = fc.array(fc.record({ offset: fc.integer({ min: -2, max: 3 }), length: fc.nat({ max: 3 }) }), {
  maxLength: 2,
})

const histograms: fc.Arbitrary<Content> = fc
  .record({
    isFloat: fc.boolean(),
    isCustom: fc.boolean(),
    resetHeader: fc.nat({ max: 3 }),
    schema: fc.integer({ min: -4, max: 8 }),
    zeroThreshold: fc.constantFrom(0, 116, 243),
    positive: spans,
    negative: spans,
    samples: fc.array(
      fc.record({ gap, isStale: fc.boolean(), numbers: fc.array(fc.nat({ max: 300 }), { maxLength: 4 }) }),
      { minLength: 1, maxLength: 6 },
    ),
  })
  .map(({ isFloat, isCustom, samples, ...given }) => start => {
    const shape: HistogramShape = {
      ...given,
      isFloat,
      schema: isCustom ? -53 : given.schema,
      zeroThreshold: isCustom ? 0 : given.zeroThreshold,
      negative: isCustom ? [] : given.negative,
      customValues: isCustom ? [5, 10, 2_500] : [],
    }
    const width = [...shape.positive, ...shape.negative].reduce((sum, { length }) => sum + length, 0)
    const times = timesOf(
      start,
      samples.map(each => each.gap),
    )
    const list = times.map((time, i): HistogramSample => {
      const { isStale = false, numbers = [] } = samples[i] ?? {}
      const number = (n: number) => (isFloat ? bitsOf((numbers[n % 4] ?? n) / 4) : BigInt(numbers[n % 4] ?? n))
      return {
        time,
        count: number(0),
        zeroCount: number(1),
        // Behind a first one that is stale a chunk has no others.
        sum: isStale && i > 0 ? STALE : bitsOf(numbers[2] ?? 1.5),
        buckets: Array.from({ length: width }, (_, n) => number(n + 3)),
      }
    })
    const data = encodeHistogram(shape, list)
    return { ...spanOf(times), encoding: isFloat ? 3 : 2, data, shape, histograms: list }
  })

function spanOf(times: readonly bigint[]) {
  return { from: Number(times[0]), to: Number(times.at(-1)) }
}

const content = fc.oneof({ weight: 3, arbitrary: floats }, { weight: 1, arbitrary: histograms })

/** From the end of one chunk to the next; −1: within it. */
const distances = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.nat({ max: 400 }) },
  { weight: 1, arbitrary: fc.constant(-1) },
)

/** Chunks behind one another; some begin before the one before them ends, as in blocks of samples that came out of order. */
const chunksFrom = fc
  .array(fc.tuple(distances, content), { maxLength: 4 })
  .map(list => (start: number): readonly AnyChunk[] => {
    const chunks: AnyChunk[] = []
    let at = start
    for (const [distance, make] of list) {
      const before = chunks.at(-1)
      const isWithin = distance === -1 && before !== undefined && before.from < before.to
      const chunk = make(isWithin ? before.to : at + Math.abs(distance))
      chunks.push(chunk)
      at = chunk.to + 1
    }
    return chunks
  })

const labels = fc
  .oneof(
    // What blocks have in common.
    fc.constantFrom<readonly (readonly ['a' | 'é', string])[]>([['a', 'a']], [['a', 'b']], [['é', 'a']]),
    fc.uniqueArray(fc.tuple(name, value), { minLength: 1, maxLength: 4, selector: ([each]) => each }),
  )
  .map(pairs => [...pairs].sort(([a], [b]) => compare(a, b)))

/** Most series have nothing deleted; else some of a chunk, some that touch, or all. */
const deletions = fc.oneof(
  { weight: 4, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.constant([[0, 100_000] as const]) },
  {
    weight: 3,
    arbitrary: fc.array(fc.tuple(fc.nat({ max: 300 }), fc.constantFrom(0, 1, 14, 29, 400)), { maxLength: 3 }),
  },
)
const deletedFrom = deletions.map(
  list => (start: number) => list.map(([at, length]): Stone => ({ from: start + at, to: start + at + length })),
)

/** The start of all times of a case: overlapping blocks begin near to one another. */
const epoch = fc.constantFrom(0, -7_000, 1_700_000_000_000)

function blockFrom(start: number): fc.Arbitrary<AnyBlock> {
  return fc
    .record({
      version: fc.constantFrom(2, 1),
      perSegment: fc.constantFrom(100, 1, 3),
      external: fc.dictionary(fc.constantFrom('cluster', 'job', 'é'), fc.constantFrom('eu', 'a', ''), {
        maxKeys: 2,
      }),
      offset: fc.constantFrom(0, 0, 0, 500, 20_000),
      series: fc.uniqueArray(fc.tuple(labels, chunksFrom, deletedFrom), {
        maxLength: 8,
        selector: ([pairs]) => JSON.stringify(pairs),
      }),
    })
    .map(({ offset, series, ...given }): AnyBlock => {
      const from = start + offset
      const made = series.map(([pairs, chunksOf, deletedOf]) => ({
        labels: pairs,
        chunks: chunksOf(from),
        deleted: deletedOf(from),
      }))
      const last = Math.max(from, ...made.flatMap(({ chunks }) => chunks.map(({ to }) => to)))
      return { ...given, version: given.version === 1 ? 1 : 2, from, end: last + 1, series: made }
    })
}

/** Patterns that RE2 and JavaScript read alike, of values that have no line break but \n. */
const atom = fc.oneof(
  fc.constantFrom('a', 'b', 'ab', 'B', 'é', '😀', ' ', '\\.', '\\|', '.', '[ab]', '[^a]', '\n'),
  fc.constantFrom('(a|b)', '(ab|)', '(?:a|é)', '(?i:b)'),
)
const piece = fc
  .tuple(atom, fc.constantFrom('', '', '*', '+', '?'))
  .map(([text, times]) => (text.length > 1 && times && !/^[[(\\]/.test(text) ? `(?:${text})${times}` : text + times))
const alternative = fc.array(piece, { maxLength: 3 }).map(pieces => pieces.join(''))
const pattern = fc.oneof(
  fc.array(alternative, { minLength: 1, maxLength: 3 }).map(list => list.join('|')),
  fc.constantFrom('.*', '.+', '', 'a.*', 'a.+', 'a|b|ab', 'a(b|)', '(a|b)b', '.*b', '.*a.*'),
)

const matcher: fc.Arbitrary<LabelMatcher> = fc
  .record({
    type: fc.constantFrom<MatcherType>('=', '!=', '=~', '!~'),
    name: fc.oneof(name, fc.constantFrom('cluster', 'missing')),
    plain: fc.oneof(value, fc.constantFrom('', 'eu')),
    pattern,
  })
  .map(({ type, name, plain, pattern }) => ({ type, name, value: type.includes('~') ? pattern : plain }))

const all: LabelMatcher = { type: '!=', name: 'missing', value: 'a' }

const queryFrom = (start: number): fc.Arbitrary<AnyQuery> =>
  fc
    .record({
      matchers: fc.oneof(
        { weight: 20, arbitrary: fc.array(matcher, { minLength: 1, maxLength: 3 }) },
        { weight: 20, arbitrary: fc.constantFrom<LabelMatcher[]>([all]) },
        { weight: 1, arbitrary: fc.constant([]) },
      ),
      from: fc.oneof(fc.constant(-100_000), fc.integer({ min: -50, max: 900 })),
      length: fc.oneof(fc.constant(200_000), fc.nat({ max: 900 })),
    })
    .map(({ matchers, from, length }) => ({ matchers, from: start + from, to: start + from + length }))

/** Blocks that have the same times, or nearly so, and a query of them. */
export const blocksAndQuery: fc.Arbitrary<{ readonly blocks: readonly AnyBlock[]; readonly query: AnyQuery }> =
  epoch.chain(start =>
    fc.record({ blocks: fc.array(blockFrom(start), { minLength: 1, maxLength: 3 }), query: queryFrom(start) }),
  )
