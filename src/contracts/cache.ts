/** Where bytes of blocks are kept that were read from the bucket: in memory, on a disk, in another process. */
import type { Component, Services } from './host.ts'

/** What a value is a piece of: whole postings lists, entries of series, chunks. */
export type CacheKind = 'postings' | 'series' | 'chunk'

export const CACHE_KINDS: readonly CacheKind[] = ['postings', 'series', 'chunk']

export interface CacheEntry {
  /** 1 to 200 characters of ASCII. What is under a key never changes: blocks do not. */
  readonly key: string
  readonly kind: CacheKind
  /** The cache's own from now on: nobody changes it, and it is no view into something larger. */
  readonly value: Uint8Array
}

export interface CacheStats {
  /** Of all values, with what they take beside their bytes. */
  readonly bytes: number
  readonly entries: number
  /** Since the start: values that went because others came. */
  readonly evictions: Readonly<Record<CacheKind, number>>
}

/** What a cache is started with. */
export type CacheServices = Pick<Services, 'host' | 'files' | 'instance'>

/**
 * Values by key, bounded in bytes. It may forget a value at any time, and may take none. What it throws, and what takes it too long, is a
 * miss: no query fails for it, and after some failures it is left alone for a while.
 */
export interface ByteCache extends Component {
  readonly kind: 'cache'
  /** Where it throws, the gateway starts, and its queries go without a cache. */
  start?(services: CacheServices, signal?: AbortSignal): Promise<void>
  /**
   * True where the values stay in this process: then what it gives is taken as it is. Those of any other cache are sealed before they are
   * handed over: with their key and a checksum, so that a value that was damaged, or that is another key's, is a miss.
   */
  readonly inProcess?: boolean | undefined
  /** For each key its value, or undefined. Nobody changes what it gives. */
  get(
    keys: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly (Uint8Array | undefined)[]> | readonly (Uint8Array | undefined)[]
  /** Resolves when the values are kept, or were let go. Nobody waits for it. */
  put(entries: readonly CacheEntry[]): Promise<void> | void
  /** Where it knows them. Synchronous, asked at each scrape. */
  stats?(): CacheStats
}
