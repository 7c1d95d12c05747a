/** One column of the catalogue: whole numbers of one to eight bytes, and runs of bytes. What is read is not trusted. */
import { BlockgateError } from 'blockgate'

export const CORRUPT = 'catalogue-corrupt'

/** A number in a column is at most this. */
const MOST = Number.MAX_SAFE_INTEGER

export class ColumnWriter {
  #bytes = new Uint8Array(256)
  #length = 0

  /** `n`: an integer from 0 to 2^53 − 1, seven bits a byte, the lowest first. */
  count(n: number): void {
    this.#room(8)
    let rest = n
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#bytes[this.#length++] = (rest % 128) + 128
    this.#bytes[this.#length++] = rest
  }

  /** `n`: an integer from −2^52 to 2^52 − 1; those near 0 are short. */
  signed(n: number): void {
    this.count(n < 0 ? -2 * n - 1 : 2 * n)
  }

  /** `undefined` is 0. `n`: as in signed(), but for its last. */
  optional(n: number | undefined): void {
    this.count(n === undefined ? 0 : n < 0 ? -2 * n : 2 * n + 1)
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  text(text: string): void {
    const bytes = new TextEncoder().encode(text)
    this.count(bytes.length)
    this.raw(bytes)
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  #room(bytes: number): void {
    const wanted = this.#length + bytes
    if (wanted <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(wanted, 2 * this.#bytes.length))
    larger.set(this.bytes)
    this.#bytes = larger
  }
}

/** Every read throws `catalogue-corrupt` where the column ends before. */
export class ColumnReader {
  readonly #name: string
  readonly #bytes: Uint8Array
  #at = 0

  constructor(name: string, bytes: Uint8Array) {
    this.#name = name
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  count(): number {
    let value = 0
    for (let factor = 1; factor <= 2 ** 49; factor *= 128) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) break
      value += (byte & 127) * factor
      if (byte < 128 && value <= MOST) return value
    }
    throw this.#short()
  }

  signed(): number {
    const n = this.count()
    return n % 2 === 0 ? n / 2 : -(n + 1) / 2
  }

  optional(): number | undefined {
    const n = this.count()
    return n === 0 ? undefined : n % 2 === 0 ? -n / 2 : (n - 1) / 2
  }

  /** A view, not a copy. */
  raw(length: number): Uint8Array {
    if (length > this.left) throw this.#short()
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  text(): string {
    return new TextDecoder().decode(this.raw(this.count()))
  }

  #short(): BlockgateError {
    return corrupt(`column ${this.#name} must have a value for each block: it ends, or has a number that is too large`)
  }
}

export function corrupt(message: string, cause?: unknown): BlockgateError {
  return new BlockgateError(CORRUPT, message, { at: 'catalogue', ...(cause !== undefined && { cause }) })
}
