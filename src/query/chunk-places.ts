/** Where the chunks of one series are, in columns that are filled again for each series: a query has a million chunks. */
import type { BlockChunk } from './block-series.ts'

/** Of the columns, at first. */
const START_CHUNKS = 64

export class ChunkPlaces {
  length = 0
  /** Of each chunk first and last time, both inclusive, ms. */
  times: Float64Array = new Float64Array(2 * START_CHUNKS)
  /** Of each chunk its encoding, and where its data begin and end in its view. */
  places: Int32Array = new Int32Array(3 * START_CHUNKS)
  /** Of each chunk the bytes that it is in. */
  readonly views: DataView[] = []

  /** Nothing of what was read stays in memory by this. */
  clear(): void {
    this.length = 0
    this.views.length = 0
  }

  add(from: number, to: number, view: DataView, encoding: number, start: number, end: number): void {
    const i = this.length++
    if (2 * i === this.times.length) this.#grow()
    this.times[2 * i] = from
    this.times[2 * i + 1] = to
    this.places[3 * i] = encoding
    this.places[3 * i + 1] = start
    this.places[3 * i + 2] = end
    this.views.push(view)
  }

  addChunk({ from, to, chunk: { view, encoding, start, end } }: BlockChunk): void {
    this.add(from, to, view, encoding, start, end)
  }

  #grow(): void {
    const { times, places } = this
    this.times = new Float64Array(2 * times.length)
    this.times.set(times)
    this.places = new Int32Array(2 * places.length)
    this.places.set(places)
  }
}
