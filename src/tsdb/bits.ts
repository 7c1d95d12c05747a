/**
 * Bits of a chunk, most significant first, and the integers in them. All of it is number arithmetic: a number that a double cannot
 * hold is corrupt. Format: https://github.com/prometheus/prometheus/blob/main/tsdb/docs/format/chunks.md.
 */
import { corrupt, viewOf } from './binary.ts'

/** Readers look at most this many bytes past what a sample may use, so no read of one sample is checked by itself. */
const PADDING = 64

/** The bytes as a view that may be read `PADDING` bytes past their end: a copy where there are no bytes behind them. */
export function paddedView(bytes: Uint8Array): DataView {
  const { buffer, byteOffset, length } = bytes
  if (byteOffset + length + PADDING <= buffer.byteLength) return new DataView(buffer, byteOffset, length + PADDING)
  const copy = new Uint8Array(length + PADDING)
  copy.set(bytes)
  return viewOf(copy)
}

/** The 32 bits from bit `at`, as an unsigned integer. */
export function word(view: DataView, at: number): number {
  const byte = at >>> 3
  const skip = at & 7
  return ((view.getUint32(byte) << skip) | (view.getUint8(byte + 4) >>> (8 - skip))) >>> 0
}

/** As `word`, signed: in a loop it stays an integer of 32 bits. */
export function signedWord(view: DataView, at: number): number {
  const byte = at >>> 3
  const skip = at & 7
  return (view.getInt32(byte) << skip) | (view.getUint8(byte + 4) >>> (8 - skip))
}

/** Two unsigned halves as a signed integer of 64 bits; not exact beyond 2^53. */
export function int64(high: number, low: number): number {
  return (high | 0) * 4_294_967_296 + low
}

/** Bits of a variable-length number, by the ones before it. */
export const VARBITS: readonly number[] = [0, 3, 6, 9, 12, 18, 25, 56, 64]

/** A position in the bits of one chunk, for what is not read in a hot loop. */
export class BitReader {
  readonly view: DataView
  /** The next bit. */
  at: number
  /** Bits. */
  readonly end: number

  /** @param from the first byte to read */
  constructor(bytes: Uint8Array, from: number) {
    this.view = paddedView(bytes)
    this.at = from * 8
    this.end = bytes.length * 8
  }

  /** Whether more was read than there is: then `check` throws, and before that no text is made for it. */
  get isPast(): boolean {
    return this.at > this.end
  }

  /** @throws BlockgateError `corrupt-block` where more was read than there is; to be called after each sample at least */
  check(what: string): void {
    if (this.at > this.end) throw corrupt(what, `end within ${this.end >>> 3} bytes`, 'cut')
  }

  /** An unsigned integer of 1 to 32 bits. */
  bits(count: number): number {
    const value = word(this.view, this.at) >>> (32 - count)
    this.at += count
    return value
  }

  /** An unsigned integer of 33 to 64 bits. */
  long(count: number): number {
    const high = this.bits(count - 32)
    return high * 4_294_967_296 + this.bits(32)
  }

  /** The number of ones before the next zero, which is read too; at most `most` ones, behind which no zero stands. */
  ones(most: number): number {
    const ones = Math.min(Math.clz32(~word(this.view, this.at)), most)
    this.at += ones < most ? ones + 1 : most
    return ones
  }

  /** The ordinary varint: groups of 7 bits, the low one first. @throws BlockgateError `corrupt-block` beyond 2^53 */
  uvarint(what: string): number {
    let value = 0
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      const byte = this.bits(8)
      value += (byte & 127) * scale
      if (byte < 128 && value <= Number.MAX_SAFE_INTEGER) return value
      if (byte < 128) break
    }
    throw corrupt(what, 'be a safe integer', 'larger')
  }

  /** A zigzag varint. */
  varint(what: string): number {
    const value = this.uvarint(what)
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  /** Variable-length unsigned integers of histograms. */
  varbitUint(what: string): number {
    const count = VARBITS[this.ones(8)] as number
    if (count === 0) return 0
    return safe(count > 32 ? this.long(count) : this.bits(count), what)
  }

  /** Variable-length signed integers of histograms: of `n` bits, 2^(n−1) is positive, and what is above it negative. */
  varbitInt(what: string): number {
    const count = VARBITS[this.ones(8)] as number
    if (count === 0) return 0
    if (count === 64) return safe(int64(this.bits(32), this.bits(32)), what)
    if (count <= 32) {
      const value = this.bits(count)
      return value > 2 ** (count - 1) ? value - 2 ** count : value
    }
    // The halves apart: as one unsigned number it would not be exact.
    const high = this.bits(count - 32)
    const low = this.bits(32)
    const half = 2 ** (count - 33)
    return safe((high > half || (high === half && low > 0) ? high - 2 * half : high) * 4_294_967_296 + low, what)
  }
}

function safe(value: number, what: string): number {
  if (Number.isSafeInteger(value)) return value
  throw corrupt(what, 'be a safe integer', 'larger')
}
