/** What was used last stays, up to a number of bytes. */
import { CACHE_KINDS, type CacheKind, type CacheStats } from '../contracts/cache.ts'

export interface LruOptions<V> {
  readonly maxBytes: number
  /** Called with each value that goes because others come. */
  readonly evicted?: ((key: string, value: V) => void) | undefined
}

interface Item<V> {
  readonly value: V
  readonly kind: CacheKind
  readonly bytes: number
}

/** One item that takes more than this part of all bytes is not taken: it would push out what many others need. */
const LARGEST_PART = 8

export class Lru<V> {
  readonly #maxBytes: number
  readonly #evicted: (key: string, value: V) => void
  /** The one that was used last is last. */
  readonly #items = new Map<string, Item<V>>()
  readonly #evictions: Record<CacheKind, number> = { postings: 0, series: 0, chunk: 0 }
  #bytes = 0

  constructor({ maxBytes, evicted = () => {} }: LruOptions<V>) {
    this.#maxBytes = maxBytes
    this.#evicted = evicted
  }

  get stats(): CacheStats {
    return { bytes: this.#bytes, entries: this.#items.size, evictions: { ...this.#evictions } }
  }

  /** From now on it is the one that was used last. */
  get(key: string): V | undefined {
    const item = this.#items.get(key)
    if (!item) return undefined
    this.#items.delete(key)
    this.#items.set(key, item)
    return item.value
  }

  /** As `get`, but nothing is said of its use. */
  peek(key: string): V | undefined {
    return this.#items.get(key)?.value
  }

  /**
   * @param bytes what it takes in all
   * @returns false where it is too large: then nothing is changed
   */
  set(key: string, value: V, bytes: number, kind: CacheKind): boolean {
    if (bytes > this.#maxBytes / LARGEST_PART) return false
    this.delete(key)
    this.#items.set(key, { value, kind, bytes })
    this.#bytes += bytes
    for (const [oldest, item] of this.#items) {
      if (this.#bytes <= this.#maxBytes) break
      this.delete(oldest)
      this.#evictions[item.kind]++
      this.#evicted(oldest, item.value)
    }
    return true
  }

  delete(key: string): void {
    const item = this.#items.get(key)
    if (!item) return
    this.#items.delete(key)
    this.#bytes -= item.bytes
  }

  clear(): void {
    this.#items.clear()
    this.#bytes = 0
    for (const kind of CACHE_KINDS) this.#evictions[kind] = 0
  }
}
