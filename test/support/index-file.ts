/** Encodes small index files of version 1 and 2, as Prometheus lays them out, to test what reads them. */
import { crc32c } from 'blockgate/tsdb'

/** [name, value] pairs of one series, by name. */
export type SeriesLabels = readonly (readonly [string, string])[]

export interface IndexedChunk {
  /** First and last time. */
  readonly from: number
  readonly to: number
  readonly ref: number
}

export interface IndexFileOptions {
  /** Default 2. */
  readonly version?: 1 | 2 | undefined
  readonly series: readonly SeriesLabels[]
  /** The chunks of each series, by their times. Default: one of 100 ms, 20 bytes behind one another. */
  readonly chunks?: readonly (IndexedChunk | readonly IndexedChunk[])[] | undefined
  /** Symbols that no series has: they make the symbol table larger. */
  readonly moreSymbols?: readonly string[] | undefined
  /** Zero bytes between the symbols and the series section. Default 0. */
  readonly padding?: number | undefined
  /** Damages the body of a section before its length and checksum are made. */
  readonly damage?: Damage | undefined
}

/** What a body is of, and what becomes of it. */
export type Damage = (
  part: 'symbols' | 'series' | 'postings' | 'postings-table' | 'toc' | 'chunk',
  body: Uint8Array,
) => Uint8Array

/**
 * An index of small blocks. Version 2 has series at multiples of 16 and symbols by number; version 1 has
 * series and symbols by their offsets, and a postings offset table that is not sorted. No label index sections: Prometheus
 * does not write them since 3.7.
 */
export function indexFile({
  version = 2,
  series,
  chunks,
  moreSymbols = [],
  padding = 0,
  damage = (_, body) => body,
}: IndexFileOptions): Uint8Array {
  const out = new Bytes()
  out.be32(0xbaaad700).u8(version)
  const toc = { symbols: out.length, series: 0, end: 0, postings: 0, table: 0 }

  const symbols = sorted(['', ...moreSymbols, ...series.flat(2)])
  const symbolRef = new Map<string, number>()
  const symbolBody = new Bytes().be32(symbols.length)
  for (const [i, symbol] of symbols.entries()) {
    symbolRef.set(symbol, version === 2 ? i : toc.symbols + 4 + symbolBody.length)
    symbolBody.string(symbol)
  }
  out.section(damage('symbols', symbolBody.done()))
  for (let i = 0; i < padding; i++) out.u8(0)
  toc.series = out.length

  const postings = new Map<string, { readonly label: readonly [string, string]; readonly refs: number[] }>()
  const post = (label: readonly [string, string], ref: number) => {
    const key = JSON.stringify(label)
    const list = postings.get(key) ?? { label, refs: [] }
    list.refs.push(ref)
    postings.set(key, list)
  }
  for (const [i, labels] of series.entries()) {
    if (version === 2) out.align(16)
    const ref = version === 2 ? out.length / 16 : out.length
    const body = new Bytes().uvarint(labels.length)
    for (const [name, value] of labels) body.uvarint(symbolRef.get(name) ?? 0).uvarint(symbolRef.get(value) ?? 0)
    const all = [chunks?.[i] ?? { from: 0, to: 100, ref: 8 + 20 * i }].flat()
    body.uvarint(all.length)
    for (const [j, { from, to, ref: at }] of all.entries()) {
      const before = all[j - 1]
      if (before)
        body
          .uvarint(from - before.to)
          .uvarint(to - from)
          .varint(at - before.ref)
      else
        body
          .varint(from)
          .uvarint(to - from)
          .uvarint(at)
    }
    const bytes = damage('series', body.done())
    out.uvarint(bytes.length).bytes(bytes).be32(crc32c(bytes))
    post(['', ''], ref)
    for (const label of labels) post(label, ref)
  }
  toc.end = out.length

  out.align(4)
  toc.postings = out.length
  const lists = [...postings.values()].sort(
    (a, b) => compare(a.label[0], b.label[0]) || compare(a.label[1], b.label[1]),
  )
  const table = new Bytes().be32(lists.length)
  for (const { label, refs } of version === 2 ? lists : lists.reverse()) {
    table.uvarint(2).string(label[0]).string(label[1]).uvarint(out.length)
    const body = new Bytes().be32(refs.length)
    for (const ref of refs) body.be32(ref)
    out.section(damage('postings', body.done()))
  }
  toc.table = out.length
  out.section(damage('postings-table', table.done()))

  const end = new Bytes()
  for (const offset of [toc.symbols, toc.series, toc.end, toc.table, toc.postings, toc.table]) end.be64(offset)
  const ends = damage('toc', end.done())
  return out.bytes(ends).be32(crc32c(ends)).done()
}

const encoder = new TextEncoder()

export class Bytes {
  #bytes = new Uint8Array(1024)
  length = 0

  u8(value: number): this {
    return this.bytes(Uint8Array.of(value))
  }

  be32(value: number): this {
    return this.bytes(Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value))
  }

  be64(value: number): this {
    return this.be32(Math.floor(value / 2 ** 32)).be32(value >>> 0)
  }

  uvarint(value: number): this {
    let rest = value
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.u8((rest % 128) + 128)
    return this.u8(rest)
  }

  varint(value: number): this {
    return this.uvarint(value >= 0 ? 2 * value : -2 * value - 1)
  }

  string(text: string): this {
    const bytes = encoder.encode(text)
    return this.uvarint(bytes.length).bytes(bytes)
  }

  section(body: Uint8Array): this {
    return this.be32(body.length).bytes(body).be32(crc32c(body))
  }

  align(step: number): this {
    while (this.length % step !== 0) this.u8(0)
    return this
  }

  bytes(bytes: Uint8Array): this {
    if (this.length + bytes.length > this.#bytes.length) {
      const larger = new Uint8Array(2 * (this.length + bytes.length))
      larger.set(this.#bytes.subarray(0, this.length))
      this.#bytes = larger
    }
    this.#bytes.set(bytes, this.length)
    this.length += bytes.length
    return this
  }

  done(): Uint8Array {
    return this.#bytes.slice(0, this.length)
  }
}

/** The order of their UTF-8 bytes. */
export function compare(a: string, b: string): number {
  const [x, y] = [encoder.encode(a), encoder.encode(b)]
  const at = x.findIndex((byte, i) => byte !== y[i])
  return at === -1 ? x.length - y.length : (x[at] as number) - (y[at] ?? -1)
}

function sorted(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort(compare)
}
