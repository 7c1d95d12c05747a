import { MAX_PLACEMENT } from 'blockgate/members'
import { fakeHost } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { decode, encode, mostEntries } from '../../../../plugins/placement/balanced/table.ts'

const TEXT = encode(
  new Map([
    [2 ** 53 - 1, ['gw-2', 'gw-1']],
    [7, ['gw-1']],
  ]),
) as string

describe('a published placement', () => {
  it('is read as it was written, the same text for the same names', () => {
    const { random } = fakeHost({ seed: 1 })
    for (let n = 0; n < 50; n++) {
      const count = Math.floor(random() * 200)
      const named = new Map(
        Array.from({ length: count }, () => {
          const first = Math.floor(random() * 300)
          return [Math.floor(random() * 2 ** 53), [`gw-${first}`, `gw-${first + 1}`].slice(0, 1 + Math.round(random()))]
        }),
      )
      const text = encode(named) as string
      expect(decode(text)).toEqual(named)
      expect(encode(new Map([...named].reverse()))).toBe(text)
    }
    expect(decode(encode(new Map()) as string)).toEqual(new Map())
  })

  it('fits into the store with as many names as it may have, and not with one more', () => {
    for (const copies of [1, 2, 3, 16]) {
      const members = Array.from({ length: 100 }, (_, n) => `store-gateway-zone-a-${n}.store-gateway-headless`)
      const list = (n: number) => Array.from({ length: copies }, (_, i) => members[(n + i) % 100] as string)
      const named = (size: number) => new Map(Array.from({ length: size }, (_, n) => [n, list(n)]))
      const most = mostEntries(copies)
      const text = encode(named(most)) as string
      expect(text.length).toBeLessThanOrEqual(MAX_PLACEMENT)
      expect(decode(text)?.size).toBe(most)
      expect(encode(named(most + 1))).toBeUndefined()
    }
    expect(mostEntries(1)).toBe(4_096)
    const ids = Array.from({ length: 400 }, (_, n) => `${n}`.padEnd(128, 'x'))
    expect(encode(new Map(ids.map((id, n) => [n, [id]])))).toBeUndefined()
  })

  const [head, ids, body] = TEXT.split('\n') as [string, string, string]
  const bytes = (...parts: readonly number[][]) => btoa(String.fromCharCode(...parts.flat()))
  const entry = (key: number, ...places: readonly number[]) => [
    ...[0, 0, 0, 0, 0, 0, 0, key],
    ...places.flatMap(place => [place >> 8, place & 255]),
  ]
  it.each([
    ['', 'nothing'],
    ['x'.repeat(MAX_PLACEMENT + 1), 'too long a text'],
    [`balanced/2 2\n${ids}\n${body}`, 'another version'],
    [`balanced/1 0\n${ids}\n${body}`, 'no copies'],
    [`balanced/1 999\n${ids}\n`, 'too many copies'],
    [`balanced/1 1e1\n${ids}\n`, 'a number that is none'],
    [`${head}\n${ids}`, 'no body'],
    [`${TEXT}\n`, 'a line more'],
    [`${head}\ngw 1/2\n${body}`, 'an id that is none'],
    [`${head}\ngw-1\n${body}`, 'a member that is not in its list'],
    [`${head}\n${ids}\n${body.slice(0, -4)}`, 'half an entry'],
    [`${head}\n${ids}\n${body.slice(1)}`, 'no base64'],
    [`${head}\n${ids}\n${bytes(entry(1, 0, 1), entry(1, 0, 1))}`, 'a key twice'],
    [`${head}\n${ids}\n${bytes(entry(2, 0, 1), entry(1, 0, 1))}`, 'keys in another order'],
    [`${head}\n${ids}\n${bytes(entry(1, 0xffff, 0xffff))}`, 'an entry of nobody'],
    [`${head}\n${ids}\n${bytes(entry(1, 0, 0))}`, 'a member twice'],
    [`${head}\n${ids}\n${bytes([0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])}`, 'a key above 2^53'],
  ])('is not read where it is not whole: %#', (text, _) => {
    expect(decode(text)).toBeUndefined()
  })

  it('never throws, whatever was done to it', () => {
    const { random } = fakeHost({ seed: 2 })
    for (let n = 0; n < 500; n++) {
      const at = Math.floor(random() * TEXT.length)
      const char = String.fromCharCode(Math.floor(random() * 128))
      const changed = TEXT.slice(0, at) + char + TEXT.slice(at + Math.round(random()))
      const named = decode(changed)
      if (named) expect(decode(encode(named) as string)).toEqual(named)
    }
  })
})
