/** Protobuf by hand, for the few messages of remote read: a writer that lays out each message once. */
import type { FloatSamples } from '../../tsdb/samples.ts'
import { putInt, putUint, uintSize } from './varint.ts'

const encoder = new TextEncoder()

/** Tag and size, the value with its tag, the time with its. */
const MAX_SAMPLE_BYTES = 2 + 9 + 11

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
