/** The index object of a block, read by ranges that never overlap and are all of one version of the object. */
import {
  BlockgateError,
  BucketError,
  type BucketReader,
  ErrorCode,
  type LinkedSignal,
  type ObjectInfo,
  type Range,
} from 'blockgate'
import { isSameEtag, isSameTime, type Places } from 'blockgate/bucket'

/** One request of a section that no early read holds. Large enough that the requests cost little, small enough to be kept. */
const PART_BYTES = 16 * 1024 * 1024
/** Parts of one block that are asked for ahead. */
const PARTS_AT_ONCE = 4

/** Bytes of the index that are in memory already. */
interface Piece {
  readonly from: number
  readonly bytes: Uint8Array
}

export interface IndexObjectOptions {
  readonly bucket: BucketReader
  /** Parts at once, of all blocks together: it bounds the memory. */
  readonly places: Places
  /** Bytes of the index, as its meta says. */
  readonly size: number
  /** Aborted with the error of a part that fails: nobody waits for the others then. */
  readonly link: LinkedSignal
}

export class IndexObject {
  readonly #key: string
  readonly #options: IndexObjectOptions
  /** By offset. */
  #pieces: readonly Piece[] = []
  /** What the first answer says of the object. */
  #first: ObjectInfo | undefined

  constructor(key: string, options: IndexObjectOptions) {
    this.#key = key
    this.#options = options
  }

  /**
   * Reads the first `head` and the last `tail` bytes side by side; the whole object by one request where it has no more.
   * @returns both, which overlap where they are one
   */
  async ends(head: number, tail: number): Promise<{ readonly head: Uint8Array; readonly tail: Uint8Array }> {
    const { size } = this.#options
    if (size <= head + tail) {
      const bytes = await this.#get({ offset: 0, length: size }, size)
      this.#pieces = [{ from: 0, bytes }]
      return { head: bytes, tail: bytes }
    }
    const reads = [this.#get({ suffix: tail }, tail), this.#get({ offset: 0, length: head }, head)] as const
    const [last, first] = await Promise.all(reads)
    this.#pieces = [
      { from: 0, bytes: first },
      { from: size - tail, bytes: last },
    ]
    return { head: first, tail: last }
  }

  /** Bytes [from, to): from memory where ends() read them, and the rest in parts, a few at once, in order. */
  async *read(from: number, to: number): AsyncGenerator<Uint8Array, void, undefined> {
    let at = from
    for (const piece of this.#pieces) {
      const end = piece.from + piece.bytes.length
      if (end <= at || piece.from >= to) continue
      yield* this.#parts(at, piece.from)
      const start = Math.max(at, piece.from)
      at = Math.min(to, end)
      yield piece.bytes.subarray(start - piece.from, at - piece.from)
    }
    yield* this.#parts(at, to)
  }

  async *#parts(from: number, to: number): AsyncGenerator<Uint8Array, void, undefined> {
    const ahead: Promise<Part>[] = []
    try {
      for (let at = from; at < to || ahead.length > 0; ) {
        if (at < to && ahead.length < PARTS_AT_ONCE) {
          const part = this.#part(at, Math.min(PART_BYTES, to - at))
          // At once, and not when its turn comes: the parts before it may take minutes.
          part.catch(error => this.#options.link.abort(error))
          ahead.push(part)
          at += PART_BYTES
        } else {
          using part = await (ahead.shift() as Promise<Part>)
          yield part.bytes
        }
      }
    } finally {
      for (const part of ahead) part.then(unused => unused[Symbol.dispose]()).catch(() => {})
    }
  }

  async #part(offset: number, length: number): Promise<Part> {
    const place = await this.#options.places.take(this.#options.link.signal)
    try {
      const bytes = await this.#get({ offset, length }, length)
      return { bytes, [Symbol.dispose]: () => place[Symbol.dispose]() }
    } catch (error) {
      place[Symbol.dispose]()
      throw error
    }
  }

  async #get(range: Range, length: number): Promise<Uint8Array> {
    const { bucket, link } = this.#options
    await using body = await bucket.get(this.#key, { range, signal: link.signal })
    if (!body) throw new BlockgateError(ErrorCode.notFound, `object "${this.#key}" is missing`)
    this.#assertSame(body.info)
    const bytes = new Uint8Array(length)
    let at = 0
    for await (const chunk of body.stream) {
      if (at + chunk.length > length) throw this.#cut(range, length, 'more')
      bytes.set(chunk, at)
      at += chunk.length
    }
    if (at < length) throw this.#cut(range, length, at)
    return bytes
  }

  #assertSame(info: ObjectInfo): void {
    const { size } = this.#options
    this.#first ??= info
    // Behind a proxy each answer may have an etag of its own: then the time of the last change decides.
    if (!isSameEtag(this.#first, info) && !isSameTime(this.#first, info)) {
      throw new BucketError(`object "${this.#key}" changed between two reads`, { retryable: true })
    }
    if (info.size === size) return
    const text = `file "index" must have ${size} bytes: current value is ${info.size}`
    throw new BlockgateError(ErrorCode.corruptBlock, text)
  }

  /** The store said the right size and sent another: a connection that broke looks like this, so another try may help. */
  #cut(range: Range, length: number, actual: number | string): BucketError {
    const what = `range ${JSON.stringify(range)} of "${this.#key}"`
    return new BucketError(`${what} must have ${length} bytes: current value is ${actual}`, { retryable: true })
  }
}

interface Part extends Disposable {
  readonly bytes: Uint8Array
}
