// Which blocks a query is asked of. The vectors of blocksFor are those of Thanos' TestBucketBlockSet_getFor, and edges of its recursion.
import { blockMeta, testId } from 'blockgate/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { blocksFor, chooseBlocks } from '../../src/query/choose-blocks.ts'
import { matcher } from '../../src/query/matchers.ts'

const [RAW, FIVE_MINUTES, HOUR] = [0, 300_000, 3_600_000]
const block = (minTime: number, maxTime: number, resolution = RAW) => ({ minTime, maxTime, resolution })
type Block = ReturnType<typeof block>

const BLOCKS: readonly Block[] = [
  block(0, 100),
  block(100, 200),
  block(100, 200),
  block(200, 299),
  block(200, 300),
  block(300, 400),
  block(300, 600),
  block(400, 500),
  ...[0, 100, 200, 300].map(from => block(from, from + 100, FIVE_MINUTES)),
  ...[100, 200].map(from => block(from, from + 100, HOUR)),
]

const NAMES = new Map([
  [RAW, 'raw'],
  [FIVE_MINUTES, '5m'],
  [HOUR, '1h'],
])
const shown = (blocks: readonly Block[]) =>
  blocks.map(({ minTime, maxTime, resolution }) => `${NAMES.get(resolution)} ${minTime}-${maxTime}`)

/** Whatever order the blocks come in. */
const chosen = (blocks: readonly Block[], ...asked: [from: number, to: number, maxResolution: number]) => {
  const found = shown(blocksFor(blocks, ...asked))
  expect(shown(blocksFor([...blocks].reverse(), ...asked))).toEqual(found)
  return found
}

describe('blocks of one set of external labels', () => {
  it.each([
    [
      'all raw ones where only those will do',
      [-100, 1000, RAW],
      'raw 0-100, raw 100-200, raw 100-200, raw 200-299, raw 200-300, raw 300-400, raw 300-600, raw 400-500',
    ],
    [
      'the one that begins where the query ends, and not the one that ends where it begins',
      [100, 400, FIVE_MINUTES - 1],
      'raw 100-200, raw 100-200, raw 200-299, raw 200-300, raw 300-400, raw 300-600, raw 400-500',
    ],
    [
      'downsampled ones, and raw ones behind them',
      [100, 500, FIVE_MINUTES],
      '5m 100-200, 5m 200-300, 5m 300-400, raw 300-600, raw 400-500',
    ],
    [
      'the coarsest, and finer ones on both sides',
      [0, 500, HOUR],
      '5m 0-100, 1h 100-200, 1h 200-300, 5m 300-400, raw 300-600, raw 400-500',
    ],
  ] as const)('%s', (_, [from, to, resolution], expected) => {
    expect(chosen(BLOCKS, from, to, resolution).join(', ')).toBe(expected)
  })

  it('a gap between two blocks is filled with finer ones', () => {
    const blocks = [block(0, 100, HOUR), block(200, 300, HOUR), block(0, 300, FIVE_MINUTES), block(0, 300)]
    expect(chosen(blocks, 0, 299, HOUR)).toEqual(['1h 0-100', '5m 0-300', '1h 200-300'])
    // A block that fills two gaps is asked once.
    const three = [block(100, 200, HOUR), block(0, 300)]
    expect(chosen(three, 0, 299, HOUR)).toEqual(['raw 0-300', '1h 100-200'])
  })

  it('a short block behind a longer one that overlaps it does not cover what the longer one has', () => {
    const blocks = [block(0, 400, HOUR), block(100, 200, HOUR), block(0, 500)]
    expect(chosen(blocks, 250, 300, HOUR)).toEqual(['1h 0-400'])
    expect(chosen(blocks, 0, 300, HOUR)).toEqual(['1h 0-400', '1h 100-200', 'raw 0-500'])
  })

  it('none, where the query ends before it begins, or lies beside all', () => {
    expect(chosen(BLOCKS, 100, 99, HOUR)).toEqual([])
    expect(chosen(BLOCKS, 600, 1000, HOUR)).toEqual([])
    expect(chosen(BLOCKS, -5, -1, HOUR)).toEqual([])
    expect(chosen([], 0, 1, HOUR)).toEqual([])
  })

  // As Thanos' TestBucketBlock_Property: blocks as its compactor leaves them, downsampled ones from some time on, and gaps.
  it('cover each time of the query that a block covers which will do, and no block is of another time', () => {
    const end = 400
    const level = (resolution: number) =>
      fc
        .record({
          from: fc.nat(end),
          sizes: fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 40 })), { maxLength: 12 }),
        })
        .map(({ from, sizes }) => {
          let at = from
          return sizes.map(([gap, size]) => {
            at += gap + size
            return block(at - size, at, resolution)
          })
        })
    const layout = fc.tuple(level(RAW), level(FIVE_MINUTES), level(HOUR)).map(levels => levels.flat())
    const asked = fc.tuple(fc.nat(end), fc.nat(end), fc.constantFrom(RAW, FIVE_MINUTES - 1, FIVE_MINUTES, HOUR))
    fc.assert(
      fc.property(layout, asked, (blocks, [a, b, maxResolution]) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)]
        const taken = blocksFor(blocks, from, to, maxResolution)
        expect(taken.filter(({ minTime, maxTime }) => minTime > to || maxTime <= from)).toEqual([])
        expect(taken.filter(({ resolution }) => resolution > maxResolution)).toEqual([])
        const isIn = (time: number) => (each: Block) => each.minTime <= time && time < each.maxTime
        for (let time = from; time <= to; time++) {
          const possible = blocks.filter(each => each.resolution <= maxResolution && isIn(time)(each))
          if (possible.length > 0 && !taken.some(isIn(time)))
            throw new Error(`${time} is covered by none of those taken`)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('a resolution that is coarser than asked for is never taken', () => {
    expect(chosen([block(0, 100, HOUR)], 0, 99, HOUR - 1)).toEqual([])
  })
})

describe('blocks of several sets', () => {
  const meta = (n: number, labels: Record<string, string>, resolution = RAW) =>
    blockMeta({ ulid: testId(n), labels, minTime: 0, maxTime: 100, resolution })
  const choose = (metas: readonly ReturnType<typeof meta>[], ...matchers: readonly [string, string][]) =>
    chooseBlocks(
      metas.map(meta => ({ meta })),
      {
        matchers: matchers.map(([name, value]) => matcher({ type: '=', name, value })),
        from: 0,
        to: 99,
        maxResolution: HOUR,
      },
    ).map(({ meta: { ulid }, rest }) => [ulid, rest.map(({ name }) => name)])

  it('are chosen for each set alone, whatever the order of its labels', () => {
    const metas = [
      meta(1, { cluster: 'eu', zone: 'a' }),
      meta(2, { zone: 'a', cluster: 'eu' }, FIVE_MINUTES),
      meta(3, { cluster: 'us', zone: 'a' }),
      meta(4, { cluster: 'eu', zone: 'a', empty: '' }),
    ]
    expect(choose(metas, ['zone', 'a'], ['up', '1'])).toEqual([
      [testId(2), ['up']],
      [testId(3), ['up']],
    ])
    expect(choose(metas, ['cluster', 'us'])).toEqual([[testId(3), []]])
    expect(choose(metas, ['cluster', 'nope'])).toEqual([])
    // A label that a set does not have is a matter of its series.
    expect(choose(metas, ['empty', 'x']).map(([, rest]) => rest)).toEqual([['empty'], ['empty']])
  })
})
