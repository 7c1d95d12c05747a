/** What queries read from the bucket, on this gateway's disk. */
import {
  BlockgateError,
  type ByteCache,
  type CacheEntry,
  checkOptions,
  ErrorCode,
  errorFields,
  type Host,
} from 'blockgate'
import { keyProblem } from 'blockgate/bucket'
import { bytesOf } from 'blockgate/cache'
import * as v from 'valibot'
import { Segments } from './segments.ts'

export interface DiskCacheOptions {
  /** What its files together may take: bytes, or '20GiB'; 64 MiB or more. Default '1GiB'. */
  readonly size?: number | string | undefined
  /** Its folder, below the config's `dir`. Default 'query-cache'. */
  readonly path?: string | undefined
}

const SIZE = 1024 ** 3
const MIN_SIZE = 64 * 1024 ** 2
/** Values are gathered to files of this size, or for so long. */
const FILE_BYTES = 4 * 1024 * 1024
const GATHER_MS = 1_000

/**
 * Values on the disk (`services.files`), also after a restart. They are gathered to files of 4 MiB; the file that was used longest ago
 * goes first.
 *
 * @example const cache = diskCache({ size: '20GiB' })
 */
export function diskCache(options: DiskCacheOptions = {}): ByteCache {
  const maxBytes = bytesOf(options?.size) ?? SIZE
  let running: Gathered | undefined
  return {
    kind: 'cache',
    name: 'disk',
    options,
    check: () =>
      checkOptions(options, {
        size: v.optional(v.custom(size => (bytesOf(size) ?? 0) >= MIN_SIZE, "be >= 64 MiB: bytes, or such as '20GiB'")),
        path: v.optional(
          v.pipe(
            v.string(),
            v.check(path => keyProblem(path) === undefined, "be a relative path with '/', without '..'"),
          ),
        ),
      }),
    async start({ files, host }) {
      if (!files) throw new BlockgateError(ErrorCode.startFailed, 'diskCache() must have a disk (dir)', { at: 'disk' })
      running = new Gathered(new Segments({ files, host, folder: options.path ?? 'query-cache', maxBytes }), host)
    },
    async stop() {
      const stopped = running
      running = undefined
      await stopped?.stop()
    },
    get: async keys => (running ? await running.get(keys) : keys.map(() => undefined)),
    put: entries => running?.put(entries),
    stats: () => running?.stats ?? { bytes: 0, entries: 0, evictions: { postings: 0, series: 0, chunk: 0 } },
  }
}

/** The files, and the values that wait to be written. */
class Gathered {
  readonly #segments: Segments
  readonly #host: Host
  readonly #ending = new AbortController()
  #restoring: Promise<void> = Promise.resolve()
  #waiting = new Map<string, CacheEntry>()
  /** Those that are being written. */
  #writing: ReadonlyMap<string, CacheEntry> = new Map()
  #bytes = 0
  #timer: Disposable | undefined
  #written: Promise<void>

  constructor(segments: Segments, host: Host) {
    this.#segments = segments
    this.#host = host
    const tell = (error: unknown) => this.#tell(error)
    // A file that is written must not have the name of one that is there.
    this.#written = segments.found().then(found => {
      this.#restoring = segments.restore(found, this.#ending.signal).catch(tell)
    }, tell)
  }

  get stats() {
    return this.#segments.stats
  }

  async get(keys: readonly string[]): Promise<readonly (Uint8Array | undefined)[]> {
    const held = keys.map(key => (this.#waiting.get(key) ?? this.#writing.get(key))?.value)
    const read = await this.#segments.read(keys.filter((_, i) => !held[i]))
    return keys.map((key, i) => held[i] ?? read.get(key))
  }

  /** Resolves when what is being written is written. */
  put(entries: readonly CacheEntry[]): Promise<void> {
    for (const entry of entries) {
      const { key, value } = entry
      if (this.#waiting.has(key) || this.#writing.has(key) || this.#segments.has(key)) continue
      // The disk is slower than the bucket: what is too much for it is let go.
      if (this.#bytes > 2 * FILE_BYTES) break
      this.#waiting.set(key, entry)
      this.#bytes += value.length
    }
    if (this.#bytes >= FILE_BYTES) this.#write()
    else if (this.#waiting.size > 0) this.#timer ??= this.#host.setTimer(GATHER_MS, () => this.#write())
    return this.#written
  }

  /** What waits is written. */
  async stop(): Promise<void> {
    this.#write()
    await this.#written
    this.#ending.abort(new Error('the cache was stopped'))
    await this.#restoring
    await this.#segments.idle()
  }

  #write(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    this.#written = this.#written.then(async () => {
      if (this.#waiting.size === 0) return
      const entries = this.#waiting
      this.#writing = entries
      this.#waiting = new Map()
      this.#bytes = 0
      try {
        await this.#segments.write([...entries.values()], this.#ending.signal)
      } catch (error) {
        this.#tell(error)
      }
      this.#writing = new Map()
    })
  }

  #tell(error: unknown): void {
    if (this.#ending.signal.aborted) return
    this.#host.log.warn('the cache of queries on the disk cannot be read or written', errorFields(error))
  }
}
