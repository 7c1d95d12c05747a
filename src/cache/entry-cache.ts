/** A cache as queries use it: whatever it does, a query has its bytes from the bucket instead. */
import { orAborted, within } from '../async/signals.ts'
import {
  type ByteCache,
  CACHE_KINDS,
  type CacheEntry,
  type CacheKind,
  type CacheServices,
  type CacheStats,
} from '../contracts/cache.ts'
import { BlockgateError, ErrorCode, errorFields } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import { seal, unseal } from './sealed.ts'

/** Counts of one kind since the start. */
export interface CacheCounts {
  hits: number
  misses: number
  /** Bytes of the hits. */
  hitBytes: number
}

/** The code of what a cache fails with: in the log, never in the answer of a query. */
export const CACHE_FAILED = 'cache-failed'

/** How long an answer may take, ms: longer, and the bucket would be as fast. Each key may take a little more. */
const GET_MS = 250
const GET_MS_PER_KEY = 0.05
/** After so many failures behind one another the cache is left alone, ms. */
const FAILURES = 3
const PAUSE_MS = 5_000
/** Values on their way into the cache; more are let go, so that a slow cache does not fill the memory. */
const MAX_PUTTING_BYTES = 32 * 1024 * 1024

export class EntryCache {
  readonly counts: Readonly<Record<CacheKind, CacheCounts>> = Object.fromEntries(
    CACHE_KINDS.map(kind => [kind, { hits: 0, misses: 0, hitBytes: 0 }]),
  ) as Record<CacheKind, CacheCounts>
  /** Calls that failed, or took too long. */
  failures = 0
  readonly #cache: ByteCache
  readonly #host: Host
  #failedInARow = 0
  /** On the monotonic clock. */
  #pausedUntil = Number.NEGATIVE_INFINITY
  #puttingBytes = 0
  /** False while it starts, and for good where that failed. */
  #isStarted = true

  constructor(cache: ByteCache, host: Host) {
    this.#cache = cache
    this.#host = host
  }

  /** Resolves when the cache has started, or has failed to: queries go without it then. */
  async start(services: Omit<CacheServices, 'host'>, signal: AbortSignal): Promise<void> {
    this.#isStarted = false
    try {
      await this.#cache.start?.({ ...services, host: this.#host }, signal)
      this.#isStarted = !signal.aborted
    } catch (error) {
      const message = 'the cache cannot start: queries read everything from the bucket'
      this.#host.log.warn(message, { cache: this.#cache.name, ...errorFields(error) })
    }
  }

  /** Nothing is asked of the cache from now on. Rejects where it does not stop in time. */
  async stop(signal: AbortSignal): Promise<void> {
    this.#isStarted = false
    if (this.#cache.stop) await orAborted(this.#cache.stop(signal), signal)
  }

  /** What the cache says of itself. */
  get stats(): CacheStats | undefined {
    return this.#cache.stats?.()
  }

  /** For each key its value; undefined for what is not there, and where the cache fails. Rejects only with the reason of `signal`. */
  async get(
    kind: CacheKind,
    keys: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly (Uint8Array | undefined)[]> {
    const found = await this.#found(keys, signal)
    const counts = this.counts[kind]
    for (const value of found) {
      if (!value) counts.misses++
      else {
        counts.hits++
        counts.hitBytes += value.length
      }
    }
    return found
  }

  /** Keeps copies; nobody waits for it. */
  put(kind: CacheKind, entries: readonly { readonly key: string; readonly value: Uint8Array }[]): void {
    if (this.#isPaused || this.#puttingBytes > MAX_PUTTING_BYTES) return
    const { inProcess } = this.#cache
    let bytes = 0
    const kept = entries.map(({ key, value }): CacheEntry => {
      bytes += value.length
      return { key, kind, value: inProcess ? value.slice() : seal(key, value) }
    })
    this.#puttingBytes += bytes
    const end = () => {
      this.#puttingBytes -= bytes
    }
    try {
      const put = this.#cache.put(kept)
      if (put) put.catch(error => this.#failed(error)).finally(end)
      else end()
    } catch (error) {
      end()
      this.#failed(error)
    }
  }

  async #found(keys: readonly string[], signal: AbortSignal): Promise<readonly (Uint8Array | undefined)[]> {
    const nothing = () => keys.map(() => undefined)
    if (this.#isPaused) return nothing()
    // The first one after a pause tries; if it fails, the others need not.
    if (this.#failedInARow >= FAILURES) this.#pausedUntil = this.#host.monotonic() + PAUSE_MS
    try {
      const answer = this.#cache.get(keys, signal)
      const values = answer instanceof Promise ? await this.#inTime(answer, keys.length, signal) : answer
      const checked = this.#checked(keys, values)
      this.#works()
      return checked
    } catch (error) {
      signal.throwIfAborted()
      this.#failed(error)
      return nothing()
    }
  }

  #inTime<T>(answer: Promise<T>, keys: number, signal: AbortSignal): Promise<T> {
    const ms = GET_MS + keys * GET_MS_PER_KEY
    const late = () => new BlockgateError(CACHE_FAILED, `cache "${this.#cache.name}" gave no answer in ${ms} ms`)
    return within(this.#host, ms, signal, late, answer)
  }

  /** The answer of a plugin, or of another process, is not trusted. */
  #checked(keys: readonly string[], values: readonly unknown[]): readonly (Uint8Array | undefined)[] {
    const { inProcess, name } = this.#cache
    if (!Array.isArray(values) || values.length !== keys.length) {
      throw new BlockgateError(
        ErrorCode.stageMisuse,
        `cache "${name}" must give one value for each of ${keys.length} keys`,
      )
    }
    return keys.map((key, i) => {
      const value: unknown = values[i]
      if (!(value instanceof Uint8Array)) return undefined
      return inProcess ? value : unseal(key, value)
    })
  }

  get #isPaused(): boolean {
    return !this.#isStarted || this.#host.monotonic() < this.#pausedUntil
  }

  #works(): void {
    if (this.#failedInARow >= FAILURES) this.#host.log.info('the cache answers again', { cache: this.#cache.name })
    this.#failedInARow = 0
    this.#pausedUntil = Number.NEGATIVE_INFINITY
  }

  #failed(error: unknown): void {
    this.failures++
    this.#failedInARow++
    if (this.#failedInARow < FAILURES) return
    this.#pausedUntil = this.#host.monotonic() + PAUSE_MS
    if (this.#failedInARow > FAILURES) return
    const message = `the cache fails: queries read from the bucket, and it is tried again every ${PAUSE_MS / 1000} s`
    this.#host.log.warn(message, { cache: this.#cache.name, ...errorFields(error) })
  }
}
