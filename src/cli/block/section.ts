/** A section of an index, `be32 length | body | be32 CRC-32C`, read from its begin to its end without holding it whole. */
import { assertCrc, corrupt } from '../../tsdb/binary.ts'
import { Crc32c } from '../../tsdb/crc32c.ts'
import type { Parts } from './parts.ts'

const FRAME_BYTES = 8
/** A uvarint of a safe integer takes no more. */
const UVARINT_BYTES = 8
/** No label that anything writes is longer: more is not put into memory. */
const MAX_TEXT_BYTES = 16 * 1024 * 1024

export class Section {
  readonly #parts: Parts
  readonly #what: string
  readonly #crc = new Crc32c()
  /** Where the body ends in the file. */
  readonly end: number
  /** Where the next byte stands in the file. */
  #at: number
  #view: Uint8Array = new Uint8Array(0)
  #viewAt = 0

  private constructor(parts: Parts, what: string, at: number, end: number) {
    this.#parts = parts
    this.#what = what
    this.#at = at
    this.end = end
  }

  /**
   * @param limit where it must have ended, in the file
   * @throws BlockgateError `corrupt-block` where its length cannot be
   */
  static async open(parts: Parts, what: string, offset: number, limit: number): Promise<Section> {
    const room = limit - offset - FRAME_BYTES
    if (room < 0) throw corrupt(what, `have ${FRAME_BYTES} bytes before ${limit}`, limit - offset)
    const [a = 0, b = 0, c = 0, d = 0] = parts.peek(offset, 4) ?? (await parts.load(offset, 4))
    const length = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
    if (length > room) throw corrupt(`${what}: length`, `be <= ${room}`, length)
    return new Section(parts, what, offset + 4, offset + 4 + length)
  }

  get left(): number {
    return this.end - this.#at
  }

  get at(): number {
    return this.#at
  }

  /** Makes sure that `bytes` bytes, or what is left of the body, can be read without waiting. */
  need(bytes: number): Promise<void> | undefined {
    const least = Math.min(bytes, this.left)
    return this.#viewAt + least <= this.#view.length ? undefined : this.#fill(least)
  }

  /** Makes sure that an entry of numbers alone can be read. */
  needNumbers(count: number): Promise<void> | undefined {
    return this.need(count * UVARINT_BYTES)
  }

  be32(): number {
    const bytes = this.bytes(4)
    return (
      (((bytes[0] as number) << 24) |
        ((bytes[1] as number) << 16) |
        ((bytes[2] as number) << 8) |
        (bytes[3] as number)) >>>
      0
    )
  }

  uvarint(): number {
    let value = 0
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      const byte = this.#at < this.end ? this.#view[this.#viewAt] : undefined
      if (byte === undefined) throw corrupt(`${this.#what}: number at ${this.#at}`, 'be there', 'cut')
      this.#viewAt++
      this.#at++
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
    throw corrupt(`${this.#what}: number at ${this.#at}`, 'be a safe integer', 'larger')
  }

  /** A view that is good until the next wait. */
  bytes(length: number): Uint8Array {
    if (length > this.left || this.#viewAt + length > this.#view.length)
      throw corrupt(`${this.#what}: bytes at ${this.#at}`, `be <= ${this.left}`, length)
    const found = this.#view.subarray(this.#viewAt, this.#viewAt + length)
    this.#viewAt += length
    this.#at += length
    return found
  }

  /** A uvarint and as many bytes. */
  async text(): Promise<Uint8Array> {
    await this.needNumbers(1)
    const length = this.uvarint()
    const most = Math.min(this.left, MAX_TEXT_BYTES)
    if (length > most) throw corrupt(`${this.#what}: length of the text at ${this.#at}`, `be <= ${most}`, length)
    await this.need(length)
    return this.bytes(length)
  }

  /** Reads what is left, and the checksum. @throws BlockgateError `corrupt-block` where it is another one */
  async checkCrc(): Promise<void> {
    while (this.left > 0) {
      await this.need(1)
      this.bytes(Math.min(this.left, this.#view.length - this.#viewAt))
    }
    const [a = 0, b = 0, c = 0, d = 0] = await this.#parts.load(this.end, 4)
    assertCrc(this.#what, ((a << 24) | (b << 16) | (c << 8) | d) >>> 0, this.#crc.digest())
  }

  async #fill(least: number): Promise<void> {
    // The bytes that were in the view before are in the checksum already.
    const known = this.#view.length - this.#viewAt
    const bytes = this.#parts.peek(this.#at, least) ?? (await this.#parts.load(this.#at, least))
    this.#view = bytes.subarray(0, this.left)
    this.#viewAt = 0
    this.#crc.update(this.#view.subarray(known))
  }
}
