/** Labels as field 1 of TimeSeries and of ChunkedSeries has them: `string name = 1, string value = 2`. */
import type { Label } from '../labels.ts'
import { copyBytes, putUint, uintSize } from './varint.ts'

const encoder = new TextEncoder()

/** Texts that are kept encoded: most series share their names and values. */
const MAX_KEPT = 10_000
const kept = new Map<string, Uint8Array>()

function encoded(text: string): Uint8Array {
  const known = kept.get(text)
  if (known) return known
  const bytes = encoder.encode(text)
  if (kept.size >= MAX_KEPT) kept.clear()
  kept.set(text, bytes)
  return bytes
}

/**
 * The labels of one series, encoded. Those that it begins with as the series before did are not encoded anew: a query reads series
 * in the order of their labels, and a reader of blocks gives the same object for a label that stays.
 */
export class LabelBytes {
  length = 0
  #bytes = new Uint8Array(1024)
  #view = new DataView(this.#bytes.buffer)
  readonly #labels: Label[] = []
  /** Where each of `#labels` ends. */
  readonly #ends: number[] = []

  set(labels: readonly Label[]): void {
    let same = 0
    while (same < labels.length && same < this.#labels.length && this.#labels[same] === labels[same]) same++
    this.length = same === 0 ? 0 : (this.#ends[same - 1] as number)
    this.#labels.length = same
    for (let i = same; i < labels.length; i++) this.#add(labels[i] as Label, i)
  }

  /** Writes them into `view`, which has room for `length` bytes. @returns where they end */
  put(view: DataView, start: number): number {
    return copyBytes(this.#view, 0, this.length, view, start)
  }

  #add(label: Label, i: number): void {
    const name = encoded(label[0])
    const value = encoded(label[1])
    const size = 2 + uintSize(name.length) + name.length + uintSize(value.length) + value.length
    this.#reserve(11 + size)
    const bytes = this.#bytes
    let at = this.length
    bytes[at++] = 10
    at = putUint(bytes, at, size)
    bytes[at++] = 10
    at = putText(bytes, at, name)
    bytes[at++] = 18
    at = putText(bytes, at, value)
    this.length = at
    this.#labels[i] = label
    this.#ends[i] = at
  }

  #reserve(more: number): void {
    if (this.length + more <= this.#bytes.length) return
    const larger = new Uint8Array(2 * (this.length + more))
    larger.set(this.#bytes)
    this.#bytes = larger
    this.#view = new DataView(larger.buffer)
  }
}

/** Short ones: a loop is faster than a call of `set`. */
function putText(bytes: Uint8Array, start: number, text: Uint8Array): number {
  let at = putUint(bytes, start, text.length)
  for (let i = 0; i < text.length; i++) bytes[at++] = text[i] as number
  return at
}
