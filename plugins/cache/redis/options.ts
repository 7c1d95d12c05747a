/** What a redisCache() may be told, and what is wrong with it. */
import { checkOptions, type Duration, durationMs, durationOption, type Problem } from 'blockgate'
import type { RedisClient } from 'blockgate/plugins/store/redis'
import * as v from 'valibot'
import { addressOf, isClient, withoutUser } from '../../store/redis/options.ts'

export interface RedisCacheOptions {
  /** `redis://` or, with TLS, `rediss://`, with `user:password@`, host, port and `/database`. Required, or `client`. */
  readonly url?: string | undefined
  /** A client of ioredis in place of `url`; a connection with its options is made, it is not used itself. Default: none. */
  readonly client?: RedisClient | undefined
  /** Begins each key: gateways with the same one share their values. Default 'blockgate:cache:'. */
  readonly prefix?: string | undefined
  /** How long a value is kept. Default '1d'. */
  readonly ttl?: Duration | undefined
  /** How long to wait for a connection, and for each answer: the bucket would be as fast. Default '200ms'. */
  readonly commandTimeout?: Duration | undefined
}

export function problemsOf(options: RedisCacheOptions): readonly Problem[] {
  const problems = checkOptions(options, ENTRIES).map(problem =>
    problem.path === 'url' ? { ...problem, value: withoutUser(problem.value) } : problem,
  )
  const { url, client } = options ?? {}
  if ((url === undefined) !== (client === undefined)) return problems
  const must = url === undefined ? 'be given, or client' : 'be left out: the client has its own'
  return [...problems, { path: 'url', must, value: withoutUser(url) }]
}

const atLeast = (ms: number) =>
  v.optional(
    v.pipe(
      durationOption,
      v.check(d => durationMs(d, 0) >= ms, `be >= ${ms} ms`),
    ),
  )

const ENTRIES = {
  url: v.optional(
    v.pipe(
      v.string(),
      v.check(url => addressOf(url) !== undefined, 'be a redis:// or rediss:// URL with a host and nothing behind it'),
    ),
  ),
  client: v.optional(v.custom<RedisClient>(isClient, 'be a client of ioredis for one Redis, not for a Redis Cluster')),
  prefix: v.optional(v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,100}$/, 'be 1 to 100 visible ASCII characters'))),
  ttl: atLeast(1000),
  commandTimeout: atLeast(10),
} satisfies v.ObjectEntries
