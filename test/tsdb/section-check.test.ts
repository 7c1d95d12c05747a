import { crc32c, SectionCheck, type SectionKind } from 'blockgate/tsdb'
import { describe, expect, it } from 'vitest'

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

describe('a section', () => {
  it('of symbols has as many as its count, whatever the parts', () => {
    const bytes = section(3, ...text(''), ...text('a'), ...text('bcd'))
    for (const step of [1, 2, 5, bytes.length]) expect(check('symbols', bytes, { step })).toBe(3)
  })

  it('of symbols may have one that is longer than 127 bytes', () => {
    const bytes = section(1, 0x80, 0x02, ...new Array<number>(256).fill(65))
    for (const step of [1, 9, 10, 11]) expect(check('symbols', bytes, { step })).toBe(1)
  })

  it('of postings has names, values and offsets', () => {
    const bytes = section(2, ...entry('', '', 100), ...entry('a', '1', 0xac, 0x02))
    for (const step of [1, 3, bytes.length]) expect(check('postings-table', bytes, { step })).toBe(2)
  })

  const cases: readonly (readonly [string, SectionKind, Uint8Array, string])[] = [
    ['a count that is too small', 'symbols', section(1, 0, 0), 'it: count must be 2: current value is 1'],
    ['a count that is too large', 'symbols', section(3, 0, 0), 'it: count must be 2: current value is 3'],
    ['the largest count', 'symbols', section(0xffffffff), 'it: count must be 0: current value is 4294967295'],
    [
      'a string past the end',
      'symbols',
      section(1, 3, 65),
      'it: symbol 0: string length must be <= 1: current value is 3',
    ],
    [
      'a number that is cut',
      'symbols',
      section(1, 0x80),
      'it: symbol 0: its bytes must be all there: current value is cut',
    ],
    [
      'an entry that is cut',
      'postings-table',
      section(1, 2, ...text('a')),
      'it: entry 0: its bytes must be all there: current value is cut',
    ],
    [
      'a number beyond 2^53',
      'symbols',
      section(2, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1),
      'it: symbol 1: uvarint must be a safe integer: current value is larger',
    ],
    [
      'three strings in an entry',
      'postings-table',
      section(1, 3, ...text('a'), ...text('b'), 100),
      'it: entry 0: number of strings must be 2: current value is 3',
    ],
    [
      'an offset before the lists',
      'postings-table',
      section(1, ...entry('', '', 99)),
      'it: entry 0: offset must be 100 to 300: current value is 99',
    ],
    [
      'an offset behind the lists',
      'postings-table',
      section(2, ...entry('', '', 100), ...entry('a', '', 0xad, 0x02)),
      'it: entry 1: offset must be 100 to 300: current value is 301',
    ],
  ]

  it.each(cases)('with %s is refused', (_, kind, bytes, message) => {
    for (const step of [1, bytes.length]) {
      expect(() => check(kind, bytes, { step })).toThrow(`corrupt-block: ${message}`)
    }
  })

  it('whose length leads outside is refused before its bytes come', () => {
    const checked = new SectionCheck('symbols', { what: 'it', size: 20 })
    expect(() => checked.update(Uint8Array.of(0, 0, 0, 13))).toThrow('it: length must be 4 to 12: current value is 13')
    const small = new SectionCheck('symbols', { what: 'it', size: 20 })
    expect(() => small.update(Uint8Array.of(0, 0, 0, 3))).toThrow('it: length must be 4 to 12: current value is 3')
    expect(() => new SectionCheck('symbols', { what: 'it', size: 11 })).toThrow('it: size must be >= 12')
  })

  it('that ends too soon or too late is refused', () => {
    const bytes = section(1, ...text('a'))
    expect(() => check('symbols', bytes.subarray(0, -1), { size: bytes.length })).toThrow(
      'it: size must be 14: current value is 13',
    )
    const more = Uint8Array.of(...bytes, 0, 0)
    expect(check('symbols', more)).toBe(1)
    expect(() => check('symbols', more, { size: more.length - 1 })).toThrow(
      'it: size must be 15: current value is more',
    )
  })
})
