/** Where the chunks of one series are, in columns that are filled again for each series: a query has a million chunks. */
import type { BlockChunk } from './block-series.ts'

/** Of the columns, at first. */
const START_CHUNKS = 64

/** In the place of bytes that are not needed any more. */
const NOTHING = new DataView(new ArrayBuffer(0))

export class ChunkPlaces {
  length = 0
  /** Of each chunk first and last time, both inclusive, ms. */
  times: Float64Array = new Float64Array(2 * START_CHUNKS)
  /** Of each chunk its encoding, where its data begin and end in its view, and the state of a CRC-32C behind both, where that is known. */
  places: Int32Array = new Int32Array(4 * START_CHUNKS)
  /** Of each chunk the bytes that it is in; the array keeps its length, for one that is emptied grows anew. */
  readonly views: DataView[] = []

  /** Nothing of what was read stays in memory by this. */
  clear(): void {
    if (this.length > 0) this.views.fill(NOTHING, 0, this.length)
    this.length = 0
  }

  add(from: number, to: number, view: DataView, encoding: number, start: number, end: number, crcState = 0): void {
    const i = this.length++
    if (2 * i === this.times.length) this.#grow()
    this.times[2 * i] = from
    this.times[2 * i + 1] = to
    this.places[4 * i] = encoding
    this.places[4 * i + 1] = start
    this.places[4 * i + 2] = end
    this.places[4 * i + 3] = crcState
    this.views[i] = view
  }

  addChunk({ from, to, chunk: { view, encoding, start, end, crcState } }: BlockChunk): void {
    this.add(from, to, view, encoding, start, end, crcState)
  }

  #grow(): void {
    const { times, places } = this
    this.times = new Float64Array(2 * times.length)
    this.times.set(times)
    this.places = new Int32Array(2 * places.length)
    this.places.set(places)
  }
}
