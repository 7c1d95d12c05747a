/** What queries read from the bucket, in a Redis that several gateways share. Node and Deno. */
import { Buffer } from 'node:buffer'
import { BlockgateError, type ByteCache, backoffMs, durationMs, ErrorCode, eachBounded } from 'blockgate'
import { CACHE_FAILED } from 'blockgate/cache'
import { BACKOFF, type Connection, closed, databaseCheck, failFast, opener } from '../../store/redis/fail-fast.ts'
import { Failures } from '../../store/redis/failures.ts'
import { addressOf, placeOf, secretsOf } from '../../store/redis/options.ts'
import { problemsOf, type RedisCacheOptions } from './options.ts'

export type { RedisCacheOptions } from './options.ts'

/** The part of ioredis' Redis that is used. */
interface CacheConnection extends Connection {
  mgetBuffer(keys: readonly string[]): Promise<unknown>
  set(key: string, value: Buffer, unit: 'PX', ms: number): Promise<unknown>
}

/** Keys of one MGET: Redis does nothing else meanwhile. */
const KEYS_AT_ONCE = 512
/** Commands that are on their way at once. */
const MGETS_AT_ONCE = 4
const SETS_AT_ONCE = 64
/** Redis keeps a value in one piece, and sends it so. */
const MAX_VALUE = 8 * 1024 * 1024

/**
 * Values under `<prefix><key>`, each of which goes when `ttl` is over, or when Redis needs the memory. A Redis that is away fails within
 * `commandTimeout`, and is then left alone for some seconds; the connection comes back by itself, and a start does not wait for it.
 *
 * @example const cache = redisCache({ url: 'redis://127.0.0.1:6379' })
 */
export function redisCache(options: RedisCacheOptions): ByteCache {
  const prefix = options?.prefix ?? 'blockgate:cache:'
  let connection: CacheConnection | undefined
  let failures: Failures | undefined
  let checkDatabase = () => {}

  const asked = async <T>(doing: string, ask: (connection: CacheConnection) => Promise<T>): Promise<T> => {
    if (!connection) throw new BlockgateError(ErrorCode.stageMisuse, 'redisCache() must be started before it is used')
    try {
      checkDatabase()
      const answer = await ask(connection)
      failures?.connected()
      return answer
    } catch (error) {
      const { rawMessage, cause } = failures?.unavailable(doing, error) ?? { rawMessage: 'stopped' }
      throw new BlockgateError(CACHE_FAILED, rawMessage, { cause, at: 'redis' })
    }
  }

  return {
    kind: 'cache',
    name: 'redis',
    options,
    check: () => problemsOf(options),
    async start({ host }) {
      const address = options.client ?? addressOf(options.url ?? '')
      if (!address) throw new BlockgateError(ErrorCode.startFailed, 'url must be a redis:// or rediss:// URL')
      const told = new Failures(placeOf(address), secretsOf(address))
      const open = await opener<CacheConnection>(address)
      const again = (attempt = 1) => backoffMs(host, BACKOFF, attempt)
      const timeoutMs = durationMs(options.commandTimeout, '200ms')
      const made = open({ ...failFast(timeoutMs, again), enableAutoPipelining: true })
      // Without a listener ioredis writes to the console.
      made.on('error', error => told.connectionFailed(error))
      checkDatabase = databaseCheck(made)
      failures = told
      connection = made
      // Where it fails, an 'error' event has said why, and it is tried again.
      made.connect().catch(() => {})
    },
    async stop() {
      const open = connection
      connection = undefined
      if (open) await closed(open)
    },
    async get(keys) {
      const pieces = piecesOf(keys, KEYS_AT_ONCE)
      const found = await eachBounded(pieces, MGETS_AT_ONCE, async piece => {
        const values = await asked('MGET', redis => redis.mgetBuffer(piece.map(key => prefix + key)))
        if (Array.isArray(values) && values.length === piece.length) return values
        throw new BlockgateError(CACHE_FAILED, 'MGET must give one value for each key', { at: 'redis' })
      })
      return found
        .flat()
        .map(value =>
          value instanceof Uint8Array ? new Uint8Array(value.buffer, value.byteOffset, value.length) : undefined,
        )
    },
    async put(entries) {
      const ttl = durationMs(options.ttl, '1d')
      const small = entries.filter(({ value }) => value.length <= MAX_VALUE)
      await eachBounded(small, SETS_AT_ONCE, ({ key, value }) =>
        asked('SET', redis => redis.set(prefix + key, bufferOf(value), 'PX', ttl)),
      )
    },
  }
}

/** ioredis sends any other array as the text of its numbers. */
function bufferOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, length)
}

function piecesOf<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  const count = Math.ceil(items.length / size)
  return Array.from({ length: count }, (_, i) => items.slice(i * size, (i + 1) * size))
}
