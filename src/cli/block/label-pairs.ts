/** The label pairs of a block, from the postings offset table of its index, and how many series have each. */
import { corrupt } from '../../tsdb/binary.ts'
import { INDEX_TOC_BYTES, type IndexToc } from '../../tsdb/index-toc.ts'
import type { Parts } from './parts.ts'
import { Section } from './section.ts'
import { Top } from './top.ts'

export interface LabelReport {
  readonly series: number
  /** Label names. */
  readonly names: number
  /** Label pairs that differ. */
  readonly pairs: number
  /** Label pairs of all series together. */
  readonly entries: number
  /** The labels with the most values. */
  readonly topLabels: readonly { readonly name: string; readonly values: number; readonly series: number }[]
  /** The metric names with the most series. */
  readonly topMetrics: readonly { readonly name: string; readonly series: number }[]
  /** The label pairs that the most series have. */
  readonly topPairs: readonly { readonly name: string; readonly value: string; readonly series: number }[]
}

/** An entry of the table; the views are good until the visit ends. */
export interface PairEntry {
  readonly name: Uint8Array
  readonly value: Uint8Array
  /** Where its postings list begins in the index. */
  readonly offset: number
}

const SHOWN = 10
/** What stands before the references of a list: its length and their number. */
const LIST_START = 8

const decoder = new TextDecoder()

/** @throws BlockgateError `corrupt-block` that says where */
export async function labelReport(index: Parts, lists: Parts, toc: IndexToc): Promise<LabelReport> {
  const labels = new Top<LabelReport['topLabels'][number]>(SHOWN)
  const metrics = new Top<LabelReport['topMetrics'][number]>(SHOWN)
  const pairs = new Top<LabelReport['topPairs'][number]>(SHOWN)
  const names = new Map<string, { values: number; series: number }>()
  const total = { series: 0, pairs: 0, entries: 0 }
  let of: { readonly bytes: Uint8Array; readonly name: string; values: number; series: number } | undefined
  await eachPair(index, toc, async ({ name, value, offset }) => {
    const [bytes, text] = of && same(of.bytes, name) ? [of.bytes, of.name] : [name.slice(), decoder.decode(name)]
    // The value's bytes are good until the next wait.
    const shown = decoder.decode(value)
    const series = await listCount(lists, offset, toc)
    if (text === '') {
      total.series = series
      return
    }
    total.pairs++
    total.entries += series
    pairs.offer(series, () => ({ name: text, value: shown, series }))
    if (text === '__name__') metrics.offer(series, () => ({ name: shown, series }))
    if (of?.bytes !== bytes) {
      // In version 1 the pairs of a name may stand apart.
      const known = names.get(text) ?? { values: 0, series: 0 }
      names.set(text, known)
      of = Object.assign(known, { bytes, name: text })
    }
    of.values++
    of.series += series
  })
  for (const [name, { values, series }] of names) labels.offer(values, () => ({ name, values, series }))
  return {
    ...total,
    names: names.size,
    topLabels: labels.done(),
    topMetrics: metrics.done(),
    topPairs: pairs.done(),
  }
}

/** Goes over the table, and checks what it says of itself. @throws BlockgateError `corrupt-block`, or what `visit` throws */
export async function eachPair(
  index: Parts,
  toc: IndexToc,
  visit: (entry: PairEntry) => Promise<void> | undefined,
): Promise<void> {
  const what = `index: postings offset table at ${toc.postingsTable}`
  const table = await Section.open(index, what, toc.postingsTable, index.size - INDEX_TOC_BYTES)
  await table.need(4)
  const count = table.be32()
  for (let i = 0; i < count; i++) {
    await table.needNumbers(1)
    const texts = table.uvarint()
    if (texts !== 2) throw corrupt(`${what}: entry ${i}: number of strings`, 'be 2', texts)
    const name = (await table.text()).slice()
    const value = (await table.text()).slice()
    await table.needNumbers(1)
    const offset = table.uvarint()
    const [min, max] = [toc.series, toc.postingsTable - LIST_START - 4]
    if (offset < min || offset > max) throw corrupt(`${what}: entry ${i}: offset`, `be ${min} to ${max}`, offset)
    const done = visit({ name, value, offset })
    if (done) await done
  }
  if (table.left > 0) throw corrupt(`${what}: bytes behind its entries`, 'be 0', table.left)
}

async function listCount(lists: Parts, offset: number, toc: IndexToc): Promise<number> {
  const bytes = lists.peek(offset, LIST_START) ?? (await lists.load(offset, LIST_START))
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const [length, count] = [view.getUint32(0), view.getUint32(4)]
  const most = (toc.postingsTable - offset - LIST_START - 4) / 4
  if (length !== 4 + 4 * count || count > most)
    throw corrupt(`index: postings at ${offset}: count`, `be ${(length - 4) / 4}`, count)
  return count
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
