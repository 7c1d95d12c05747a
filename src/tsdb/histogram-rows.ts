/**
 * The numbers of the histograms of one chunk: count, zero count and each bucket. There are twenty or so of them a sample, most of which
 * do not change, so what is short is read here, and the rest by the reader of bits.
 */
import { corrupt } from './binary.ts'
import { type BitReader, signedWord, VARBITS } from './bits.ts'

const WHAT = 'histogram chunk'
const COUNT = `${WHAT}: count`
const BUCKET = `${WHAT}: bucket`
const CHANGE = `${WHAT}: change`
/** So many ones before a number that has at most 25 bits: all of it is within 32. */
const SHORT_ONES = 6

/** Of integer histograms: each number has a delta that changes. */
export class IntegerRows {
  /** Of the sample that was read last: count, zero count, buckets. */
  readonly values: Float64Array
  readonly #deltas: Float64Array

  /** @param width buckets */
  constructor(width: number) {
    this.values = new Float64Array(width + 2)
    this.#deltas = new Float64Array(width + 2)
  }

  counts(reader: BitReader, sample: number): void {
    if (sample > 0) this.#changes(reader, 0, 2)
    else {
      this.values[0] = reader.varbitUint(COUNT)
      this.values[1] = reader.varbitUint(COUNT)
    }
  }

  buckets(reader: BitReader, sample: number): void {
    const { values } = this
    if (sample > 0) this.#changes(reader, 2, values.length)
    for (let i = 2; sample === 0 && i < values.length; i++) {
      values[i] = reader.varbitInt(BUCKET)
      // So many buckets may be wider than what may be read past the end.
      if (reader.isPast) reader.check(`${WHAT}: buckets of sample ${sample}`)
    }
  }

  #changes(reader: BitReader, from: number, to: number): void {
    const { values } = this
    const deltas = this.#deltas
    const { view, end } = reader
    let at = reader.at
    for (let i = from; i < to; i++) {
      const bits = signedWord(view, at)
      if (bits >= 0) at += 1
      else {
        const ones = Math.clz32(~bits)
        if (ones <= SHORT_ONES) {
          const count = VARBITS[ones] as number
          const value = (bits << (ones + 1)) >>> (32 - count)
          deltas[i] = (deltas[i] as number) + (value > 1 << (count - 1) ? value - (1 << count) : value)
          at += ones + 1 + count
        } else {
          reader.at = at
          deltas[i] = (deltas[i] as number) + reader.varbitInt(CHANGE)
          at = reader.at
        }
      }
      values[i] = (values[i] as number) + (deltas[i] as number)
      // More than there is: that is told behind the sample.
      if (at > end) break
    }
    reader.at = at
  }
}

/** Of float histograms: each number is XORed with the one before it, as the values of XOR chunks are. */
export class FloatRows {
  /** As `IntegerRows.values`. */
  readonly values: Float64Array
  readonly #halves: Uint32Array
  readonly #leading: Uint8Array
  readonly #trailing: Uint8Array

  /** @param width buckets */
  constructor(width: number) {
    this.values = new Float64Array(width + 2)
    this.#halves = new Uint32Array(this.values.buffer)
    this.#leading = new Uint8Array(width + 2)
    this.#trailing = new Uint8Array(width + 2)
  }

  counts(reader: BitReader, sample: number): void {
    if (sample > 0) this.#changes(reader, 0, 2)
    else this.#first(reader, 0, 2)
  }

  buckets(reader: BitReader, sample: number): void {
    if (sample > 0) this.#changes(reader, 2, this.values.length)
    else this.#first(reader, 2, this.values.length)
  }

  #first(reader: BitReader, from: number, to: number): void {
    const halves = this.#halves
    for (let i = from; i < to && !reader.isPast; i++) {
      halves[2 * i + 1] = reader.bits(32)
      halves[2 * i] = reader.bits(32)
    }
  }

  #changes(reader: BitReader, from: number, to: number): void {
    const halves = this.#halves
    const leadings = this.#leading
    const trailings = this.#trailing
    const { view, end } = reader
    let at = reader.at
    for (let i = from; i < to && at <= end; i++) {
      const bits = signedWord(view, at)
      if (bits >= 0) {
        // Each zero is a number that did not change, and most did not.
        const same = Math.min(Math.clz32(bits), to - i)
        at += same
        i += same - 1
        continue
      }
      if (bits << 1 >= 0) at += 2
      else {
        const width = (bits >>> 19) & 63 || 64
        const leading = (bits >>> 25) & 31
        if (leading + width > 64) throw corrupt('chunk: window of a value', 'be <= 64 bits', leading + width)
        leadings[i] = leading
        trailings[i] = 64 - leading - width
        at += 13
      }
      const trailing = trailings[i] as number
      const width = 64 - (leadings[i] as number) - trailing
      const top = width > 32 ? signedWord(view, at) >>> (64 - width) : 0
      const rest = width > 32 ? signedWord(view, at + width - 32) : signedWord(view, at) >>> (32 - width)
      at += width
      if (trailing >= 32) halves[2 * i + 1] = (halves[2 * i + 1] as number) ^ (rest << (trailing - 32))
      else {
        halves[2 * i] = (halves[2 * i] as number) ^ (rest << trailing)
        const high = trailing === 0 ? top : (top << trailing) | (rest >>> (32 - trailing))
        halves[2 * i + 1] = (halves[2 * i + 1] as number) ^ high
      }
    }
    reader.at = at
  }
}
