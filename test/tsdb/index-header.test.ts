import { codeOf } from 'blockgate'
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
const codeIn = async (work: Promise<unknown>) => codeOf(await work.catch(error => error))
const flipped = (bytes: Uint8Array, bit: number) =>
  bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))

describe.each([1, 2] as const)('the index-header of an index of version %d', version => {
  const index = indexFile({ version, series: thanosSeries })
  const toc = parseIndexToc(index.subarray(-52), index.length)

  it('has the bytes that the format says, in order, in whatever parts the index comes', async () => {
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
    for (const partBytes of [1, 2, 3, 7, 64]) expect(await headerOf(index, partBytes)).toEqual(header)
  })

  it("tells what it was made of, with the offsets of Thanos' own test", async () => {
    expect(await check(await headerOf(index))).toEqual({
      index: { version, size: index.length, toc },
      symbols: { offset: 14, count: 19 },
      postingsTable: { offset: version === 1 ? 14 + toc.series - toc.symbols : 114, count: 18 },
    })
    if (version === 2) expect(toc.postingsTable).toBe(744)
  })

  it('is refused when it is cut at any byte, longer, or has any of 500 bits changed', async () => {
    const header = await headerOf(index)
    for (let size = 0; size < header.length; size++) {
      expect(await codeIn(check(header.subarray(0, size))), `cut at ${size}`).toBe('corrupt-block')
    }
    expect(await codeIn(check(Uint8Array.of(...header, 0)))).toBe('corrupt-block')
    const { random } = fakeHost({ seed: 500 })
    for (let i = 0; i < 500; i++) {
      const bit = Math.floor(random() * header.length * 8)
      expect(await codeIn(check(flipped(header, bit))), `bit ${bit}`).toBe('corrupt-block')
    }
  })

  it('is not made of an index with any bit of its sections changed', async () => {
    const { random } = fakeHost({ seed: 7 })
    for (let i = 0; i < 300; i++) {
      const [from, to] = i % 2 === 0 ? [toc.symbols, toc.series] : [toc.postingsTable, index.length - 52]
      const bit = Math.floor((from + random() * (to - from)) * 8)
      expect(await codeIn(headerOf(flipped(index, bit), 5)), `bit ${bit}`).toBe('corrupt-block')
    }
  })
})

describe('the index-header', () => {
  const index = indexFile({ series: thanosSeries })

  it('keeps the padding behind the symbols, which must be zero', async () => {
    const padded = indexFile({ series: thanosSeries, padding: 9 })
    expect((await check(await headerOf(padded))).postingsTable.offset).toBe(123)
    padded[110] = 1
    await expect(headerOf(padded)).rejects.toThrow('index: symbols at 5: padding at +105 must be 0: current value is 1')
  })

  it('of a block without series has no entry', async () => {
    const { symbols, postingsTable } = await check(await headerOf(indexFile({ series: [] })))
    expect([symbols.count, postingsTable.count]).toEqual([1, 0])
  })

  it('above 1 MiB is read in parts, each byte of a section once', async () => {
    const moreSymbols = Array.from({ length: 5 }, (_, i) => `${i}${'x'.repeat(700_000)}`)
    const header = await headerOf(indexFile({ series: thanosSeries, moreSymbols }))
    const reads: [number, number][] = []
    const { symbols } = await checkIndexHeader(header.length, async (offset, length) => {
      reads.push([offset, length])
      return await readerOf(header)(offset, length)
    })
    expect(symbols.count).toBe(24)
    const MB = 1024 * 1024
    const table = header.length - 72 - 247
    const parts = [0, 1, 2].map(n => [14 + n * MB, MB])
    const ends = [
      [0, 14],
      [header.length - 72, 72],
    ]
    expect(reads).toEqual([...ends, ...parts, [14 + 3 * MB, table - 14 - 3 * MB], [table, 247]])
  })

  const big = (at: number, value: number | bigint) => (view: DataView) => {
    view.setBigUint64(at < 0 ? view.byteLength + at : at, BigInt(value))
    view.setUint32(view.byteLength - 4, crc32c(new Uint8Array(view.buffer).subarray(-20, -4)))
  }
  const byte = (at: number, value: number) => (view: DataView) => view.setUint8(at, value)

  it.each<[name: string, change: (view: DataView) => void, message: string]>([
    ['another magic', byte(0, 0xbb), 'magic at 0 must be 0xbaaad792: current value is 0xbbaad792'],
    ['another version', byte(4, 0), 'version at 4 must be 1: current value is 0'],
    ['an unknown version of the index', byte(5, 3), 'index version at 5 must be 1 or 2: current value is 3'],
    ['an offset beyond 2^53', byte(6, 1), 'offset at 6 must be <= 9007199254740991: current value is larger'],
    ['symbols that begin elsewhere', big(-20, 13), 'TOC at 377: symbols must be 14: current value is 13'],
    [
      'a table among the symbols',
      big(-12, 25),
      'TOC at 377: postings offset table must be 26 to 313: current value is 25',
    ],
    ['a table at the end', big(-12, 314), 'TOC at 377: postings offset table must be 26 to 313: current value is 314'],
    // As large an index, by its own word: one byte more in front, and the TOC where it was.
    ['another end of the lists', big(6, 745), "offset at 6 must be 744 as in the index's TOC: current value is 745"],
    [
      'other bytes of symbols than the TOC of its index says',
      view => {
        const toc = new Uint8Array(view.buffer).subarray(-72, -20)
        view.setBigUint64(toc.byteOffset + 8, view.getBigUint64(toc.byteOffset + 8) + 1n)
        view.setUint32(toc.byteOffset + 48, crc32c(toc.subarray(0, 48)))
      },
      'symbols must have 101 bytes: current value is 100',
    ],
  ])('with %s is refused, though its checksums are right', async (_, change, message) => {
    const header = await headerOf(index)
    change(new DataView(header.buffer))
    await expect(check(header)).rejects.toThrow(`corrupt-block: index-header: ${message}`)
  })

  it('that was put together from two indexes is refused, though every checksum is right', async () => {
    const one = await headerOf(index)
    const other = await headerOf(indexFile({ series: thanosSeries.slice(0, 3) }))
    const mixed = one.slice()
    mixed.set(other.subarray(6, 14), 6)
    expect(await codeIn(check(mixed))).toBe('corrupt-block')
    const table = new DataView(one.buffer).getUint32(one.length - 8)
    expect(await codeIn(check(Uint8Array.of(...one.slice(0, table + 4), ...one.slice(table))))).toBe('corrupt-block')
  })

  it('is not made of an index whose table leads outside of the lists', async () => {
    const good = indexFile({ series: [[['a', '1']]] })
    const table = Number(new DataView(good.buffer).getBigUint64(good.length - 12))
    const body = good.subarray(table + 4, good.length - 52 - 4)
    // The last byte of an entry is that of its offset.
    for (const offset of [1, 127]) {
      body.set([offset], body.length - 1)
      new DataView(good.buffer).setUint32(good.length - 56, crc32c(body))
      await expect(headerOf(good)).rejects.toThrow(/entry 1: offset must be \d+ to \d+: current value is \d+/)
    }
  })
})
