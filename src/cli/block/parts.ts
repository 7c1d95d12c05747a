/** A file read from its begin to its end: one part of it is in memory, and the next one is on its way. */
import { corrupt } from '../../tsdb/binary.ts'
import type { BlockFolder } from './folder.ts'

/** Bytes of a part; one that must hold a longer text or entry is longer. */
const PART_BYTES = 1024 * 1024

export class Parts {
  readonly path: string
  readonly size: number
  readonly #read: BlockFolder['read']
  readonly #onRead: (bytes: number) => void
  #bytes: Uint8Array = new Uint8Array(0)
  #start = 0
  #next: { readonly start: number; readonly bytes: Promise<Uint8Array> } | undefined

  /** @param onRead is told how many bytes were read */
  constructor(
    folder: BlockFolder,
    file: { readonly path: string; readonly size: number },
    onRead: (bytes: number) => void = () => {},
  ) {
    this.path = file.path
    this.size = file.size
    this.#read = (...range) => folder.read(...range)
    this.#onRead = onRead
  }

  /** All that is in memory from `offset` on, where that is `least` bytes or more: a view that is good until the next `load`. */
  peek(offset: number, least: number): Uint8Array | undefined {
    const from = offset - this.#start
    return from >= 0 && from + least <= this.#bytes.length ? this.#bytes.subarray(from) : undefined
  }

  /**
   * The bytes from `offset` on: at least `least`, as many as are in memory then.
   *
   * @throws BlockgateError `corrupt-block` where the file ends before, or what reading throws
   */
  async load(offset: number, least: number): Promise<Uint8Array> {
    const known = this.peek(offset, least)
    if (known) return known
    if (offset + least > this.size)
      throw corrupt(`${this.path}: bytes from ${offset}`, `be >= ${least}`, this.size - offset)
    const end = this.#start + this.#bytes.length
    const follows = this.#next && offset >= this.#start && offset <= end && this.#next.start === end
    if (follows && this.#next) {
      const kept = this.#bytes.subarray(offset - this.#start)
      const next = await this.#next.bytes
      const missing = Math.max(0, offset + least - end - next.length)
      const more = missing > 0 ? await this.#part(end + next.length, missing) : new Uint8Array(0)
      this.#bytes = new Uint8Array(kept.length + next.length + more.length)
      this.#bytes.set(kept)
      this.#bytes.set(next, kept.length)
      this.#bytes.set(more, kept.length + next.length)
    } else this.#bytes = await this.#part(offset, least)
    this.#start = offset
    this.#readAhead()
    return this.#bytes
  }

  #readAhead(): void {
    const start = this.#start + this.#bytes.length
    if (start >= this.size) {
      this.#next = undefined
      return
    }
    const bytes = this.#part(start, 1)
    // It is told where the part is asked for.
    bytes.catch(() => {})
    this.#next = { start, bytes }
  }

  async #part(offset: number, least: number): Promise<Uint8Array> {
    const length = Math.min(Math.max(least, PART_BYTES), this.size - offset)
    const bytes = await this.#read(this.path, offset, length)
    this.#onRead(length)
    return bytes
  }
}
