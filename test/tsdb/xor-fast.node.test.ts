import { readFileSync } from 'node:fs'
import { fakeHost } from 'blockgate/testing'
import { decodeXor, FloatSamples } from 'blockgate/tsdb'
import { describe, expect, it } from 'vitest'
import { wasmFile } from '../../scripts/make-wasm.mjs'
import { addXor, giveSamples, takeSamples, WasmSamples } from '../../src/tsdb/xor-fast.ts'
import { encodeXor, type FloatSample, STALE } from '../support/chunk-encoder.ts'

const opened = () => WasmSamples.open() as WasmSamples

function chance(seed: number) {
  const { random } = fakeHost({ seed })
  const below = (n: number) => Math.floor(random() * n)
  const pick = <T>(...list: readonly T[]): T => list[below(list.length)] as T
  return { random, below, pick }
}

const bits = (value: number): bigint => new DataView(Float64Array.of(value).buffer).getBigUint64(0, true)

/** Changes of time of each length, and values of each width. */
function chunk(seed: number, count: number): Uint8Array {
  const { below, pick, random } = chance(seed)
  let time = BigInt(pick(0, 1_700_000_000_000, -5_000, 2 ** 51, -(2 ** 51)) + below(9))
  let value = bits(below(1000))
  const samples: FloatSample[] = Array.from({ length: count }, () => {
    time += BigInt(pick(15_000, 15_000, 15_000, 15_001, 1, below(8_000), below(99_999), below(500_000), below(2 ** 33)))
    value = pick(
      value,
      value,
      value ^ (1n << BigInt(below(64))),
      bits(below(9)),
      bits(random() * 1e9),
      STALE,
      (1n << 64n) - 1n,
      0n,
    )
    return { time, value, start: 0n }
  })
  return encodeXor(samples)
}

/** What a decoder makes of the data behind 3 samples: the samples, or the error. */
function outcome(decode: (data: Uint8Array, into: FloatSamples) => number, data: Uint8Array, into: FloatSamples) {
  into.length = 0
  into.reserve(3)
  into.times.set([7, 8, 9])
  into.length = 3
  try {
    const count = decode(data, into)
    const { length, times, halves } = into
    return { count, length, times: times.slice(0, length), halves: halves.slice(6, 2 * length) }
  } catch (error) {
    return { error: String(error), length: into.length, times: into.times.slice(0, 3) }
  }
}

describe('XOR chunks by WebAssembly', () => {
  it('the module is what its source makes', async () => {
    const file = new URL('../../src/tsdb/xor-wasm.ts', import.meta.url)
    const source = new URL('../../src/tsdb/xor.wat', import.meta.url)
    expect(readFileSync(file, 'utf8')).toBe(await wasmFile(readFileSync(source, 'utf8')))
  })

  it('every sample is that of the plain function, bit for bit', () => {
    const fast = opened()
    for (let seed = 0; seed < 1000; seed++) {
      const data = chunk(seed, 1 + (seed % 200))
      expect(outcome(addXor, data, fast), `seed ${seed}`).toEqual(outcome(decodeXor, data, new FloatSamples()))
    }
    // These were not handed on.
    expect(fast.decode(chunk(1, 50), 50)).toBe(50)
  })

  it('damaged data is refused as by the plain function, or read as by it', () => {
    const fast = opened()
    const seen = { refused: 0, read: 0 }
    for (let seed = 0; seed < 4000; seed++) {
      const { below, pick } = chance(seed)
      let data = chunk(seed, 1 + below(40))
      for (let i = below(3); i >= 0; i--) data[pick(below(data.length), below(12) % data.length)] = below(256)
      if (below(3) === 0) data = data.slice(0, below(data.length))
      const plain = outcome(decodeXor, data, new FloatSamples())
      expect(outcome(addXor, data, fast), `seed ${seed}`).toEqual(plain)
      seen['error' in plain ? 'refused' : 'read']++
    }
    expect(seen.refused).toBeGreaterThan(1000)
    expect(seen.read).toBeGreaterThan(500)
  })

  it('any bytes are refused, or read, as by the plain function', () => {
    const fast = opened()
    let read = 0
    const { below } = chance(5)
    for (let i = 0; i < 4000; i++) {
      const data = Uint8Array.from({ length: 20 + below(60) }, () => below(256))
      data.set([0, 1 + below(9), below(128)])
      const plain = outcome(decodeXor, data, new FloatSamples())
      expect(outcome(addXor, data, fast), data.join()).toEqual(plain)
      if (!('error' in plain)) read++
    }
    expect(read).toBeGreaterThan(1000)
  })

  it('columns grow, and keep what is in them', () => {
    const [fast, plain] = [opened(), new FloatSamples()]
    for (let seed = 0; seed < 60; seed++) {
      const data = chunk(seed, 20 + 20 * seed)
      addXor(data, fast)
      decodeXor(data, plain)
    }
    expect(fast.length).toBe(plain.length)
    expect(fast.size).toBeGreaterThan(30_000)
    expect(fast.times.slice(0, fast.length)).toEqual(plain.times.slice(0, plain.length))
    expect(fast.halves.slice(0, 2 * fast.length)).toEqual(plain.halves.slice(0, 2 * plain.length))
  })

  it('a chunk that is too long for the module is read all the same, and an empty one', () => {
    const fast = opened()
    const long = chunk(1, 20_000)
    expect(long.length).toBeGreaterThan(65_504)
    expect(fast.decode(long, 20_000)).toBe(0)
    for (const data of [long, Uint8Array.of(0, 0)])
      expect(outcome(addXor, data, fast)).toEqual(outcome(decodeXor, data, new FloatSamples()))
  })

  it('columns that are given back are taken again, empty; large ones and those of a burst are not kept', () => {
    const first = takeSamples()
    addXor(chunk(1, 10), first)
    giveSamples(first)
    expect(first).toBeInstanceOf(WasmSamples)
    expect(takeSamples()).toBe(first)
    expect(first.length).toBe(0)
    first.reserve(100_000)
    giveSamples(first)
    const burst = Array.from({ length: 6 }, takeSamples)
    expect(burst).not.toContain(first)
    for (const each of burst) giveSamples(each)
    const again = Array.from({ length: 6 }, takeSamples)
    expect(again.filter(each => burst.includes(each))).toHaveLength(4)
  })
})
