/** Encoders of chunks for tests, as slow and plain as can be: BigInt, and a text of bits. */

export class BitWriter {
  #bits = ''

  put(value: bigint, count: number): this {
    this.#bits += BigInt.asUintN(count, value).toString(2).padStart(count, '0').slice(-count)
    return this
  }

  raw(bits: string): this {
    this.#bits += bits
    return this
  }

  uvarint(value: bigint): this {
    let rest = value
    for (; rest >= 128n; rest >>= 7n) this.put((rest & 127n) | 128n, 8)
    return this.put(rest, 8)
  }

  varint(value: bigint): this {
    return this.uvarint(value >= 0n ? value * 2n : -value * 2n - 1n)
  }

  varbitUint(value: bigint): this {
    if (value === 0n) return this.raw('0')
    const kind = [3, 6, 9, 12, 18, 25, 56].findIndex(bits => value < 1n << BigInt(bits))
    return this.#varbit(kind, value)
  }

  varbitInt(value: bigint): this {
    if (value === 0n) return this.raw('0')
    const fits = (bits: number) => value > -(1n << BigInt(bits - 1)) && value <= 1n << BigInt(bits - 1)
    return this.#varbit([3, 6, 9, 12, 18, 25, 56].findIndex(fits), value)
  }

  bytes(): Uint8Array {
    const bytes = new Uint8Array(Math.ceil(this.#bits.length / 8))
    for (let i = 0; i < bytes.length; i++)
      bytes[i] = Number.parseInt(this.#bits.slice(8 * i, 8 * i + 8).padEnd(8, '0'), 2)
    return bytes
  }

  #varbit(kind: number, value: bigint): this {
    if (kind === -1) return this.raw('11111111').put(value, 64)
    return this.raw(`${'1'.repeat(kind + 1)}0`).put(value, [3, 6, 9, 12, 18, 25, 56][kind] as number)
  }
}

/** A value that is XORed with the one before it. */
export class XorWriter {
  value: bigint
  #leading = -1
  #trailing = 0

  constructor(first: bigint) {
    this.value = first
  }

  /** @param codes of the same value, of the window of before, of a new one */
  write(to: BitWriter, value: bigint, [same, before, fresh]: readonly string[] = ['0', '10', '11']): void {
    const xor = value ^ this.value
    this.value = value
    if (xor === 0n) {
      to.raw(same as string)
      return
    }
    const bits = xor.toString(2).padStart(64, '0')
    const leading = Math.min(bits.indexOf('1'), 31)
    const trailing = 63 - bits.lastIndexOf('1')
    if (this.#leading !== -1 && leading >= this.#leading && trailing >= this.#trailing) {
      to.raw(before as string).raw(bits.slice(this.#leading, 64 - this.#trailing))
      return
    }
    this.#leading = leading
    this.#trailing = trailing
    const width = 64 - leading - trailing
    to.raw(fresh as string)
      .put(BigInt(leading), 5)
      .put(BigInt(width % 64), 6)
      .raw(bits.slice(leading, 64 - trailing))
  }
}

export interface FloatSample {
  readonly time: bigint
  /** The 64 bits. */
  readonly value: bigint
  /** Start timestamp, of XOR2 alone. */
  readonly start?: bigint
}

export const STALE = 0x7ff0000000000002n

const CHANGES: readonly (readonly [prefix: string, bits: number])[] = [
  ['10', 14],
  ['110', 17],
  ['1110', 20],
]

export function encodeXor(samples: readonly FloatSample[]): Uint8Array {
  const to = new BitWriter().put(BigInt(samples.length), 16)
  const [first, second] = samples
  if (!first) return to.bytes()
  to.varint(first.time).put(first.value, 64)
  const value = new XorWriter(first.value)
  let delta = second ? second.time - first.time : 0n
  for (let i = 1; i < samples.length; i++) {
    const { time, value: bits } = samples[i] as FloatSample
    const next = time - (samples[i - 1] as FloatSample).time
    if (i === 1) to.uvarint(delta)
    else {
      const change = next - delta
      const fits = CHANGES.find(([, n]) => change > -(1n << BigInt(n - 1)) && change <= 1n << BigInt(n - 1))
      if (change === 0n) to.raw('0')
      else if (fits) to.raw(fits[0]).put(change, fits[1])
      else to.raw('1111').put(change, 64)
    }
    delta = next
    value.write(to, bits)
  }
  return to.bytes()
}

/** With start timestamps where the first sample has one: `changeOn` is the sample from which on they may differ from it. */
export function encodeXor2(samples: readonly FloatSample[], changeOn = 0): Uint8Array {
  const [first, second] = samples
  const isKnown = first?.start !== undefined
  const to = new BitWriter()
    .put(BigInt(samples.length), 16)
    .put(isKnown ? 1n : 0n, 1)
    .put(BigInt(changeOn), 7)
  if (!first) return to.bytes()
  to.varint(first.time).put(first.value, 64)
  if (isKnown) to.varint(first.time - (first.start ?? 0n))
  const value = new XorWriter(first.value === STALE ? 0n : first.value)
  const writeValue = (bits: bigint) => (bits === STALE ? void to.raw('111') : value.write(to, bits, ['0', '10', '110']))
  let delta = second ? second.time - first.time : 0n
  let startDelta = 0n
  for (let i = 1; i < samples.length; i++) {
    const { time, value: bits, start = 0n } = samples[i] as FloatSample
    const before = (samples[i - 1] as FloatSample).time
    const change = time - before - delta
    delta = time - before
    const fits = (n: number) => change >= -(1n << BigInt(n - 1)) && change < 1n << BigInt(n - 1)
    if (i === 1) {
      to.uvarint(delta)
      writeValue(bits)
    } else if (change === 0n) {
      if (bits === STALE) to.raw('11111')
      else if (bits === value.value) to.raw('0')
      else {
        to.raw('10')
        value.write(to, bits, ['', '0', '1'])
      }
    } else {
      if (fits(13)) to.raw('110').put(change, 13)
      else if (fits(20)) to.raw('1110').put(change, 20)
      else to.raw('11110').put(change, 64)
      writeValue(bits)
    }
    if (changeOn > 0 && i >= changeOn) {
      const next = before - start
      to.varbitInt(i === changeOn ? next : next - startDelta)
      startDelta = next
    }
  }
  return to.bytes()
}

export interface HistogramSample {
  readonly time: bigint
  /** Integers, or the bits of floats. */
  readonly count: bigint
  readonly zeroCount: bigint
  readonly sum: bigint
  /** As stored: differences of integers, bits of floats. Ignored where the sum is the stale marker. */
  readonly buckets: readonly bigint[]
}

export interface HistogramShape {
  readonly isFloat: boolean
  readonly resetHeader: number
  readonly schema: number
  /** The byte of the threshold: 0, or an exponent. */
  readonly zeroThreshold: number
  readonly positive: readonly { readonly offset: number; readonly length: number }[]
  readonly negative: readonly { readonly offset: number; readonly length: number }[]
  /** In thousandths. */
  readonly customValues: readonly number[]
}

export function encodeHistogram(shape: HistogramShape, samples: readonly HistogramSample[]): Uint8Array {
  const to = new BitWriter().put(BigInt(samples.length), 16).put(BigInt(shape.resetHeader), 2).put(0n, 6)
  if (samples.length === 0) return to.bytes()
  to.put(BigInt(shape.zeroThreshold), 8).varbitInt(BigInt(shape.schema))
  for (const spans of [shape.positive, shape.negative]) {
    to.varbitUint(BigInt(spans.length))
    for (const { length, offset } of spans) to.varbitUint(BigInt(length)).varbitInt(BigInt(offset))
  }
  if (shape.schema === -53) {
    to.varbitUint(BigInt(shape.customValues.length))
    for (const value of shape.customValues) to.varbitUint(BigInt(value + 1))
  }
  const width = [...shape.positive, ...shape.negative].reduce((sum, { length }) => sum + length, 0)
  const value = Array.from({ length: width + 2 }, () => 0n)
  const delta = Array.from({ length: width + 2 }, () => 0n)
  const xors: XorWriter[] = []
  let sum: XorWriter | undefined
  const put = (i: number, next: bigint, isFirst: boolean, isUnsigned: boolean) => {
    if (shape.isFloat) {
      const known = xors[i]
      if (known) known.write(to, next)
      else {
        xors[i] = new XorWriter(next)
        to.put(next, 64)
      }
    } else if (isFirst) isUnsigned ? to.varbitUint(next) : to.varbitInt(next)
    else {
      const change = next - (value[i] as bigint)
      to.varbitInt(change - (delta[i] as bigint))
      delta[i] = change
    }
    value[i] = next
  }
  let time = 0n
  let timeDelta = 0n
  samples.forEach((sample, i) => {
    if (i === 0) to.varbitInt(sample.time)
    else {
      to.varbitInt(sample.time - time - timeDelta)
      timeDelta = sample.time - time
    }
    time = sample.time
    put(0, sample.count, i === 0, true)
    put(1, sample.zeroCount, i === 0, true)
    if (sum) sum.write(to, sample.sum)
    else {
      sum = new XorWriter(sample.sum)
      to.put(sample.sum, 64)
    }
    if (sample.sum !== STALE) sample.buckets.forEach((bucket, j) => void put(j + 2, bucket, i === 0, false))
  })
  return to.bytes()
}
