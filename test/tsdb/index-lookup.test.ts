import { checkIndexHeader, IndexLookup, readPostings, readSection, readSeries, seriesOffset } from 'blockgate/tsdb'
import { describe, expect, it } from 'vitest'
import { headerOf, readerOf } from '../support/header-of.ts'
import { indexFile, type SeriesLabels } from '../support/index-file.ts'

const opened = async (index: Uint8Array) => {
  const bytes = await headerOf(index)
  return new IndexLookup(bytes, await checkIndexHeader(bytes.length, readerOf(bytes)))
}

/** 300 series: a label of 300 values, one of 7, one of a single value, and one that half of them have. */
const SERIES: readonly SeriesLabels[] = Array.from({ length: 300 }, (_, i) => {
  const many = `v${String(i).padStart(3, '0')}`
  return [['__name__', 'up'], ...(i % 2 === 0 ? [['half', 'x'] as const] : []), ['many', many], ['seven', `s${i % 7}`]]
})

describe.each([1, 2] as const)('index version %i', version => {
  const index = indexFile({ version, series: SERIES })
  const key = ([name, value]: readonly [string, string]) => `${name}=${value}`

  it('finds the postings of every pair, and each series by them', async () => {
    const lookup = await opened(index)
    const expected = new Map<string, number[]>()
    SERIES.forEach((labels, i) => {
      for (const pair of labels) expected.set(key(pair), [...(expected.get(key(pair)) ?? []), i])
    })
    const all = lookup.postings('', '')
    const refsOf = (range: { offset: number; end: number } | undefined) => {
      const bytes = index.subarray(0, range?.end)
      return [...readPostings(readSection(bytes, range?.offset ?? -1, 'postings'), 'postings')]
    }
    const order = refsOf(all)
    for (const [pair, numbers] of expected) {
      const [name = '', value = ''] = pair.split('=')
      expect(refsOf(lookup.postings(name, value)), pair).toEqual(numbers.map(i => order[i]))
    }
    order.forEach((ref, i) => {
      const { labels } = readSeries(index, seriesOffset(ref, version), `series ${ref}`)
      const texts = [...labels].map(symbol => lookup.symbol(symbol))
      expect(texts).toEqual(SERIES[i]?.flat())
    })
  })

  it('has the names and the values, in order, with their postings', async () => {
    const lookup = await opened(index)
    expect(lookup.labelNames()).toEqual(['__name__', 'half', 'many', 'seven'])
    const values = (name: string) => {
      const found: string[] = []
      lookup.eachValue(name, (value, postings) => {
        const text = new TextDecoder().decode(value)
        expect(postings()).toEqual(lookup.postings(name, text))
        found.push(text)
      })
      return found
    }
    expect(values('seven')).toEqual(['s0', 's1', 's2', 's3', 's4', 's5', 's6'])
    expect(values('many')).toEqual(SERIES.map((_, i) => `v${String(i).padStart(3, '0')}`))
    expect([values('nope'), values('half')]).toEqual([[], ['x']])
  })

  it('finds no pair that is not there, before, between and behind those that are', async () => {
    const lookup = await opened(index)
    const missing = [
      ['', 'x'],
      ['a', 'b'],
      ['half', ''],
      ['half', 'xx'],
      ['many', 'v'],
      ['many', 'v0000'],
      ['many', 'v299a'],
      ['many', 'w'],
      ['sevenn', 's0'],
      ['seven', 's7'],
      ['z', 'z'],
    ] as const
    for (const [name, value] of missing) expect(lookup.postings(name, value), `${name}=${value}`).toBeUndefined()
  })

  it('refuses a symbol that is none', async () => {
    const lookup = await opened(index)
    const count = new Set(SERIES.flat(2)).size + 1
    for (const ref of version === 2 ? [count, 2 ** 31] : [0, 7, index.length])
      expect(() => lookup.symbol(ref)).toThrow(`series: symbol must be one of ${count}: current value is ${ref}`)
  })
})

it('refuses a table of version 2 that is not in order: it would be searched in vain', async () => {
  const index = indexFile({ version: 1, series: SERIES.slice(0, 9) })
  index[4] = 2
  await expect(opened(index)).rejects.toThrow('index-header: entry 1 of the postings offset table must be behind')
})

it('holds one number for 32 symbols, and one for 32 pairs', async () => {
  const lookup = await opened(indexFile({ series: SERIES }))
  // "", 4 names, and 300 + 7 + "x" and "up" as values.
  expect(lookup.overhead).toBe(4 * (Math.ceil(314 / 32) + Math.ceil(310 / 32)))
})

it('an index of no series has no names', async () => {
  const lookup = await opened(indexFile({ series: [] }))
  expect([lookup.labelNames(), lookup.postings('a', 'b')]).toEqual([[], undefined])
})
