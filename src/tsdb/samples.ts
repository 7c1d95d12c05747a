/** Decoded samples in columns: no object a sample, and the bits of each value as they were stored. */

/** The bits of the NaN that marks a series as stale. */
export const STALE_HIGH = 0x7ff00000
export const STALE_LOW = 2

/** Columns of floats, that grow. Values are written by their two halves: a NaN keeps its payload only so. */
export class FloatSamples {
  length = 0
  /** Milliseconds since the epoch. */
  times: Float64Array = new Float64Array(0)
  values: Float64Array = new Float64Array(0)
  /** Of value i the low half at 2i, the high half at 2i + 1. */
  halves: Uint32Array = new Uint32Array(0)

  /** Makes room for `more` samples behind those that are there. */
  reserve(more: number): void {
    const needed = this.length + more
    if (needed <= this.times.length) return
    const size = Math.max(needed, 2 * this.times.length)
    const { times, values } = this
    this.times = new Float64Array(size)
    this.times.set(times)
    this.values = new Float64Array(size)
    this.halves = new Uint32Array(this.values.buffer)
    this.halves.set(new Uint32Array(values.buffer))
  }

  /** Whether sample `i` marks the series as stale. */
  isStale(i: number): boolean {
    return this.halves[2 * i] === STALE_LOW && this.halves[2 * i + 1] === STALE_HIGH
  }
}
