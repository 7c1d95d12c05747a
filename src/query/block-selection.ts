/**
 * The series that a query selects of one block. A query may have millions; so some stay decoded, and of the others the bytes of the index stay,
 * a fifth of that, and they are decoded again when their turn comes.
 */
import type { BlockSeries } from './block-series.ts'
import { compareLabels } from './labels.ts'
import type { RowReader } from './row-reader.ts'

/** In the order of their labels, those of the block among them. To be gone over once. */
export interface BlockSelection extends Iterable<BlockSeries> {
  /** Bytes that it takes, about. */
  readonly bytes: number
}

/** How many series of all blocks of a query may yet stay decoded. */
export class Room {
  left: number

  constructor(series: number) {
    this.left = series
  }
}

/** Fewer than these are some 10 MB. */
export const KEPT_SERIES = 16_384

/** What a series and a chunk take in memory until the chunk is read, about; the texts of labels not counted. */
const SERIES_BYTES = 256
const CHUNK_BYTES = 24

/** Takes the series that a query selects, in the order in which the index has them. */
export class Selecting {
  readonly #rows: RowReader
  readonly #room: Room
  #kept: BlockSeries[] | undefined = []
  #refs = new Uint32Array(64)
  #count = 0
  #chunks = 0
  #isSorted = true
  #before: BlockSeries | undefined

  constructor(rows: RowReader, room: Room) {
    this.#rows = rows
    this.#room = room
  }

  add(series: BlockSeries): void {
    // The labels of the block may bring two series of it into another order.
    if (this.#before && compareLabels(this.#before.labels, series.labels) >= 0) this.#isSorted = false
    this.#before = series
    if (this.#count === this.#refs.length) {
      const refs = this.#refs
      this.#refs = new Uint32Array(2 * refs.length)
      this.#refs.set(refs)
    }
    this.#refs[this.#count++] = series.ref
    this.#chunks += series.chunks.length / 3
    if (!this.#kept) return
    this.#kept.push(series)
    if (this.#room.left-- > 0) return
    this.#room.left += this.#kept.length
    this.#kept = undefined
  }

  done(): BlockSelection {
    const rows = this.#rows
    // All texts of these series are known by now.
    rows.forgetHeader()
    const bytes = this.#count * SERIES_BYTES + this.#chunks * CHUNK_BYTES + rows.textBytes
    const encoded = new EncodedSeries(rows, this.#refs.subarray(0, this.#count))
    // Sorted is what is decoded. And where few of those are selected that were read together, their bytes are the most.
    if (!this.#kept && this.#isSorted && encoded.bytes < bytes) return encoded
    const kept = this.#kept ?? [...encoded]
    if (!this.#isSorted) kept.sort((a, b) => compareLabels(a.labels, b.labels))
    return Object.assign(kept, { bytes })
  }
}

class EncodedSeries implements BlockSelection {
  readonly #rows: RowReader
  readonly #refs: Uint32Array

  constructor(rows: RowReader, refs: Uint32Array) {
    this.#rows = rows
    this.#refs = refs
  }

  get bytes(): number {
    return this.#rows.indexBytes + this.#rows.textBytes + this.#refs.byteLength
  }

  *[Symbol.iterator](): Generator<BlockSeries, void, undefined> {
    for (const ref of this.#refs) {
      this.#rows.read(ref)
      yield this.#rows.series()
    }
  }
}
