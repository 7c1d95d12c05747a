/** What the index and the chunks of a block hold, and with `verify` all that can be checked of them. No more than parts are in memory. */
import * as v from 'valibot'
import { ErrorCode } from '../../contracts/errors.ts'
import { count, object, parseGo } from '../../tsdb/go-json.ts'
import { seriesEnd } from '../../tsdb/index-toc.ts'
import type { SeriesEntry } from '../../tsdb/series.ts'
import { type ChunkReport, ChunkStats } from './chunk-stats.ts'
import type { BlockFolder } from './folder.ts'
import { type LabelReport, labelReport } from './label-pairs.ts'
import { Parts } from './parts.ts'
import type { Problems } from './problems.ts'
import type { RefSet } from './ref-set.ts'
import { ChunkFiles, seriesAt, verifySegments } from './series-walk.ts'
import { verifyChunk } from './verify-chunk.ts'
import { allSeries, type IndexFile, verifyLabelIndices, verifyLists, verifySymbols } from './verify-index.ts'

export interface Contents {
  /** Undefined where the table of the label pairs cannot be read. */
  readonly labels: LabelReport | undefined
  /** Undefined where they were not read. */
  readonly chunks: ChunkReport | undefined
  /** What was checked; undefined without `verify`. */
  readonly checked:
    | { readonly series: number; readonly lists: number; readonly chunks: number; readonly samples: number }
    | undefined
}

export interface ContentsOptions {
  /** Checks every checksum, and what one part says of another. */
  readonly verify: boolean
  /** Of the meta, ms. Undefined where it cannot be read. */
  readonly times: { readonly minTime: number; readonly maxTime: number } | undefined
  /** Told how many bytes were read. */
  readonly onRead: (bytes: number) => void
}

/** Chunks of more bytes are read with `verify` only. */
export const COUNTED_BYTES: number = 64 * 1024 * 1024

export async function blockContents(
  folder: BlockFolder,
  index: Pick<IndexFile, 'version' | 'toc'>,
  problems: Problems,
  options: ContentsOptions,
): Promise<Contents> {
  const { verify, onRead } = options
  const file = folder.files.find(({ path }) => path === 'index')
  if (!file) return { labels: undefined, chunks: undefined, checked: undefined }
  const indexFile: IndexFile = { ...index, open: () => new Parts(folder, file, onRead) }
  const labels = await problems.of(() => labelReport(indexFile.open(), indexFile.open(), index.toc))
  if (!verify && chunkBytes(folder) > COUNTED_BYTES) return { labels, chunks: undefined, checked: undefined }
  const before = problems.count
  const series = await allSeries(indexFile, problems)
  const walk = new SeriesWalk(folder, indexFile, problems, options)
  if (!verify) {
    await walk.all(series)
    return { labels, chunks: walk.chunks.report(), checked: undefined }
  }
  walk.isSymbol = await verifySymbols(indexFile, problems)
  await verifyLabelIndices(indexFile, problems)
  const { lists, entries } = await verifyLists(indexFile, series, problems)
  await verifySegments(folder, problems)
  await walk.all(series)
  if (entries !== undefined && walk.unread === 0 && entries !== walk.labels) {
    problems.add(`index: postings lists must have the ${walk.labels} labels of all series: current value is ${entries}`)
  }
  const chunks = walk.chunks.report()
  if (problems.count === before) await verifyStats(folder, problems, { series: series.size, chunks })
  return { labels, chunks, checked: { series: walk.read, lists, chunks: chunks.chunks, samples: chunks.samples } }
}

export function chunkBytes({ files }: BlockFolder): number {
  return files.reduce((sum, { path, size }) => (path.startsWith('chunks/') ? sum + size : sum), 0)
}

/** Goes over the series in their order, and over their chunks. */
class SeriesWalk {
  readonly chunks = new ChunkStats()
  isSymbol: ((ref: number) => boolean) | undefined
  /** Series that could be read, and those that could not. */
  read = 0
  unread = 0
  /** Labels of all series. */
  labels = 0
  readonly #index: IndexFile
  readonly #files: ChunkFiles
  readonly #problems: Problems
  readonly #options: ContentsOptions

  constructor(folder: BlockFolder, index: IndexFile, problems: Problems, options: ContentsOptions) {
    this.#index = index
    this.#problems = problems
    this.#options = options
    this.#files = new ChunkFiles(folder, problems, options.onRead)
  }

  async all(series: RefSet): Promise<void> {
    const { toc, version } = this.#index
    const parts = this.#index.open()
    const end = seriesEnd(toc)
    const step = version === 1 ? 1 : 16
    let last = Math.ceil(toc.series / step) * step
    let before: Uint32Array | undefined
    for (const offset of series) {
      const entry = await this.#problems.of(() => seriesAt(parts, offset, end))
      if (!entry) {
        this.unread++
        before = undefined
        last = -1
        continue
      }
      this.read++
      if (this.#options.verify) {
        this.#verifySeries(entry, `index: series at ${offset}`, before)
        if (last >= 0 && offset !== last) {
          const what = offset < last ? 'begin behind the one before it' : 'follow the one before it'
          this.#problems.add(`index: series at ${offset}: must ${what}: that ends at ${last}`)
        }
      }
      before = entry.labels
      last = Math.ceil((offset + entry.size) / step) * step
      await this.#chunks(entry)
    }
  }

  #verifySeries({ labels, chunks }: SeriesEntry, what: string, before: Uint32Array | undefined): void {
    const add = (problem: string) => this.#problems.add(`${what}: ${problem}`)
    this.labels += labels.length / 2
    const unknown = this.isSymbol && labels.find(ref => !this.isSymbol?.(ref))
    if (unknown !== undefined) add(`symbol must be one of the table: current value is ${unknown}`)
    // References have the order of their texts: the table is sorted.
    for (let i = 2; i < labels.length; i += 2) {
      if ((labels[i] as number) <= (labels[i - 2] as number))
        add(`label ${i / 2} must be behind the one before it: current value is not`)
    }
    if (before && compareRefs(before, labels) >= 0)
      add('labels must be behind those of the series before it: current value is not')
    const { times } = this.#options
    for (let i = 0; i < chunks.length; i += 3) {
      const [from = 0, to = 0] = chunks.subarray(i, i + 2)
      if (i > 0 && from <= (chunks[i - 2] as number))
        add(`chunk ${i / 3} must begin after ${chunks[i - 2]}: current value is ${from}`)
      if (times && (to < times.minTime || from >= times.maxTime)) {
        add(
          `chunk ${i / 3} must be within ${times.minTime} to ${times.maxTime} of the meta: current value is ${from} to ${to}`,
        )
      }
    }
  }

  async #chunks({ chunks }: SeriesEntry): Promise<void> {
    for (let i = 0; i < chunks.length; i += 3) {
      const [from = 0, to = 0, ref = 0] = chunks.subarray(i, i + 3)
      await this.#problems.of(async () => {
        const found = await this.#files.chunk(ref)
        if (!found) return
        this.chunks.add(found.chunk)
        if (this.#options.verify) verifyChunk(found.chunk, found.what, { from, to })
      })
    }
  }
}

function compareRefs(a: Uint32Array, b: Uint32Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number)
  return a.length - b.length
}

const number = v.nullish(count)
const STATS = object({
  stats: v.nullish(object({ numSeries: number, numChunks: number, numSamples: number }), {}),
})

/** What the meta counts; a block of aggregates counts its samples otherwise. */
async function verifyStats(
  folder: BlockFolder,
  problems: Problems,
  { series, chunks }: { readonly series: number; readonly chunks: ChunkReport },
): Promise<void> {
  const file = folder.files.find(({ path }) => path === 'meta.json')
  if (!file || file.size > COUNTED_BYTES) return
  const { stats } = (await problems.of(async () =>
    parseGo({ name: 'meta.json', code: ErrorCode.corruptBlock }, STATS, await folder.read('meta.json', 0, file.size)),
  )) ?? { stats: {} }
  const isRaw = chunks.encodings.every(({ encoding }) => encoding !== 'aggregates')
  const counted = { numSeries: series, numChunks: chunks.chunks, ...(isRaw && { numSamples: chunks.samples }) }
  for (const [name, found] of Object.entries(counted)) {
    const told = stats?.[name as keyof typeof counted]
    if (told !== undefined && told !== null && told !== found)
      problems.add(`meta.json: stats.${name}: must be ${found}: current value is ${told}`)
  }
}
