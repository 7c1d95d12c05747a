import { type BlockId, blockId } from 'blockgate'
import { testId } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { fmix32, seedOfText, seedOfWords, ulidWords } from '../../src/members/mix.ts'
import { blocks } from '../plugins/ownership/hash-ring/support.ts'

const BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const words = (id: BlockId) => ulidWords(id, new Uint32Array(4))

it('reads the 16 bytes of a ULID as four big-endian words', () => {
  const bits = Array.from({ length: 26 }, (_, i) => blockId(`${'0'.repeat(i)}4${'0'.repeat(25 - i)}`))
  const edges = [`7${'Z'.repeat(25)}`, '0'.repeat(26), `0${BASE32.slice(0, 25)}`, `1${BASE32.slice(7)}`]
  for (const id of [...bits, ...edges.map(blockId), ...blocks(100)]) {
    const exact = [...id].reduce((sum, char) => sum * 32n + BigInt(BASE32.indexOf(char)), 0n)
    const parts = [96n, 64n, 32n, 0n].map(shift => Number((exact >> shift) & 0xffffffffn))
    expect({ id, words: [...words(id)] }).toEqual({ id, words: parts })
  }
})

it('keeps nothing of the id before in the words that it is given', () => {
  const into = words(blockId(`7${'Z'.repeat(25)}`))
  expect([...ulidWords(testId(1), into)]).toEqual([...words(testId(1))])
})

it('mixes as the finaliser of MurmurHash3 does', () => {
  expect([0, 1, 2, 0xdeadbeef, 0xffffffff].map(n => fmix32(n) >>> 0)).toEqual([
    0x00000000, 0x514e28b7, 0x30f4c306, 0x0de5c6a9, 0x81f16f39,
  ])
})

it('gives these seeds to these names and blocks, in every version', () => {
  const hex = ({ a, b }: { a: number; b: number }) => [a, b].map(n => (n >>> 0).toString(16).padStart(8, '0')).join(' ')
  expect(['gw-1', 'gw-2', 'a'].map(id => hex(seedOfText(id)))).toMatchInlineSnapshot(`
    [
      "938c3bc0 c0fc0bc6",
      "968a5409 2e27460b",
      "a3efcc72 9a68f406",
    ]
  `)
  const ids = [testId(1), testId(2), blockId('01M82F4TV5KS1VYMEACTGJ6Y3Q')]
  expect(ids.map(id => hex(seedOfWords(words(id))))).toMatchInlineSnapshot(`
    [
      "c766a85d f86acea0",
      "7c6580aa ca5360ee",
      "4a557661 fac74a90",
    ]
  `)
})
