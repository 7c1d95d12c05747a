import {
  assertIndexSize,
  crc32c,
  INDEX_TOC_BYTES,
  MAX_INDEX_BYTES,
  parseIndexStart,
  parseIndexToc,
} from 'blockgate/tsdb'
import { expect, it } from 'vitest'
import { indexFile } from '../support/index-file.ts'

const good = { symbols: 5, series: 40, labelIndices: 80, labelIndicesTable: 150, postings: 84, postingsTable: 150 }
const SIZE = 300

/** TOC bytes with a right checksum. */
function toc(change: Partial<Record<keyof typeof good, number | bigint>> = {}): Uint8Array {
  const bytes = new Uint8Array(INDEX_TOC_BYTES)
  const view = new DataView(bytes.buffer)
  for (const [i, value] of Object.values({ ...good, ...change }).entries()) view.setBigUint64(i * 8, BigInt(value))
  view.setUint32(48, crc32c(bytes.subarray(0, 48)))
  return bytes
}

it('the beginning of an index tells the version', () => {
  expect(parseIndexStart(indexFile({ series: [] }))).toBe(2)
  expect(parseIndexStart(indexFile({ version: 1, series: [] }))).toBe(1)
})

it.each([
  [[0xba, 0xaa, 0xd7, 0x01, 2], 'magic at 0 must be 0xbaaad700: current value is 0xbaaad701'],
  [[0xba, 0xaa, 0xd7, 0x00, 3], 'version at 4 must be 1 or 2: current value is 3'],
  [[0xba, 0xaa, 0xd7, 0x00, 0], 'version at 4 must be 1 or 2: current value is 0'],
  [[0xba, 0xaa, 0xd7, 0x00], 'first bytes must be >= 5: current value is 4'],
])('the beginning %j is refused', (bytes, message) => {
  expect(() => parseIndexStart(Uint8Array.from(bytes))).toThrow(`corrupt-block: index: ${message}`)
})

const none = { labelIndices: 0, labelIndicesTable: 0, postings: 0 }
it.each([
  [{}, SIZE],
  [none, SIZE],
  [{ ...none, series: 2 ** 32 + 7, postingsTable: 2 ** 35 + 1 }, MAX_INDEX_BYTES],
])('the TOC has the offsets of all sections, 0 for those that nothing reads, also above 4 GiB: %o', (change, size) => {
  expect(parseIndexToc(toc(change), size)).toEqual({ ...good, ...change })
})

it.each([
  [{ symbols: 4 }, 'symbols must be 5 to 248: current value is 4'],
  [{ symbols: 0 }, 'symbols must be 5 to 248: current value is 0'],
  [{ series: 16 }, 'series must be 17 to 248: current value is 16'],
  [{ series: 249 }, 'series must be 17 to 248: current value is 249'],
  [{ postingsTable: 39 }, 'postingsTable must be 40 to 236: current value is 39'],
  [{ postingsTable: 237 }, 'postingsTable must be 40 to 236: current value is 237'],
  [{ labelIndices: 39 }, 'labelIndices must be 40 to 150: current value is 39'],
  [{ labelIndicesTable: 151 }, 'labelIndicesTable must be 40 to 150: current value is 151'],
  [{ postings: 200 }, 'postings must be 40 to 150: current value is 200'],
  [{ postingsTable: 2n ** 53n }, 'postingsTable must be <= 9007199254740991: current value is larger'],
  [{ series: 2n ** 64n - 1n }, 'series must be <= 9007199254740991: current value is larger'],
])('a TOC with %o is refused', (change, message) => {
  expect(() => parseIndexToc(toc(change), SIZE)).toThrow(`corrupt-block: index: TOC: ${message}`)
})

it('a TOC is refused with any bit changed, and with too few or too many bytes', () => {
  for (let bit = 0; bit < INDEX_TOC_BYTES * 8; bit++) {
    const bytes = toc()
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    const message = 'corrupt-block: index: TOC at 248: CRC-32C must be 0x'
    expect(() => parseIndexToc(bytes, SIZE), `bit ${bit}`).toThrow(message)
  }
  expect(() => parseIndexToc(toc().subarray(1), SIZE)).toThrow('index: TOC must have 52 bytes: current value is 51')
  expect(() => parseIndexToc(new Uint8Array(53), SIZE)).toThrow('index: TOC must have 52 bytes: current value is 53')
})

it.each([0, 80, MAX_INDEX_BYTES + 1, 81.5, -1, Number.NaN])('an index must not have %d bytes', size => {
  expect(() => assertIndexSize(size)).toThrow(
    `corrupt-block: index: size must be 81 to 68719476736 bytes: current value is ${size}`,
  )
})

it('an index may be as large as the smallest and as the largest', () => {
  assertIndexSize(81)
  assertIndexSize(MAX_INDEX_BYTES)
})
