import { fakeHost } from 'blockgate/testing'
import { checkIndexHeader, crc32c, indexHeaderSize, parseIndexToc } from 'blockgate/tsdb'
import { describe, expect, it } from 'vitest'
import { headerOf, readerOf } from '../support/header-of.ts'
import { indexFile, type SeriesLabels } from '../support/index-file.ts'

/** The series of Thanos' own test, https://github.com/thanos-io/thanos `pkg/block/indexheader/header_test.go`. */
const thanosSeries: readonly SeriesLabels[] = [
  [['a', '1']],
  ...['1', '2'].map(
    (value): SeriesLabels => [
      ['a', '1'],
      ['longer-string', value],
    ],
  ),
  ...['11', '12', '13', '2', '3', '4', '5', '6', '7', '8', '9'].map((value): SeriesLabels => [['a', value]]),
  ...['a', 'b', 'c'].map((value): SeriesLabels => [['cluster', `${value}-eu-west-1`]]),
]

const check = (header: Uint8Array) => checkIndexHeader(header.length, readerOf(header))
const code = (error: unknown) => (error as { code?: string }).code

describe.each([1, 2] as const)('the index-header of an index of version %d', version => {
  const index = indexFile({ version, series: thanosSeries })
  const toc = parseIndexToc(index.subarray(-52), index.length)

  it('has the bytes that the format says, in order', async () => {
    const header = await headerOf(index)
    const view = new DataView(header.buffer)
    const table = 14 + toc.series - toc.symbols
    expect([view.getUint32(0), view.getUint8(4), view.getUint8(5)]).toEqual([0xbaaad792, 1, version])
    expect(view.getBigUint64(6)).toBe(BigInt(toc.postingsTable))
    expect(header.subarray(14, table)).toEqual(index.subarray(toc.symbols, toc.series))
    expect(header.subarray(table, -20)).toEqual(index.subarray(toc.postingsTable))
    expect([view.getBigUint64(header.length - 20), view.getBigUint64(header.length - 12)]).toEqual([14n, BigInt(table)])
    expect(view.getUint32(header.length - 4)).toBe(crc32c(header.subarray(-20, -4)))
    expect(indexHeaderSize({ version, size: index.length, toc })).toBe(header.length)
  })

  it('tells what it was made of', async () => {
    expect(await check(await headerOf(index))).toEqual({
      index: { version, size: index.length, toc },
      symbols: { offset: 14, count: 19 },
      postingsTable: { offset: 14 + toc.series - toc.symbols, count: 18 },
    })
  })

  it('is the same in whatever parts the index comes', async () => {
    const whole = await headerOf(index)
    for (const partBytes of [1, 2, 3, 7, 64]) expect(await headerOf(index, partBytes)).toEqual(whole)
  })

  it('is refused when it is cut at any byte, or longer', async () => {
    const header = await headerOf(index)
    for (let size = 0; size < header.length; size++) {
      const error = await check(header.subarray(0, size)).catch(e => e)
      expect(code(error), `cut at ${size}`).toBe('corrupt-block')
    }
    const longer = new Uint8Array(header.length + 1)
    longer.set(header)
    expect(code(await check(longer).catch(e => e))).toBe('corrupt-block')
  })

  it('is refused with any of 500 bits changed', async () => {
    const header = await headerOf(index)
    const { random } = fakeHost({ seed: 500 })
    for (let i = 0; i < 500; i++) {
      const bit = Math.floor(random() * header.length * 8)
      const damaged = header.slice()
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(code(await check(damaged).catch(e => e)), `bit ${bit}`).toBe('corrupt-block')
    }
  })

  it('is not made of an index with any bit of its sections changed', async () => {
    const { random } = fakeHost({ seed: 7 })
    for (let i = 0; i < 300; i++) {
      const [from, to] = i % 2 === 0 ? [toc.symbols, toc.series] : [toc.postingsTable, index.length - 52]
      const bit = Math.floor((from + random() * (to - from)) * 8)
      const damaged = index.slice()
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(code(await headerOf(damaged, 5).catch(e => e)), `bit ${bit}`).toBe('corrupt-block')
    }
  })
})

describe('the index-header', () => {
  it("has the offsets of Thanos' own test", async () => {
    const { index, symbols, postingsTable } = await check(await headerOf(indexFile({ series: thanosSeries })))
    expect([symbols.offset, postingsTable.offset, index.toc.postingsTable]).toEqual([14, 114, 744])
  })

  it('keeps the padding behind the symbols, which must be zero', async () => {
    const index = indexFile({ series: thanosSeries, padding: 9 })
    const header = await headerOf(index)
    expect((await check(header)).postingsTable.offset).toBe(123)
    index[110] = 1
    await expect(headerOf(index)).rejects.toThrow('index: symbols at 5: padding at +105 must be 0: current value is 1')
  })

  it('of a block without series has no entry', async () => {
    const { symbols, postingsTable } = await check(await headerOf(indexFile({ series: [] })))
    expect([symbols.count, postingsTable.count]).toEqual([1, 0])
  })

  it('above 1 MiB is read in parts, each byte of a section once', async () => {
    const moreSymbols = Array.from({ length: 5 }, (_, i) => `${i}${'x'.repeat(700_000)}`)
    const header = await headerOf(indexFile({ series: thanosSeries, moreSymbols }))
    const reads: [number, number][] = []
    const read = readerOf(header)
    const { symbols } = await checkIndexHeader(header.length, async (offset, length) => {
      reads.push([offset, length])
      return await read(offset, length)
    })
    expect(symbols.count).toBe(24)
    const MB = 1024 * 1024
    const table = header.length - 72 - 247
    expect(reads).toEqual([
      [0, 14],
      [header.length - 72, 72],
      [14, MB],
      [14 + MB, MB],
      [14 + 2 * MB, MB],
      [14 + 3 * MB, table - 14 - 3 * MB],
      [table, 247],
    ])
  })

  it.each([
    ['another magic', 0, 'index-header: magic at 0 must be 0xbaaad792: current value is 0xbbaad792'],
    ['another version', 4, 'index-header: version at 4 must be 1: current value is 0'],
    ['an unknown version of the index', 5, 'index-header: index version at 5 must be 1 or 2: current value is 3'],
    ['an offset beyond 2^53', 6, 'index-header: offset at 6 must be <= 9007199254740991: current value is larger'],
  ])('with %s is refused', async (_, at, message) => {
    const header = await headerOf(indexFile({ series: thanosSeries }))
    header[at] = (header[at] ?? 0) ^ 1
    await expect(check(header)).rejects.toThrow(`corrupt-block: ${message}`)
  })

  it('that was put together from two indexes is refused, though every checksum is right', async () => {
    const one = await headerOf(indexFile({ series: thanosSeries }))
    const other = await headerOf(indexFile({ series: thanosSeries.slice(0, 3) }))
    const mixed = one.slice()
    mixed.set(other.subarray(6, 14), 6)
    await expect(check(mixed)).rejects.toMatchObject({ code: 'corrupt-block' })
    const table = new DataView(one.buffer).getUint32(one.length - 8)
    const joined = new Uint8Array(await new Blob([one.slice(0, table + 4), one.slice(table)]).arrayBuffer())
    await expect(check(joined)).rejects.toMatchObject({ code: 'corrupt-block' })
  })

  it.each([
    ['begins the symbols elsewhere', 20, 13, 'symbols must be 14: current value is 13'],
    ['begins the table among the symbols', 12, 25, 'postings offset table must be 26 to 313: current value is 25'],
    ['begins the table at the end', 12, 314, 'postings offset table must be 26 to 313: current value is 314'],
  ])('whose TOC %s is refused, though its checksum is right', async (_, back, value, message) => {
    const header = await headerOf(indexFile({ series: thanosSeries }))
    const view = new DataView(header.buffer)
    view.setBigUint64(header.length - back, BigInt(value))
    view.setUint32(header.length - 4, crc32c(header.subarray(-20, -4)))
    await expect(check(header)).rejects.toThrow(`corrupt-block: index-header: TOC at 377: ${message}`)
  })

  it('must say of the end of the lists what the TOC of its index says', async () => {
    const header = await headerOf(indexFile({ series: thanosSeries }))
    // As large an index, by its own word: one byte more in front, and the TOC where it was.
    new DataView(header.buffer).setBigUint64(6, 745n)
    await expect(check(header)).rejects.toThrow(
      "corrupt-block: index-header: offset at 6 must be 744 as in the index's TOC: current value is 745",
    )
  })

  it('must have as many bytes of symbols as the TOC of its index says', async () => {
    const header = await headerOf(indexFile({ series: thanosSeries }))
    const toc = header.subarray(-72, -20)
    const view = new DataView(header.buffer, toc.byteOffset, 52)
    view.setBigUint64(8, view.getBigUint64(8) + 1n)
    view.setUint32(48, crc32c(toc.subarray(0, 48)))
    await expect(check(header)).rejects.toThrow(
      'corrupt-block: index-header: symbols must have 101 bytes: current value is 100',
    )
  })

  it('is not made of an index whose table leads outside of the lists', async () => {
    const good = indexFile({ series: [[['a', '1']]] })
    const table = Number(new DataView(good.buffer).getBigUint64(good.length - 12))
    const body = good.subarray(table + 4, good.length - 52 - 4)
    // The last byte of an entry is that of its offset.
    body[body.length - 1] = 1
    new DataView(good.buffer).setUint32(good.length - 56, crc32c(body))
    await expect(headerOf(good)).rejects.toThrow(/entry 1: offset must be \d+ to \d+: current value is \d+/)
  })
})
