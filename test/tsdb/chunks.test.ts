import { BlockgateError, codeOf } from 'blockgate'
import { fakeHost } from 'blockgate/testing'
import { decodeHistogram, decodeXor, decodeXor2, FloatSamples, readAggregates, readChunk } from 'blockgate/tsdb'
import { describe, expect, it } from 'vitest'
import { crc32c } from '../../src/tsdb/crc32c.ts'
import { encodeXor as encodeAnew } from '../../src/tsdb/xor-encode.ts'
import {
  encodeHistogram,
  encodeXor,
  encodeXor2,
  type FloatSample,
  type HistogramSample,
  type HistogramShape,
  STALE,
} from '../support/chunk-encoder.ts'

const ROUNDS = 150

/** Numbers of one seed. */
function chance(seed: number) {
  const { random } = fakeHost({ seed })
  const below = (n: number) => Math.floor(random() * n)
  const pick = <T>(...list: readonly T[]): T => list[below(list.length)] as T
  return { random, below, pick }
}

const bits = (value: number): bigint => new DataView(Float64Array.of(value).buffer).getBigUint64(0, true)

/** Samples of every kind of change: steady and ragged times, equal, near, far and odd values, stale markers. */
function floats(seed: number, count: number): readonly FloatSample[] {
  const { below, pick, random } = chance(seed)
  let time = BigInt(pick(0, 1_700_000_000_000, -5_000, 4_000_000_000_000) + below(1000))
  let value = below(1000)
  let start = time - BigInt(below(100_000))
  return Array.from({ length: count }, () => {
    time += BigInt(pick(15_000, 15_000, 15_000, 15_001, 1, below(8_000), below(60_000), below(500_000), below(2 ** 40)))
    value = pick(value, value + 1, value + below(9), random() * 1e9, -random(), 0, 1 / 0, -1 / 0, below(2 ** 31))
    const odd = pick<bigint | undefined>(
      undefined,
      undefined,
      undefined,
      STALE,
      0x7ff8000000000001n,
      1n << 63n,
      (1n << 64n) - 1n,
    )
    if (below(9) === 0) start = time - BigInt(below(5_000))
    return { time, value: odd ?? bits(value), start }
  })
}

function columns({ times, halves, length }: FloatSamples, from = 0) {
  return Array.from({ length: length - from }, (_, i) => ({
    time: BigInt(times[from + i] as number),
    value: (BigInt(halves[2 * (from + i) + 1] as number) << 32n) | BigInt(halves[2 * (from + i)] as number),
  }))
}

describe('chunks of floats', () => {
  it('XOR: every sample comes back, bit for bit, behind what is there', () => {
    const into = new FloatSamples()
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const samples = floats(seed, chance(seed).below(150))
      const from = into.length
      expect(decodeXor(encodeXor(samples), into)).toBe(samples.length)
      expect(columns(into, from), `seed ${seed}`).toEqual(samples.map(({ time, value }) => ({ time, value })))
    }
  })

  it('XOR: samples that are encoded anew are the bytes that Prometheus would write', () => {
    const into = new FloatSamples()
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const samples = floats(seed, 1 + chance(seed).below(150))
      const from = into.length
      const chunk = encodeXor(samples)
      decodeXor(chunk, into)
      expect(encodeAnew(into, from, into.length), `seed ${seed}`).toEqual(chunk)
    }
  })

  it('XOR2: every sample comes back, with its start timestamp', () => {
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const { below } = chance(seed)
      const given = floats(seed, below(127))
      const changeOn = below(given.length)
      const isKnown = below(2) === 0
      const [first] = given
      // Before `changeOn` the start timestamp is the first one, or none.
      const samples = given.map((sample, i) => {
        const start = changeOn > 0 && i >= changeOn ? sample.start : isKnown ? first?.start : undefined
        return { time: sample.time, value: sample.value, ...(start !== undefined && { start }) }
      })
      const into = new FloatSamples()
      const starts: number[] = []
      expect(decodeXor2(encodeXor2(samples, changeOn), into, starts)).toBe(samples.length)
      expect(columns(into), `seed ${seed}`).toEqual(samples.map(({ time, value }) => ({ time, value })))
      expect(starts, `seed ${seed}`).toEqual(samples.map(({ start }) => Number(start ?? 0n)))
    }
  })

  it('a stale marker is one by its bits alone', () => {
    const into = new FloatSamples()
    decodeXor(encodeXor([STALE, 0x7ff8000000000001n, bits(1)].map((value, i) => ({ time: BigInt(i), value }))), into)
    expect([0, 1, 2].map(i => into.isStale(i))).toEqual([true, false, false])
    expect(into.values.slice(1, 3)).toEqual(Float64Array.of(Number.NaN, 1))
  })
})

describe('chunks of histograms', () => {
  const shapeOf = (seed: number): HistogramShape => {
    const { below, pick } = chance(seed)
    const spans = (most: number) =>
      Array.from({ length: below(most) }, () => ({ offset: below(5) - 2, length: below(6) }))
    const schema = pick(-4, 0, 3, 8, -53)
    return {
      isFloat: pick(true, false),
      resetHeader: below(4),
      schema,
      zeroThreshold: pick(0, 116, 244),
      positive: spans(4),
      negative: schema === -53 ? [] : spans(4),
      customValues: schema === -53 ? Array.from({ length: below(9) }, (_, i) => i * 1500) : [],
    }
  }
  const samplesOf = (shape: HistogramShape, seed: number): readonly HistogramSample[] => {
    const { below, pick } = chance(seed)
    const width = [...shape.positive, ...shape.negative].reduce((sum, { length }) => sum + length, 0)
    let time = 1_700_000_000_000n
    const number = (signed: boolean) => {
      const n = pick(0, below(9), below(300), below(100_000), below(2 ** 40))
      return shape.isFloat ? bits(n / 7) : BigInt(signed && below(2) === 0 ? -n : n)
    }
    return Array.from({ length: below(60) }, (_, i) => {
      time += BigInt(pick(15_000, 15_000, 15_001, below(100_000)))
      const sum = i > 0 && below(10) === 0 ? STALE : bits(below(1000) / 3)
      const buckets = Array.from({ length: width }, () => number(true))
      return { time, count: number(false), zeroCount: number(false), sum, buckets }
    })
  }

  it('every histogram comes back, with its layout', () => {
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const shape = shapeOf(seed)
      const samples = samplesOf(shape, seed)
      const got = decodeHistogram(encodeHistogram(shape, samples), { isFloat: shape.isFloat, hasStarts: false })
      const { isFloat, resetHeader, schema, positive, negative } = shape
      const zeroThreshold = shape.zeroThreshold === 0 ? 0 : 2 ** (shape.zeroThreshold - 244)
      const customValues = shape.customValues.map(value => value / 1000)
      if (samples.length > 0)
        expect(got.layout).toEqual({ isFloat, resetHeader, schema, zeroThreshold, positive, negative, customValues })
      const asNumber = (value: bigint) =>
        isFloat ? Float64Array.from(new Float64Array(BigUint64Array.of(value).buffer))[0] : Number(value)
      samples.forEach((sample, i) => {
        const where = `seed ${seed}, sample ${i}`
        expect([got.times[i], got.counts[i], got.zeroCounts[i]], where).toEqual([
          Number(sample.time),
          asNumber(sample.count),
          asNumber(sample.zeroCount),
        ])
        expect(new BigUint64Array(got.sums.buffer)[i], where).toBe(sample.sum)
        const row = got.rows[i] as number
        if (sample.sum === STALE) expect(row, where).toBe(-1)
        else
          expect([...got.buckets.subarray(row * got.width, (row + 1) * got.width)], where).toEqual(
            sample.buckets.map(asNumber),
          )
      })
    }
  })

  it('a bucket of which all 64 bits change, and one wide window after a narrow one', () => {
    const shape = {
      ...shapeOf(1),
      isFloat: true,
      schema: 0,
      positive: [{ offset: 0, length: 2 }],
      negative: [],
      customValues: [],
    }
    const buckets = [0n, (1n << 64n) - 1n, 1n, 1n << 63n, bits(1), bits(-1.1)]
    const samples = buckets.map((bucket, i) => {
      const time = BigInt(1000 * i)
      return { time, count: bits(1), zeroCount: bits(0), sum: bits(1), buckets: [bucket, bits(3)] }
    })
    const got = decodeHistogram(encodeHistogram(shape, samples), { isFloat: true, hasStarts: false })
    const all = new BigUint64Array(got.buckets.buffer)
    expect(buckets.map((_, i) => all[2 * i])).toEqual(buckets)
  })

  it('one that is cut among thousands of buckets is corrupt', () => {
    for (const isFloat of [false, true]) {
      const shape = {
        ...shapeOf(1),
        isFloat,
        schema: 0,
        positive: [{ offset: 0, length: 5000 }],
        negative: [],
        customValues: [],
      }
      const sample = (time: bigint, value: bigint) => {
        const count = isFloat ? bits(1) : 1n
        return {
          time,
          count,
          zeroCount: count,
          sum: bits(1),
          buckets: new Array(5000).fill(isFloat ? bits(Number(value)) : value),
        }
      }
      const data = encodeHistogram(shape, [sample(1n, 1n), sample(2n, 70_000n)])
      const read = (cut: Uint8Array) => decodeHistogram(cut, { isFloat, hasStarts: false })
      expect(read(data).length).toBe(2)
      for (const length of [data.length - 5000, data.length >> 1, 1000])
        expect(() => read(data.slice(0, length))).toThrow('corrupt-block')
    }
  })

  it('with start timestamps: the two bits for resets stand before the count', () => {
    const shape = {
      ...shapeOf(1),
      isFloat: false,
      resetHeader: 2,
      schema: 0,
      positive: [{ offset: 0, length: 1 }],
      negative: [],
      customValues: [],
    }
    const plain = encodeHistogram(shape, [{ time: 5n, count: 1n, zeroCount: 0n, sum: bits(1), buckets: [1n] }])
    plain[0] = 0x80 | (plain[0] as number)
    plain[2] = 0
    const got = decodeHistogram(plain, { isFloat: false, hasStarts: true })
    expect([got.layout.resetHeader, got.length, ...got.starts]).toEqual([2, 1, 0])
  })
})

describe('bytes that are not what they should be', () => {
  const whole = [
    ...[1, 2, 3].map(seed => ({
      bytes: encodeXor(floats(seed, 60)),
      read: (b: Uint8Array) => decodeXor(b, new FloatSamples()),
    })),
    ...[1, 2, 3].map(seed => ({
      bytes: encodeXor2(floats(seed, 60), 4),
      read: (b: Uint8Array) => decodeXor2(b, new FloatSamples()),
    })),
    ...[true, false].map(isFloat => {
      const shape = {
        isFloat,
        resetHeader: 0,
        schema: 0,
        zeroThreshold: 116,
        positive: [{ offset: 1, length: 9 }],
        negative: [{ offset: 0, length: 2 }],
        customValues: [],
      }
      const sample = (i: number) => ({
        time: BigInt(i * 15_000),
        count: bits(i),
        zeroCount: 0n,
        sum: bits(i),
        buckets: Array(11).fill(BigInt(i)),
      })
      const samples = Array.from({ length: 40 }, (_, i) => ({ ...sample(i), ...(!isFloat && { count: BigInt(i) }) }))
      return {
        bytes: encodeHistogram(shape, samples),
        read: (b: Uint8Array) => decodeHistogram(b, { isFloat, hasStarts: false }),
      }
    }),
  ]

  it.each(whole)('a chunk that is cut, changed or inflated is corrupt, or reads as something', ({ bytes, read }) => {
    const { below, pick } = chance(bytes.length)
    for (let round = 0; round < 250; round++) {
      const changed = Uint8Array.from(bytes.subarray(0, below(4) === 0 ? below(bytes.length) : bytes.length))
      for (let i = below(4); i > 0 && changed.length > 0; i--)
        changed[below(pick(4, changed.length, changed.length))] = below(256)
      try {
        read(changed)
      } catch (error) {
        expect(error).toBeInstanceOf(BlockgateError)
        expect(codeOf(error)).toBe('corrupt-block')
      }
    }
  })

  it.each(whole)('a chunk that ends early says so', ({ bytes, read }) => {
    const cut = bytes.subarray(0, bytes.length >> 1)
    expect(() => read(Uint8Array.from(cut))).toThrow(/must (end within|be <=)/)
  })

  it('a framed chunk is checked by length and CRC', () => {
    const body = Uint8Array.of(1, ...encodeXor(floats(7, 3)))
    const framed = new Uint8Array(1 + body.length + 4)
    framed[0] = body.length - 1
    framed.set(body, 1)
    new DataView(framed.buffer).setUint32(framed.length - 4, crc32c(body))
    expect(readChunk(framed, 0, 'chunks/000001')).toMatchObject({
      encoding: 1,
      size: framed.length,
      data: body.subarray(1),
    })
    const flipped = Uint8Array.from(framed, (byte, i) => (i === 5 ? byte ^ 1 : byte))
    expect(() => readChunk(flipped, 0, 'chunks/000001')).toThrow('chunks/000001: chunk at 0: CRC-32C must be')
    expect(() => readChunk(framed.subarray(0, 9), 0, 'chunks/000001')).toThrow(
      'chunks/000001: chunk at 0 must end at 9',
    )
    expect(() => readChunk(new Uint8Array(9).fill(255), 0, 'c')).toThrow('c: length of a chunk must take <= 5 bytes')
  })

  it('chunks of aggregates are split, those that are absent too', () => {
    const part = encodeXor(floats(3, 4))
    const has = [part.length, 1, ...part]
    const { count, sum, min, max, counter } = readAggregates(Uint8Array.of(...has, 0, 0, ...has, ...has))
    expect([count?.data, sum, min, max?.data, counter?.encoding]).toEqual([part, undefined, undefined, part, 1])
    expect(() => readAggregates(Uint8Array.of(...has, 0, 0, 9, 1))).toThrow('aggregates: max must end at')
    expect(() => readAggregates(Uint8Array.of(0, 0, 0, 0, 0, 7))).toThrow(
      'aggregates: size must be 5 bytes: current value is 6',
    )
    expect(() => readAggregates(Uint8Array.of(0, 0))).toThrow('aggregates: min must be there: current value is cut')
  })
})
