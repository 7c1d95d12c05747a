/** The files of a cache on the disk: which value is in which, and which file goes. */
import {
  type CacheEntry,
  type CacheStats,
  eachBounded,
  type Host,
  inSlices,
  type LocalFile,
  type LocalFiles,
} from 'blockgate'
import { Lru } from 'blockgate/cache'
import { decodeTable, encodeSegment, type Slot, START_BYTES, tableBytes } from './segment.ts'

interface Segment {
  readonly path: string
  readonly slots: readonly Slot[]
}

interface Place extends Slot {
  readonly segment: Segment
}

/** Tables that are read at once, at the start. */
const TABLES_AT_ONCE = 4
/** Values nearer to one another are read by one read. */
const GAP = 32 * 1024

export interface SegmentsOptions {
  readonly host: Host
  readonly files: LocalFiles
  readonly folder: string
  /** What the files together may take. */
  readonly maxBytes: number
}

export class Segments {
  readonly #services: Pick<SegmentsOptions, 'host' | 'files'>
  readonly #folder: string
  readonly #places = new Map<string, Place>()
  readonly #segments: Lru<Segment>
  readonly #removals = new Set<Promise<void>>()
  readonly #evictions = { postings: 0, series: 0, chunk: 0 }
  #number = 0

  constructor({ host, files, folder, maxBytes }: SegmentsOptions) {
    this.#services = { host, files }
    this.#folder = folder
    this.#segments = new Lru({ maxBytes, evicted: (_, segment) => this.#forget(segment, true) })
  }

  get stats(): CacheStats {
    return { bytes: this.#segments.stats.bytes, entries: this.#places.size, evictions: { ...this.#evictions } }
  }

  has(key: string): boolean {
    return this.#places.has(key)
  }

  /** The files that an earlier process left: what is written later has other names. */
  async found(): Promise<readonly LocalFile[]> {
    const listed = await this.#services.files.list(this.#folder)
    this.#number = Math.max(0, ...listed.map(({ path }) => numberOf(path) + 1))
    return [...listed].sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  /** Reads the table of each of `found`; what is damaged is removed. */
  async restore(found: readonly LocalFile[], signal: AbortSignal): Promise<void> {
    const { files } = this.#services
    await eachBounded(found, TABLES_AT_ONCE, async ({ path, size }) => {
      signal.throwIfAborted()
      const slots = await this.#slotsOf(path, size)
      if (slots) await this.#add({ path, slots }, size)
      else await files.remove(path)
    })
  }

  /** Writes one file. */
  async write(entries: readonly CacheEntry[], signal: AbortSignal): Promise<void> {
    const path = `${this.#folder}/${String(this.#number++).padStart(12, '0')}`
    const parts = encodeSegment(entries)
    const [, table] = parts
    let offset = START_BYTES + (table?.length ?? 0)
    const slots = entries.map(({ key, kind, value }): Slot => {
      const slot = { key, kind, offset, size: value.length }
      offset += value.length
      return slot
    })
    await this.#services.files.writeAtomic(path, each(parts), signal)
    await this.#add({ path, slots }, offset)
  }

  /** The values of those keys that it has. */
  async read(keys: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
    const bySegment = new Map<Segment, Slot[]>()
    for (const key of keys) {
      const place = this.#places.get(key)
      if (!place) continue
      const slots = bySegment.get(place.segment) ?? []
      slots.push(place)
      bySegment.set(place.segment, slots)
    }
    const values = new Map<string, Uint8Array>()
    await eachBounded([...bySegment], TABLES_AT_ONCE, async ([segment, slots]) => {
      this.#segments.get(segment.path)
      slots.sort((a, b) => a.offset - b.offset)
      for (let i = 0; i < slots.length; ) {
        const [from, first] = [(slots[i] as Slot).offset, i]
        let to = from
        for (; i < slots.length && (slots[i] as Slot).offset - to <= GAP; i++) to = endOf(slots[i] as Slot)
        const bytes = await this.#bytes(segment, from, to - from)
        if (!bytes) return
        for (const { key, offset, size } of slots.slice(first, i))
          values.set(key, bytes.subarray(offset - from, offset - from + size))
      }
    })
    return values
  }

  /** Resolves when no file is being removed. */
  async idle(): Promise<void> {
    await Promise.all(this.#removals)
  }

  /** Undefined where the file is gone: it was evicted meanwhile, or somebody removed it. */
  async #bytes(segment: Segment, offset: number, length: number): Promise<Uint8Array | undefined> {
    try {
      return await this.#services.files.read(segment.path, offset, length)
    } catch {
      this.#segments.delete(segment.path)
      this.#forget(segment, false)
      return undefined
    }
  }

  async #slotsOf(path: string, size: number): Promise<readonly Slot[] | undefined> {
    const { files } = this.#services
    try {
      const start = await files.read(path, 0, Math.min(size, START_BYTES))
      const bytes = tableBytes(start)
      if (bytes === undefined || START_BYTES + bytes > size) return undefined
      return decodeTable(start, await files.read(path, START_BYTES, bytes), size)
    } catch {
      return undefined
    }
  }

  async #add(segment: Segment, bytes: number): Promise<void> {
    const { host, files } = this.#services
    if (!this.#segments.set(segment.path, segment, bytes, 'chunk')) return await files.remove(segment.path)
    await inSlices(host, segment.slots, slot => this.#places.set(slot.key, { ...slot, segment }))
    // It was evicted while its values were noted.
    if (this.#segments.peek(segment.path) !== segment) this.#forget(segment, false)
  }

  #forget(segment: Segment, isEviction: boolean): void {
    for (const { key, kind } of segment.slots) {
      if (this.#places.get(key)?.segment !== segment) continue
      this.#places.delete(key)
      if (isEviction) this.#evictions[kind]++
    }
    const removal = this.#services.files
      .remove(segment.path)
      .catch(() => {})
      .finally(() => this.#removals.delete(removal))
    this.#removals.add(removal)
  }
}

function endOf({ offset, size }: Slot): number {
  return offset + size
}

/** 0 for a name that is none of ours. */
function numberOf(path: string): number {
  return Number(/(\d{1,15})$/.exec(path)?.[1] ?? 0)
}

async function* each(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* parts
}
