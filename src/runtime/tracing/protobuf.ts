/**
 * Writes protobuf messages into one buffer: https://protobuf.dev/programming-guides/encoding/. A message inside another is written before
 * its length is known: so many bytes are left for it as it is likely to take, and where it takes more or fewer the message moves.
 */

const ENCODER = new TextEncoder()

export class ProtobufWriter {
  #bytes: Uint8Array<ArrayBuffer>
  #at = 0

  constructor(size: number) {
    this.#bytes = new Uint8Array(size)
  }

  get length(): number {
    return this.#at
  }

  /** What was written, and no copy of it: nothing may be written from now on. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#at)
  }

  /** Bytes 0 to 7 of the wire are two words, low before high. */
  fixed64(field: number, low: number, high: number): void {
    this.#reserve(20)
    this.#varint(field * 8 + 1)
    this.#word(low)
    this.#word(high)
  }

  fixed32(field: number, value: number): void {
    this.#reserve(20)
    this.#varint(field * 8 + 5)
    this.#word(value)
  }

  double(field: number, value: number): void {
    const [low = 0, high = 0] = new Uint32Array(Float64Array.of(value).buffer)
    this.fixed64(field, low, high)
  }

  uint(field: number, value: number): void {
    this.#reserve(20)
    this.#varint(field * 8)
    this.#varint(value)
  }

  /** A whole number that may be negative: as 64 bits of two's complement. */
  int(field: number, value: number): void {
    this.#reserve(20)
    this.#varint(field * 8)
    if (value >= 0) this.#varint(value)
    else this.#negative(value)
  }

  /** Words of an id, each as four bytes, the high one first. */
  id(field: number, words: readonly number[]): void {
    this.#reserve(4 * words.length + 10)
    this.#varint(field * 8 + 2)
    this.#bytes[this.#at++] = 4 * words.length
    for (let i = 0; i < words.length; i++) {
      const word = words[i] ?? 0
      this.#bytes[this.#at++] = word >>> 24
      this.#bytes[this.#at++] = word >>> 16
      this.#bytes[this.#at++] = word >>> 8
      this.#bytes[this.#at++] = word
    }
  }

  bytes(field: number, value: Uint8Array): void {
    this.#reserve(value.length + 20)
    this.#varint(field * 8 + 2)
    this.#varint(value.length)
    this.#bytes.set(value, this.#at)
    this.#at += value.length
  }

  string(field: number, text: string): void {
    const { length } = text
    this.#reserve(length + 20)
    const start = this.#at
    this.#varint(field * 8 + 2)
    this.#varint(length)
    const bytes = this.#bytes
    let at = this.#at
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code > 127) {
        this.#at = start
        this.bytes(field, ENCODER.encode(text))
        return
      }
      bytes[at++] = code
    }
    this.#at = at
  }

  /**
   * Begins a message inside this one. `left`: bytes for its length, 1 below 128 bytes and 2 below 16 KiB.
   *
   * @returns where it starts, for `close()`
   */
  open(field: number, left = 1): number {
    this.#reserve(20)
    this.#varint(field * 8 + 2)
    this.#at += left
    return this.#at
  }

  close(start: number, left = 1): void {
    const length = this.#at - start
    const size = length < 2 ** 7 ? 1 : length < 2 ** 14 ? 2 : length < 2 ** 21 ? 3 : length < 2 ** 28 ? 4 : 5
    if (size !== left) {
      this.#reserve(size)
      this.#bytes.copyWithin(start + size - left, start, this.#at)
    }
    this.#at = start - left
    this.#varint(length)
    this.#at += length
  }

  #reserve(more: number): void {
    if (this.#at + more <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#at + more))
    larger.set(this.#bytes)
    this.#bytes = larger
  }

  #varint(value: number): void {
    let rest = value
    for (; rest > 2 ** 31 - 1; rest = Math.floor(rest / 128)) this.#bytes[this.#at++] = (rest % 128) | 128
    for (; rest > 127; rest >>>= 7) this.#bytes[this.#at++] = (rest & 127) | 128
    this.#bytes[this.#at++] = rest
  }

  #negative(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value))
    for (; rest > 127n; rest >>= 7n) this.#bytes[this.#at++] = Number(rest & 127n) | 128
    this.#bytes[this.#at++] = Number(rest)
  }

  #word(value: number): void {
    this.#bytes[this.#at++] = value
    this.#bytes[this.#at++] = value >>> 8
    this.#bytes[this.#at++] = value >>> 16
    this.#bytes[this.#at++] = value >>> 24
  }
}
