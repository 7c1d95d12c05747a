// The cases of Thanos' tests of its bucket store (pkg/store/bucket_e2e_test.go and bucket_test.go): blocks of two sets of external
// labels, each in three blocks behind one another.
import { describe, expect, it } from 'vitest'
import { restOf } from '../../src/query/choose-blocks.ts'
import { matcher } from '../../src/query/matchers.ts'
import { asking, matchersOf } from './asked.ts'
import type { Given } from './sink-of.ts'

const BLOCK = 7_200_000
const ALL = { from: 0, to: 3 * BLOCK }
const OUTSIDE = { from: 10 * BLOCK, to: 11 * BLOCK }
const blocks: readonly Given[] = [0, BLOCK, 2 * BLOCK].flatMap(from => {
  const series = (name: string) =>
    ['1', '2'].flatMap(a => ['1', '2'].map(each => [{ a, [name]: each }, [[from + 5, 1]]] as const))
  return [
    { labels: { ext1: 'value1' }, from, series: series('b') },
    { labels: { ext2: 'value2' }, from, series: series('c') },
  ]
})
const store = asking(blocks, ALL)

const B = ['a=1,b=1,ext1=value1', 'a=1,b=2,ext1=value1', 'a=2,b=1,ext1=value1', 'a=2,b=2,ext1=value1']
const C = ['a=1,c=1,ext2=value2', 'a=1,c=2,ext2=value2', 'a=2,c=1,ext2=value2', 'a=2,c=2,ext2=value2']
const both = (of: (list: readonly string[]) => readonly string[]) => [...of(B), ...of(C)].sort()

describe('series', () => {
  it.each([
    ['a=~"1|2"', both(list => list)],
    ['a="1"', both(list => list.slice(0, 2))],
    ['a!~"2"', both(list => list.slice(0, 2))],
    ['a!~"not_existing"', both(list => list)],
    ['not_existing!~"1"', both(list => list)],
    ['b="2"', [B[1], B[3]]],
    ['a="1",ext2="value2"', C.slice(0, 2)],
    ['ext2="wrong-value"', []],
    ['a!="2"', both(list => list.slice(0, 2))],
    ['a!="not_existing"', both(list => list)],
    ['a="1",non_existing=~"something"', []],
    // Thanos gives none: no matcher is left of it.
    ['ext1="value1"', B],
  ])('{%s}, with the chunks of all blocks', async (text, wanted) => {
    expect(await store.series(text)).toEqual(wanted.map(labels => [labels, 3]))
    expect(await store.labelSets(text)).toEqual(wanted)
  })

  it('have the chunks of the blocks of the time', async () => {
    const wanted = both(list => list.slice(0, 2))
    expect(await store.series('a="1"', { from: 0, to: BLOCK - 1 })).toEqual(wanted.map(labels => [labels, 1]))
    expect(await store.series('a="1"', { from: 0, to: BLOCK + 5 })).toEqual(wanted.map(labels => [labels, 2]))
    expect(await store.series('a="1"', { from: 6, to: BLOCK + 4 })).toEqual([])
    expect(await store.series('a="1"', OUTSIDE)).toEqual([])
  })
})

describe('limits', () => {
  const limited = (limits: object) => asking(blocks, ALL, { limits }).series('a="1",b=~"1|2"')
  // Two series in three blocks each.
  it.each([
    ['chunks', 6, 5],
    ['series', 6, 5],
    ['bytes', 1_000_000, 1],
  ])('of %s: %d will do, %d will not', async (what, enough, few) => {
    expect(await limited({ [what]: enough })).toHaveLength(2)
    await expect(limited({ [what]: few })).rejects.toThrow(`query-too-large: a query must take at most ${few} ${what}`)
  })

  it('of series are those of names and values, too', async () => {
    const { names, values } = asking(blocks, ALL, { limits: { series: 1 } })
    await expect(names('a="1"')).rejects.toThrow('query-too-large')
    await expect(values('b', 'a="1"')).rejects.toThrow('query-too-large')
    // These stand in the index-header.
    expect(await names(undefined)).toEqual(['a', 'b', 'c', 'ext1', 'ext2'])
  })
})

it.each([
  [undefined, ALL, ['a', 'b', 'c', 'ext1', 'ext2']],
  [undefined, OUTSIDE, []],
  ['a=~"1|2"', ALL, ['a', 'b', 'c', 'ext1', 'ext2']],
  ['b="1"', ALL, ['a', 'b', 'ext1']],
  ['b=""', ALL, ['a', 'c', 'ext2']],
] as const)('names of %s at %j', async (text, range, wanted) => {
  expect(await store.names(text, range)).toEqual(wanted)
})

it.each([
  ['a', undefined, ALL, ['1', '2']],
  ['a', undefined, OUTSIDE, []],
  ['a', 'a="1"', ALL, ['1']],
  ['a', 'a="2",c="2"', ALL, ['2']],
  ['ext1', undefined, ALL, ['value1']],
  ['ext1', 'c="1"', ALL, []],
] as const)('values of %s of %s at %j', async (name, text, range, wanted) => {
  expect(await store.values(name, text, range)).toEqual(wanted)
})

describe('matchers on external labels', () => {
  const external = { ext: 'value', region: 'eu' }
  const rest = (text: string) => restOf(matchersOf(text).map(matcher), external)?.map(({ name }) => name)
  it.each([
    ['a="1",ext="value"', ['a']],
    ['ext=~"val.*",region!="us",a!="1"', ['a']],
    ['ext="value"', []],
    ['a=""', ['a']],
    ['ext="other",a="1"', undefined],
    ['a="1",ext!~"val.*"', undefined],
    ['ext!="value"', undefined],
    ['ext=""', undefined],
  ] as const)('{%s} leaves %j', (text, wanted) => {
    expect(rest(text)).toEqual(wanted)
  })
})
