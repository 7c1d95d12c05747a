import { Crc32c, crc32c } from 'blockgate/tsdb'
import { describe, expect, it } from 'vitest'
import { advance, copyAdvance, overZeros } from '../../src/tsdb/crc32c.ts'

const numbers = Uint8Array.from({ length: 32 }, (_, i) => i)

describe('CRC-32C', () => {
  it.each([
    ['nothing', new Uint8Array(), 0],
    ['"123456789"', new TextEncoder().encode('123456789'), 0xe3069283],
    // The rest is RFC 3720, B.4, read as big-endian integers.
    ['32 zeros', new Uint8Array(32), 0x8a9136aa],
    ['32 ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ['0 to 31', numbers, 0x46dd794e],
    ['31 to 0', numbers.toReversed(), 0x113fdb5c],
  ])('of %s is the published one', (_, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected)
  })

  it('of a piece of a larger buffer is that of its bytes', () => {
    const larger = new Uint8Array(100).fill(7)
    larger.set(numbers, 33)
    expect(crc32c(larger.subarray(33, 65))).toBe(0x46dd794e)
  })

  it('comes out the same wherever the bytes are split', () => {
    const bytes = Uint8Array.from({ length: 61 }, (_, i) => (i * 167 + 13) & 255)
    const whole = crc32c(bytes)
    for (let a = 0; a <= bytes.length; a++) {
      for (let b = a; b <= bytes.length; b++) {
        const crc = new Crc32c().update(bytes.subarray(0, a)).update(bytes.subarray(a, b)).update(bytes.subarray(b))
        if (crc.digest() !== whole) throw new Error(`split at ${a} and ${b}`)
      }
    }
  })

  it('can be asked before the end', () => {
    const crc = new Crc32c().update(numbers.subarray(0, 10))
    expect(crc.digest()).toBe(crc32c(numbers.subarray(0, 10)))
    expect(crc.update(numbers.subarray(10)).digest()).toBe(0x46dd794e)
  })

  it('over zeros is told without reading them', () => {
    const zeros = new DataView(new ArrayBuffer(13_000))
    for (const state of [-1, 0, 1, 0x12345678, -0x7fffffff])
      for (const length of [0, 1, 7, 8, 270, 4094, 4095, 4096, 8190, 8191, 12_999])
        expect(overZeros(state, length) | 0).toBe(advance(state, zeros, 0, length) | 0)
  })

  it('of bytes that are copied is theirs, and nothing else is written, wherever they begin and however many they are', () => {
    const source = Uint8Array.from({ length: 64 }, (_, i) => (i * 89 + 5) & 255)
    const view = new DataView(source.buffer)
    for (let from = 0; from < 9; from++) {
      for (let to = from; to <= from + 40; to++) {
        const target = new Uint8Array(64).fill(170)
        const expected = Uint8Array.from(target)
        expected.set(source.subarray(from, to), 3)
        const state = copyAdvance(-5, view, from, to, new DataView(target.buffer), 3)
        expect(state).toBe(advance(-5, view, from, to))
        expect(target).toEqual(expected)
      }
    }
  })
})
