import { describe, expect, it } from 'vitest'
import { seal, unseal } from '../../src/cache/sealed.ts'

const KEY = '01ARZ3NDEKTSV4RRFFQ69G5FAV/index:17'
const value = Uint8Array.from({ length: 50 }, (_, i) => i * 5)

describe('a sealed value', () => {
  it('comes back, also an empty one and under a long key', () => {
    expect(unseal(KEY, seal(KEY, value))).toEqual(value)
    expect(unseal(KEY, seal(KEY, new Uint8Array(0)))).toEqual(new Uint8Array(0))
    const long = 'x'.repeat(200)
    expect(unseal(long, seal(long, value))).toEqual(value)
  })

  it('is none where any bit of it is another, or any part of it is missing or too much', () => {
    const sealed = seal(KEY, value)
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const damaged = sealed.slice()
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(unseal(KEY, damaged), `bit ${bit}`).toBeUndefined()
    }
    for (let length = 0; length < sealed.length; length++) {
      expect(unseal(KEY, sealed.subarray(0, length)), `${length} bytes`).toBeUndefined()
    }
    expect(unseal(KEY, Uint8Array.of(...sealed, 0))).toBeUndefined()
  })

  it('is none for another key: one of another block, one that begins the same, one with the same bytes behind', () => {
    const sealed = seal(KEY, value)
    for (const other of [KEY.replace('V/', 'W/'), `${KEY}0`, KEY.slice(0, -1), '']) {
      expect(unseal(other, sealed), other).toBeUndefined()
    }
  })
})
