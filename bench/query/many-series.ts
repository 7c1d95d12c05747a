/**
 * The index of a block of many series, laid out as Prometheus does (version 2): the encoder of the tests takes minutes for a million.
 * Names of metrics, jobs and pods sort by their text.
 */
import { crc32c } from 'blockgate/tsdb'

const PODS = 1_000
const JOBS = 10
const pod = (i: number) => `pod-${String(i).padStart(4, '0')}`

export interface ManyOptions {
  /** Of each metric 1,000 series, one a pod. */
  readonly metrics: number
  /** Pods of one more metric, `needle`; of each the chunks, as [first time, last time, offset in the first segment file]. */
  readonly needle: readonly (readonly (readonly [from: number, to: number, offset: number])[])[]
}

/** @returns the index, and the bytes of its largest series */
export function manySeries({ metrics, needle }: ManyOptions): { readonly index: Uint8Array; readonly largest: number } {
  // The one that is asked for is among the others.
  const others = Array.from(
    { length: metrics },
    (_, i) => `${i < metrics / 2 ? 'm' : 'v'}etric_${String(i).padStart(5, '0')}`,
  )
  const names = [...others, 'needle'].sort()
  const jobs = Array.from({ length: JOBS }, (_, i) => `job-${i}`)
  const pods = Array.from({ length: PODS }, (_, i) => pod(i))
  const symbols = ['', '__name__', 'cluster', 'eu-1', 'job', 'pod', ...names, ...jobs, ...pods].sort()
  const ref = new Map(symbols.map((symbol, i) => [symbol, i]))
  const out = new Writer(64 * (metrics + 1) * PODS + 2 ** 24)
  out.be32(0xbaaad700)
  out.u8(2)
  const toc = { symbols: out.at, series: 0, end: 0, postings: 0, table: 0 }
  out.section(() => {
    out.be32(symbols.length)
    for (const symbol of symbols) out.text(symbol)
  })
  toc.series = out.at
  const lists = new Map<string, number[]>()
  const post = (key: string, series: number) => {
    const list = lists.get(key)
    if (list) list.push(series)
    else lists.set(key, [series])
  }
  let largest = 0
  for (const name of names) {
    for (const [j, job] of jobs.entries()) {
      for (let i = j; i < (name === 'needle' ? needle.length : PODS); i += JOBS) {
        out.align(16)
        const series = out.at / 16
        const begun = out.at
        const chunks = name === 'needle' ? (needle[i] ?? []) : ([[0, 0, 8]] as const)
        out.counted(() => {
          out.uvarint(4)
          const labels = ['__name__', name, 'cluster', 'eu-1', 'job', job, 'pod', pods[i] as string]
          for (const text of labels) out.uvarint(ref.get(text) as number)
          out.uvarint(chunks.length)
          for (const [n, [from, to, offset]] of chunks.entries()) {
            const before = chunks[n - 1]
            if (before) out.uvarint(from - before[1])
            else out.uvarint(2 * from)
            out.uvarint(to - from)
            // A difference is zigzag, the first offset is not.
            out.uvarint(before ? 2 * (offset - before[2]) : offset)
          }
        })
        largest = Math.max(largest, out.at - begun)
        post('\0', series)
        post(`__name__\0${name}`, series)
        post('cluster\0eu-1', series)
        post(`job\0${job}`, series)
        post(`pod\0${pods[i]}`, series)
      }
    }
  }
  toc.end = out.at
  out.align(4)
  toc.postings = out.at
  const keys = [...lists.keys()].sort()
  const begins = keys.map(key => {
    const begun = out.at
    out.section(() => {
      const list = lists.get(key) as number[]
      out.be32(list.length)
      for (const series of list) out.be32(series)
    })
    return begun
  })
  toc.table = out.at
  out.section(() => {
    out.be32(keys.length)
    for (const [i, key] of keys.entries()) {
      out.uvarint(2)
      for (const text of key.split('\0')) out.text(text)
      out.uvarint(begins[i] as number)
    }
  })
  const ends = out.at
  for (const offset of [toc.symbols, toc.series, toc.end, toc.table, toc.postings, toc.table]) {
    out.be32(0)
    out.be32(offset)
  }
  out.be32(crc32c(out.bytes.subarray(ends, out.at)))
  return { index: out.bytes.slice(0, out.at), largest }
}

class Writer {
  readonly bytes: Uint8Array
  readonly #view: DataView
  at = 0

  constructor(size: number) {
    this.bytes = new Uint8Array(size)
    this.#view = new DataView(this.bytes.buffer)
  }

  u8(value: number): void {
    this.bytes[this.at++] = value
  }

  be32(value: number): void {
    this.#view.setUint32(this.at, value)
    this.at += 4
  }

  uvarint(value: number): void {
    let rest = value
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.bytes[this.at++] = (rest % 128) + 128
    this.bytes[this.at++] = rest
  }

  /** ASCII. */
  text(text: string): void {
    this.uvarint(text.length)
    for (let i = 0; i < text.length; i++) this.bytes[this.at++] = text.charCodeAt(i)
  }

  align(step: number): void {
    this.at = Math.ceil(this.at / step) * step
  }

  /** be32 length, body, checksum. */
  section(body: () => void): void {
    const begun = this.at
    this.at += 4
    body()
    this.#view.setUint32(begun, this.at - begun - 4)
    this.be32(crc32c(this.bytes.subarray(begun + 4, this.at)))
  }

  /** uvarint length of a body of less than 128 bytes, body, checksum. */
  counted(body: () => void): void {
    const begun = this.at++
    body()
    const length = this.at - begun - 1
    if (length > 127) throw new Error('a series must take < 128 bytes')
    this.bytes[begun] = length
    this.be32(crc32c(this.bytes.subarray(begun + 1, this.at)))
  }
}
