/** Protobuf by hand, for the few messages of remote read: a reader of untrusted bytes, and a writer that lays out each message once. */
import { BlockgateError, ErrorCode } from '../../contracts/errors.ts'
import type { FloatSamples } from '../../tsdb/samples.ts'

const decoder = new TextDecoder('utf-8', { fatal: true })
const encoder = new TextEncoder()

/** How many fields may still be read, of a message and all messages in it. */
export interface FieldsLeft {
  left: number
}

/** @throws BlockgateError `invalid-query` where none is left */
export function takeField(fields: FieldsLeft, what: string): void {
  if (--fields.left < 0) throw new BlockgateError(ErrorCode.invalidQuery, `${what}: there are too many fields`)
}

/** Reads the fields of one message. */
export class ProtoReader {
  readonly #bytes: Uint8Array
  readonly #what: string
  readonly #fields: FieldsLeft
  #at = 0

  constructor(bytes: Uint8Array, what: string, fields: FieldsLeft = { left: Number.POSITIVE_INFINITY }) {
    this.#bytes = bytes
    this.#what = what
    this.#fields = fields
  }

  /** The number and the type of the next field; undefined at the end. Its value must be read, or skipped, then. */
  next(): { readonly field: number; readonly type: number } | undefined {
    if (this.#at >= this.#bytes.length) return undefined
    takeField(this.#fields, this.#what)
    const tag = this.uint()
    return { field: Math.floor(tag / 8), type: tag % 8 }
  }

  /** A varint as an unsigned integer; one that a double cannot hold is refused. */
  uint(): number {
    const [high, low] = this.#halves()
    const value = high * 4_294_967_296 + low
    if (value > Number.MAX_SAFE_INTEGER) throw this.#bad('a number must be <= 2^53 - 1')
    return value
  }

  /** A varint as an int64: negative ones take ten bytes. What a double cannot hold is cut to the largest or smallest that it can. */
  int(): number {
    const [high, low] = this.#halves()
    const value = (high | 0) * 4_294_967_296 + low
    return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value))
  }

  bytes(): Uint8Array {
    const length = this.uint()
    const end = this.#at + length
    if (end > this.#bytes.length) throw this.#bad('a field must end within the message')
    const part = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return part
  }

  text(): string {
    try {
      return decoder.decode(this.bytes())
    } catch (error) {
      if (error instanceof TypeError) throw this.#bad('a text must be UTF-8')
      throw error
    }
  }

  skip(type: number): void {
    if (type === 0) this.#halves()
    else if (type === 2) this.bytes()
    else if (type === 1 || type === 5) this.#at += type === 1 ? 8 : 4
    else throw this.#bad(`the type of a field must be 0, 1, 2 or 5: current value is ${type}`)
    if (this.#at > this.#bytes.length) throw this.#bad('a field must end within the message')
  }

  #halves(): readonly [high: number, low: number] {
    let low = 0
    let high = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) throw this.#bad('a number must end within the message')
      const part = byte & 127
      if (shift < 28) low |= part << shift
      else if (shift === 28) {
        low |= part << 28
        high |= part >>> 4
      } else if (shift < 63) high |= part << (shift - 32)
      else high |= (part & 1) << 31
      if (byte < 128) return [high >>> 0, low >>> 0]
    }
    throw this.#bad('a number must take at most 10 bytes')
  }

  #bad(must: string): BlockgateError {
    return new BlockgateError(ErrorCode.invalidQuery, `${this.#what}: ${must}`)
  }
}

/** Tag and size, the value with its tag, the time with its. */
const MAX_SAMPLE_BYTES = 2 + 9 + 11

/** Bytes of a varint. */
export function uintSize(value: number): number {
  if (value < 128) return 1
  if (value < 16_384) return 2
  if (value < 2_097_152) return 3
  if (value < 268_435_456) return 4
  // Times in milliseconds take six.
  return 4 + uintSize(Math.floor(value / 268_435_456))
}

/** Bytes of an int64 as a varint. */
export function intSize(value: number): number {
  return value < 0 ? 10 : uintSize(value)
}

/** Writes a varint into `bytes`, which have room for it. @returns where it ends */
export function putUint(bytes: Uint8Array, start: number, value: number): number {
  let at = start
  let part = value
  if (value >= 268_435_456) {
    // In parts, each of which is shifted as an integer.
    const rest = Math.floor(value / 268_435_456)
    part = value - rest * 268_435_456
    bytes[at] = part | 128
    bytes[at + 1] = (part >>> 7) | 128
    bytes[at + 2] = (part >>> 14) | 128
    bytes[at + 3] = (part >>> 21) | 128
    at += 4
    part = rest
  }
  for (; part >= 128; part >>>= 7) bytes[at++] = part | 128
  bytes[at++] = part
  return at
}

/** Writes an int64, as `putUint`: the two's complement of negative ones, in ten bytes. */
export function putInt(bytes: Uint8Array, start: number, value: number): number {
  if (value >= 0) return putUint(bytes, start, value)
  let at = start
  let low = value >>> 0
  let high = Math.floor(value / 4_294_967_296) >>> 0
  for (let i = 0; i < 9; i++) {
    bytes[at++] = (low & 127) | 128
    low = ((low >>> 7) | (high << 25)) >>> 0
    high >>>= 7
  }
  bytes[at++] = 1
  return at
}

/** Copies [from, to) of `source` to `at`, for what is short: a call of `set` takes longer. @returns where it ends */
export function copyBytes(source: DataView, from: number, to: number, target: DataView, at: number): number {
  const end = at + to - from
  let [read, write] = [from, at]
  // In the byte order of most processors, which swaps nothing.
  for (; write + 16 <= end; write += 16, read += 16) {
    target.setInt32(write, source.getInt32(read, true), true)
    target.setInt32(write + 4, source.getInt32(read + 4, true), true)
    target.setInt32(write + 8, source.getInt32(read + 8, true), true)
    target.setInt32(write + 12, source.getInt32(read + 12, true), true)
  }
  for (; write < end; write++, read++) target.setUint8(write, source.getUint8(read))
  return end
}

/** A buffer that grows. Whoever writes a message into it knows the message's size. */
export class ProtoWriter {
  /** What was written, and room behind it; another one after `reserve`. */
  bytes: Uint8Array<ArrayBuffer>
  view: DataView
  length = 0

  constructor(size: number = 64 * 1024) {
    this.bytes = new Uint8Array(size)
    this.view = new DataView(this.bytes.buffer)
  }

  /** What was written; a view. */
  done(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length)
  }

  reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return
    const larger = new Uint8Array(Math.max(this.length + more, 2 * this.bytes.length))
    larger.set(this.done())
    this.bytes = larger
    this.view = new DataView(larger.buffer)
  }

  uint(value: number): void {
    this.reserve(10)
    this.length = putUint(this.bytes, this.length, value)
  }

  /** An int64: the two's complement of negative ones, in ten bytes. */
  int(value: number): void {
    this.reserve(10)
    this.length = putInt(this.bytes, this.length, value)
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  /** A double by its halves. */
  double(high: number, low: number): void {
    this.reserve(8)
    this.view.setUint32(this.length, low, true)
    this.view.setUint32(this.length + 4, high, true)
    this.length += 8
  }

  /**
   * Samples, each a message `{ double value = 1; int64 timestamp = 2 }` below `tag`; what is 0 is left out. By hand, for there are
   * millions of them.
   */
  samples(tag: number, { times, halves, length }: FloatSamples): void {
    this.reserve(length * MAX_SAMPLE_BYTES)
    const bytes = this.bytes
    const view = this.view
    let at = this.length
    for (let i = 0; i < length; i++) {
      const time = times[i] as number
      const low = halves[2 * i] as number
      const high = halves[2 * i + 1] as number
      const sizeAt = at + 1
      bytes[at] = tag
      at += 2
      if (low !== 0 || high !== 0) {
        bytes[at] = 9
        view.setUint32(at + 1, low, true)
        view.setUint32(at + 5, high, true)
        at += 9
      }
      if (time !== 0) {
        bytes[at++] = 16
        at = putInt(bytes, at, time)
      }
      bytes[sizeAt] = at - sizeAt - 1
    }
    this.length = at
  }

  /** Makes what was written since `start` a field: its tag and its size come before it. */
  wrap(start: number, tag: number): void {
    const size = this.length - start
    const head = uintSize(tag) + uintSize(size)
    this.reserve(head)
    this.bytes.copyWithin(start + head, start, this.length)
    putUint(this.bytes, putUint(this.bytes, start, tag), size)
    this.length += head
  }

  /** A field of bytes. `tag` is its number × 8 + 2. */
  bytesField(tag: number, bytes: Uint8Array): void {
    this.uint(tag)
    this.uint(bytes.length)
    this.raw(bytes)
  }

  textField(tag: number, text: string): void {
    this.bytesField(tag, encoder.encode(text))
  }
}

/** Of writers that were given back: those that are larger go, and so do those of a burst. */
const MAX_IDLE = 2
const MAX_IDLE_BYTES = 16 * 1024 * 1024
const idle: ProtoWriter[] = []

/** An empty writer for one answer until that gives it back: memory of many megabytes is slow to get, and slow to grow. */
export function takeWriter(size: number): ProtoWriter {
  const writer = idle.pop() ?? new ProtoWriter(size)
  writer.length = 0
  return writer
}

/** Nothing that the writer has given out may be in use any more. */
export function giveWriter(writer: ProtoWriter): void {
  if (writer.bytes.length <= MAX_IDLE_BYTES && idle.length < MAX_IDLE) idle.push(writer)
}
