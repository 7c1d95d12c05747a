/** References within a section of an index: one bit for each place where something may begin. */

export class RefSet {
  /** The offset in the index that reference 0 would be at, and the bytes from one place to the next. */
  readonly #from: number
  readonly #step: number
  readonly #places: number
  readonly #bits: Uint32Array
  size = 0

  /** Of what begins at multiples of `step` from `from` to before `to`, all of them offsets in the index. */
  constructor(from: number, to: number, step: number) {
    this.#step = step
    this.#from = Math.ceil(from / step) * step
    this.#places = Math.max(0, Math.ceil((to - this.#from) / step))
    this.#bits = new Uint32Array(Math.ceil(this.#places / 32))
  }

  /** @returns whether it may begin there */
  add(offset: number): boolean {
    const place = this.#place(offset)
    if (place === undefined) return false
    if (!this.has(offset)) this.size++
    this.#bits[place >>> 5] = (this.#bits[place >>> 5] as number) | (1 << (place & 31))
    return true
  }

  has(offset: number): boolean {
    const place = this.#place(offset)
    return place !== undefined && ((this.#bits[place >>> 5] as number) & (1 << (place & 31))) !== 0
  }

  /** The offsets, ascending. */
  *[Symbol.iterator](): Generator<number, void, undefined> {
    for (let word = 0; word < this.#bits.length; word++) {
      for (let bits = this.#bits[word] as number; bits !== 0; bits &= bits - 1) {
        yield this.#from + (word * 32 + 31 - Math.clz32(bits & -bits)) * this.#step
      }
    }
  }

  #place(offset: number): number | undefined {
    const place = (offset - this.#from) / this.#step
    return place >= 0 && place < this.#places && Number.isInteger(place) ? place : undefined
  }
}
