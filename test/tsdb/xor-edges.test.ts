// Changes of a delta at the ends of what 14, 17 and 20 bits hold, encoded by the encoder that shares no code with ours.
import { decodeXor, FloatSamples } from 'blockgate/tsdb'
import { expect, it } from 'vitest'
import { encodeXor } from '../support/chunk-encoder.ts'

function decoded(times: readonly number[]): readonly number[] {
  const samples = new FloatSamples()
  decodeXor(encodeXor(times.map(time => ({ time: BigInt(time), value: 0n }))), samples)
  return [...samples.times.subarray(0, samples.length)]
}

const EDGES = [13, 16, 19].flatMap(bits => [-1, 0, 1].map(off => 2 ** bits + off)).flatMap(change => [change, -change])

it.each(EDGES)('a delta that changes by %i', change => {
  const delta = 1_000_000
  const times = [5, 5 + delta, 5 + 2 * delta + change, 5 + 3 * delta + change]
  expect(decoded(times)).toEqual(times)
})

it('a time that no double holds exactly is corrupt', () => {
  const times = [0, 2 ** 53 - 1, 2 ** 54 - 2]
  expect(() => decoded(times)).toThrow('last time must be a safe integer')
})
