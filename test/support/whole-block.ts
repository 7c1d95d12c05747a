/** A block read whole, by the codecs alone: small blocks of tests. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  checkSegmentStart,
  chunkRef,
  INDEX_TOC_BYTES,
  type IndexToc,
  type IndexVersion,
  parseIndexStart,
  parseIndexToc,
  type RawChunk,
  readChunk,
  readPostings,
  readSection,
  readSeries,
  seriesOffset,
} from 'blockgate/tsdb'

const text = new TextDecoder()

export interface WholeSeries {
  readonly ref: number
  readonly labels: readonly (readonly [name: string, value: string])[]
  readonly chunks: readonly { readonly from: number; readonly to: number; readonly chunk: RawChunk }[]
}

export interface WholeBlock {
  readonly version: IndexVersion
  readonly toc: IndexToc
  readonly series: readonly WholeSeries[]
  /** Of each label pair, `name\0value`, its postings. */
  readonly postings: ReadonlyMap<string, Uint32Array>
}

export function wholeBlock(folder: string): WholeBlock {
  const index = readFileSync(join(folder, 'index'))
  const version = parseIndexStart(index)
  const toc = parseIndexToc(index.subarray(-INDEX_TOC_BYTES), index.length)
  const files = readdirSync(join(folder, 'chunks')).sort()
  const segments = files.map(name => readFileSync(join(folder, 'chunks', name)))
  for (const [i, segment] of segments.entries()) checkSegmentStart(segment, `chunks/${files[i]}`)

  const symbols = new Map<number, string>()
  const table = new Strings(readSection(index, toc.symbols, 'symbols'))
  for (let i = table.count(); i > 0; i--) {
    const at = version === 1 ? toc.symbols + 4 + table.at : symbols.size
    symbols.set(at, table.string())
  }

  const postings = new Map<string, Uint32Array>()
  const offsets = new Strings(readSection(index, toc.postingsTable, 'postings offset table'))
  for (let i = offsets.count(); i > 0; i--) {
    offsets.number()
    const pair = `${offsets.string()}\0${offsets.string()}`
    postings.set(pair, readPostings(readSection(index, offsets.number(), `postings of ${pair}`), `postings of ${pair}`))
  }

  const series = [...(postings.get('\0') ?? [])].map(ref => {
    const { labels, chunks } = readSeries(index, seriesOffset(ref, version), `series ${ref}`)
    const name = (i: number) => symbols.get(labels[i] as number) as string
    return {
      ref,
      labels: Array.from({ length: labels.length / 2 }, (_, i) => [name(2 * i), name(2 * i + 1)] as const),
      chunks: Array.from({ length: chunks.length / 3 }, (_, i) => {
        const [from = 0, to = 0, at = 0] = chunks.subarray(3 * i)
        const { segment, offset } = chunkRef(at)
        return { from, to, chunk: readChunk(segments[segment] as Uint8Array, offset, `chunks/${files[segment]}`) }
      }),
    }
  })
  return { version, toc, series, postings }
}

/** The body of a table: be32 count, then numbers and strings. */
class Strings {
  readonly #bytes: Uint8Array
  at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  count(): number {
    this.at += 4
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset).getUint32(this.at - 4)
  }

  number(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.at++] as number
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }

  string(): string {
    const length = this.number()
    this.at += length
    return text.decode(this.#bytes.subarray(this.at - length, this.at))
  }
}
