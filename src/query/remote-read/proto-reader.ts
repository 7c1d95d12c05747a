/** Protobuf by hand, for the few messages of remote read: a reader of untrusted bytes. */
import { BlockgateError, ErrorCode } from '../../contracts/errors.ts'

const decoder = new TextDecoder('utf-8', { fatal: true })

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
