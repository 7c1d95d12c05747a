/** How queries are answered: the section `serve` of the config. */
import * as v from 'valibot'
import type { ByteCache } from '../contracts/cache.ts'
import { bytesOf, bytesOption, checkOptions } from '../contracts/check.ts'
import { type Duration, durationMs } from '../contracts/duration.ts'
import type { Problem } from '../contracts/host.ts'
import { DEFAULT_LIMITS, type QueryLimits } from '../contracts/query-limits.ts'
import { atLeast, checkComponent, wholeNumber } from './checks.ts'

export interface ServeConfig {
  /**
   * What is answered where a block of the view, within the query, is not loaded here. 'refuse': 503, which names the gateways that
   * have it where that is known. 'answer': what is here, with a warning. Default 'refuse'.
   */
  readonly partial?: 'refuse' | 'answer' | undefined
  /** What is answered where a block cannot be read. 'fail': an error. 'warn': all other blocks, with a warning. Default 'fail'. */
  readonly badBlock?: 'fail' | 'warn' | undefined
  /** What queries may take: see below. */
  readonly limits?: ServeLimits | undefined
  /**
   * Index-headers of the blocks that were asked last stay in memory: bytes, or '256MiB'. Default: a quarter of the heap limit where
   * the runtime tells it, else 256 MiB.
   */
  readonly headerMemory?: number | string | undefined
  /**
   * Ranges of an index that lie nearer to one another are read by one request: bytes, or '512KiB'. Chunks are, up to an eighth of it.
   * Default '512KiB'.
   */
  readonly gap?: number | string | undefined
  /**
   * Postings, series and chunks that queries read from the bucket: `{ memory: '1GiB' }` for what may stay in memory, or a cache, such as
   * `diskCache()`. Default `{ memory: '256MiB' }`.
   */
  readonly cache?: CacheConfig | undefined
  /**
   * A read of the bucket that takes longer than this part of the last ones is begun once more, and the first answer is taken: for the one
   * request of a hundred that an object store answers late. `upTo` reads of the same bytes at once; false: none. At most 1.5 times as many as
   * are slow in general are begun again, so a store that is slow as a whole is not asked twice. Default `{ quantile: 0.9, upTo: 2 }`.
   */
  readonly hedge?: HedgeConfig | false | undefined
  /** A query that takes longer gets a line in the log, with its trace. Default '10s'. */
  readonly slow?: Duration | undefined
}

export type CacheConfig = ByteCache | { readonly memory?: number | string | undefined }

export interface HedgeConfig {
  /** 0.5 to 0.999. Default 0.9. */
  readonly quantile?: number | undefined
  /** 2 to 4. Default 2. */
  readonly upTo?: number | undefined
}

export interface ServeLimits {
  /** Series of one query, of all blocks, before they are merged. Default 500000. */
  readonly series?: number | undefined
  /** Chunks of one query. Default 2000000. */
  readonly chunks?: number | undefined
  /** Samples of one remote read of samples. Default 50000000. */
  readonly samples?: number | undefined
  /** What one query may read from files of blocks, from a cache, too: bytes, or '1GiB'. Default '1GiB'. */
  readonly bytes?: number | string | undefined
  /** How long one query may take, with its time in the queue. Default '2m'. */
  readonly duration?: Duration | undefined
  /** Queries that are answered at once. Default 20. */
  readonly concurrent?: number | undefined
  /** Queries that wait for their turn; one more is answered 429. Default 100. */
  readonly queued?: number | undefined
  /** What all queries together may hold of blocks and answers at once; one that needs more is answered 503, and may try again. Default '1GiB'. */
  readonly memory?: number | string | undefined
}

export interface ResolvedServe {
  readonly partial: 'refuse' | 'answer'
  readonly badBlock: 'fail' | 'warn'
  readonly limits: QueryLimits & {
    readonly durationMs: number
    readonly concurrent: number
    readonly queued: number
    /** Bytes. */
    readonly memory: number
  }
  /** Bytes; undefined: by the heap limit. */
  readonly headerMemory: number | undefined
  /** Bytes. */
  readonly gap: number
  /** Of memory: bytes. */
  readonly cache: ByteCache | { readonly memory: number }
  readonly hedge: { readonly quantile: number; readonly upTo: number } | false
  readonly slowMs: number
}

const inMemory: v.GenericSchema = v.strictObject({ memory: bytesOption })
const plugin: v.GenericSchema = v.custom(isCache, "be { memory: '256MiB' }, or a cache with get() and put()")

const quantile = v.pipe(v.number(), v.minValue(0.5, 'be >= 0.5'), v.maxValue(0.999, 'be <= 0.999'))
const hedge: v.GenericSchema = v.strictObject({ quantile: v.optional(quantile), upTo: wholeNumber(2, 4) })

const ENTRIES = {
  serve: v.strictObject({
    partial: oneOf('refuse', 'answer'),
    badBlock: oneOf('fail', 'warn'),
    limits: v.optional(
      v.strictObject({
        series: wholeNumber(1),
        chunks: wholeNumber(1),
        samples: wholeNumber(1),
        bytes: bytesOption,
        duration: atLeast(1),
        concurrent: wholeNumber(1),
        queued: wholeNumber(0),
        memory: bytesOption,
      }),
    ),
    headerMemory: bytesOption,
    gap: bytesOption,
    cache: v.optional(v.lazy(cache => (Object(cache).kind === undefined ? inMemory : plugin))),
    hedge: v.optional(v.lazy(given => (given === false ? v.literal(false) : hedge))),
    slow: atLeast(0),
  }),
}

/** `serve.limits.series: must be >= 1: current value is 0`, for each fault. */
export function checkServe(serve: unknown): readonly Problem[] {
  const { cache } = Object(serve)
  return [...checkOptions({ serve }, ENTRIES), ...(isCache(cache) ? checkComponent(cache, 'serve.cache') : [])]
}

/** `serve` was checked. */
export function resolveServe(serve: ServeConfig = {}): ResolvedServe {
  const { partial, badBlock, limits = {}, headerMemory, gap, cache, hedge, slow } = serve
  return {
    partial: partial ?? 'refuse',
    badBlock: badBlock ?? 'fail',
    limits: {
      series: limits.series ?? DEFAULT_LIMITS.series,
      chunks: limits.chunks ?? DEFAULT_LIMITS.chunks,
      samples: limits.samples ?? DEFAULT_LIMITS.samples,
      bytes: bytesOf(limits.bytes) ?? DEFAULT_LIMITS.bytes,
      durationMs: durationMs(limits.duration, '2m'),
      concurrent: limits.concurrent ?? 20,
      queued: limits.queued ?? 100,
      memory: bytesOf(limits.memory) ?? 1024 ** 3,
    },
    headerMemory: bytesOf(headerMemory),
    gap: bytesOf(gap) ?? 512 * 1024,
    cache: isCache(cache) ? cache : { memory: bytesOf(cache?.memory) ?? 256 * 1024 ** 2 },
    hedge: hedge !== false && { quantile: hedge?.quantile ?? 0.9, upTo: hedge?.upTo ?? 2 },
    slowMs: durationMs(slow, '10s'),
  }
}

export function isCache(value: unknown): value is ByteCache {
  const { kind, get, put } = Object(value)
  return kind === 'cache' && typeof get === 'function' && typeof put === 'function'
}

function oneOf(...words: readonly string[]): v.GenericSchema {
  return v.optional(v.picklist(words, `be ${words.map(word => `'${word}'`).join(' or ')}`))
}
