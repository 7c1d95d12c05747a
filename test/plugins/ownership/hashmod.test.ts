import { md5 } from '@noble/hashes/legacy.js'
import { hashmod } from 'blockgate/plugins/ownership/static-shard'
import { fakeHost, testId } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { modulo64 } from '../../../plugins/ownership/static-shard/hashmod.ts'

const MODULI = [1, 2, 3, 7, 256, 65_537, 2 ** 31 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 52 + 1, 2 ** 53 - 1, 2 ** 53]

it('puts the ULIDs of the Thanos vectors into the same three shards', () => {
  const ids = Array.from({ length: 15 }, (_, i) => i + 1)
  const shard = (n: number) => ids.filter(i => hashmod(testId(i), 3) === n)
  expect([shard(0), shard(1), shard(2)]).toEqual([
    [2, 6, 11, 13],
    [5, 7, 10, 12, 14, 15],
    [1, 3, 4, 8, 9],
  ])
})

it('equals the BigInt arithmetic for random numbers of 64 bits and every modulus up to 2^53', () => {
  const host = fakeHost({ seed: 7 })
  const random = (limit: number) => Math.floor(host.random() * limit)
  const edges = [0, 1, 2 ** 31, 2 ** 32 - 1]
  for (let i = 0; i < 3000; i++) {
    const high = i < 16 ? (edges[i >> 2] ?? 0) : random(2 ** 32)
    const low = i < 16 ? (edges[i & 3] ?? 0) : random(2 ** 32)
    for (const modulus of [...MODULI, 1 + random(2 ** 53)]) {
      const exact = ((BigInt(high) << 32n) | BigInt(low)) % BigInt(modulus)
      expect({ high, low, modulus, rest: modulo64(high, low, modulus) }).toEqual({
        high,
        low,
        modulus,
        rest: Number(exact),
      })
    }
  }
})

it('reads the low 8 bytes of the MD5 of the UTF-8 text, big-endian', () => {
  for (const text of ['', 'a', 'eu;prod', 'Zürich', '日本;🚀']) {
    const hex = Array.from(md5(new TextEncoder().encode(text)).slice(8), b => b.toString(16).padStart(2, '0')).join('')
    expect(hashmod(text, 2 ** 53)).toBe(Number(BigInt(`0x${hex}`) % 2n ** 53n))
  }
})
