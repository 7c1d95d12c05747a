/** The texts of an index's symbols. */
import type { IndexLookup } from '../tsdb/index-lookup.ts'
import type { SeriesRow } from '../tsdb/series.ts'
import type { Label } from './labels.ts'

/** The texts of symbols, each made once; and a label that the series before has, too, is that same object. */
export class Symbols {
  #lookup: IndexLookup | undefined
  readonly #texts = new Map<number, string>()
  #before: readonly Label[] = []
  #refsBefore = new Uint32Array(64)

  constructor(lookup: IndexLookup) {
    this.#lookup = lookup
  }

  labels({ labels: refs, labelCount }: SeriesRow): readonly Label[] {
    if (labelCount > this.#refsBefore.length) this.#refsBefore = new Uint32Array(2 * labelCount)
    const before = this.#before
    const refsBefore = this.#refsBefore
    const labels: Label[] = []
    for (let i = 0; i < labelCount; i += 2) {
      const name = refs[i] as number
      const value = refs[i + 1] as number
      const known = refsBefore[i] === name && refsBefore[i + 1] === value ? before[i / 2] : undefined
      labels.push(known ?? [this.#text(name), this.#text(value)])
      refsBefore[i] = name
      refsBefore[i + 1] = value
    }
    this.#before = labels
    return labels
  }

  /** From now on only texts are asked for that were asked for before. */
  forgetHeader(): void {
    this.#lookup = undefined
  }

  #text(ref: number): string {
    const known = this.#texts.get(ref)
    if (known !== undefined) return known
    const text = (this.#lookup as IndexLookup).symbol(ref)
    this.#texts.set(ref, text)
    return text
  }
}
