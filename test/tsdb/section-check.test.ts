import { crc32c, SectionCheck, type SectionKind } from 'blockgate/tsdb'
import { expect, it } from 'vitest'

const text = (value: string) => [value.length, ...new TextEncoder().encode(value)]
const entry = (name: string, value: string, ...offset: number[]) => [2, ...text(name), ...text(value), ...offset]

/** A section whose checksum is right, whatever its body says. */
function section(count: number, ...body: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 + 4 + body.length + 4)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, 4 + body.length)
  view.setUint32(4, count)
  bytes.set(body, 8)
  view.setUint32(8 + body.length, crc32c(bytes.subarray(4, 8 + body.length)))
  return bytes
}

function check(kind: SectionKind, bytes: Uint8Array, { size = bytes.length, step = bytes.length } = {}): number {
  const sections = new SectionCheck(kind, { what: 'it', size, offsets: { min: 100, max: 300 } })
  for (let at = 0; at < bytes.length; at += step) sections.update(bytes.subarray(at, at + step))
  return sections.end()
}

const SYMBOLS = 'symbols'
const TABLE = 'postings-table'

it.each<[SectionKind, number, Uint8Array]>([
  [SYMBOLS, 3, section(3, ...text(''), ...text('a'), ...text('bcd'))],
  // One that is longer than 127 bytes.
  [SYMBOLS, 1, section(1, 0x80, 0x02, ...new Array<number>(256).fill(65))],
  [TABLE, 2, section(2, ...entry('', '', 100), ...entry('a', '1', 0xac, 0x02))],
])('a section of %s has its %i entries, whatever the parts', (kind, count, bytes) => {
  for (const step of [1, 2, 3, 5, 9, 10, 11, bytes.length]) expect(check(kind, bytes, { step })).toBe(count)
})

it.each<[name: string, SectionKind, Uint8Array, message: string]>([
  ['a count that is too small', SYMBOLS, section(1, 0, 0), 'count must be 2: current value is 1'],
  ['a count that is too large', SYMBOLS, section(3, 0, 0), 'count must be 2: current value is 3'],
  ['the largest count', SYMBOLS, section(0xffffffff), 'count must be 0: current value is 4294967295'],
  ['a string past the end', SYMBOLS, section(1, 3, 65), 'symbol 0: string length must be <= 1: current value is 3'],
  ['a number that is cut', SYMBOLS, section(1, 0x80), 'symbol 0: its bytes must be all there: current value is cut'],
  ['a cut entry', TABLE, section(1, 2, ...text('a')), 'entry 0: its bytes must be all there: current value is cut'],
  [
    'a number beyond 2^53',
    SYMBOLS,
    section(2, 0, ...Array(8).fill(255), 1),
    'symbol 1: uvarint must be a safe integer: current value is larger',
  ],
  [
    'three strings in an entry',
    TABLE,
    section(1, 3, ...text('a'), ...text('b'), 100),
    'entry 0: number of strings must be 2: current value is 3',
  ],
  [
    'an offset before the lists',
    TABLE,
    section(1, ...entry('', '', 99)),
    'entry 0: offset must be 100 to 300: current value is 99',
  ],
  [
    'an offset behind the lists',
    TABLE,
    section(2, ...entry('', '', 100), ...entry('a', '', 0xad, 0x02)),
    'entry 1: offset must be 100 to 300: current value is 301',
  ],
])('a section with %s is refused', (_, kind, bytes, message) => {
  for (const step of [1, bytes.length]) {
    expect(() => check(kind, bytes, { step })).toThrow(`corrupt-block: it: ${message}`)
  }
})

it('a section whose length leads outside is refused before its bytes come', () => {
  for (const length of [3, 13]) {
    const checked = new SectionCheck(SYMBOLS, { what: 'it', size: 20 })
    const message = `it: length must be 4 to 12: current value is ${length}`
    expect(() => checked.update(Uint8Array.of(0, 0, 0, length))).toThrow(message)
  }
  expect(() => new SectionCheck(SYMBOLS, { what: 'it', size: 11 })).toThrow('it: size must be >= 12')
})

it('a section that ends too soon or too late is refused', () => {
  const bytes = section(1, ...text('a'))
  const cut = () => check(SYMBOLS, bytes.subarray(0, -1), { size: bytes.length })
  expect(cut).toThrow('it: size must be 14: current value is 13')
  const more = Uint8Array.of(...bytes, 0, 0)
  expect(check(SYMBOLS, more)).toBe(1)
  expect(() => check(SYMBOLS, more, { size: more.length - 1 })).toThrow('it: size must be 15: current value is more')
})
