/** What a redisStore() may be told, and what is wrong with it. */
import { checkOptions, type Duration, durationMs, durationOption, type Problem } from 'blockgate'
import * as v from 'valibot'

/** What is used of a client of ioredis: such a one may be handed over. */
export interface RedisClient {
  readonly options: object
  readonly isCluster: boolean
  duplicate(override: object): unknown
}

export interface RedisStoreOptions {
  /** Name of the gateways that work together, 1 to 128 of A-Z a-z 0-9 . _ -; part of every key. Required. */
  readonly cluster: string | undefined
  /** `redis://` or, with TLS, `rediss://`, with `user:password@`, host, port and `/database`. Required, or `client`. */
  readonly url?: string | undefined
  /**
   * A client of ioredis in place of `url`, for what a URL cannot say: Sentinel, certificates. Two connections with its options are
   * made; it is not used itself, and not closed. Default: none.
   */
  readonly client?: RedisClient | undefined
  /** How long to wait for a connection, and for each answer. Default '1s'. */
  readonly commandTimeout?: Duration | undefined
}

/** How to reach Redis, as ioredis takes it. */
export interface Address {
  readonly host: string
  readonly port: number
  readonly username?: string
  readonly password?: string
  readonly db: number
  readonly tls?: { readonly servername?: string }
}

const DEFAULT_PORT = 6379

/** All that is wrong with `options`; the user and the password in `url` are left out of what it says. */
export function problemsOf(options: RedisStoreOptions): readonly Problem[] {
  const problems = checkOptions(options, ENTRIES).map(problem =>
    problem.path === 'url' ? { ...problem, value: withoutUser(problem.value) } : problem,
  )
  const { url, client } = options ?? {}
  if (url !== undefined && client !== undefined)
    return [...problems, { path: 'url', must: 'be left out: the client has its own', value: withoutUser(url) }]
  if (url === undefined && client === undefined)
    return [...problems, { path: 'url', must: 'be given, or client', value: undefined }]
  return problems
}

/** Undefined where `url` is not one that the option takes. */
export function addressOf(url: string): Address | undefined {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined || !['redis:', 'rediss:'].includes(parsed.protocol) || parsed.hostname === '')
    return undefined
  if (parsed.search !== '' || parsed.hash !== '' || !/^(\/\d{0,4})?$/.test(parsed.pathname)) return undefined
  const username = decoded(parsed.username)
  const password = decoded(parsed.password)
  if (username === undefined || password === undefined) return undefined
  const host = parsed.hostname.replace(/^\[|\]$/g, '')
  return {
    host,
    port: parsed.port === '' ? DEFAULT_PORT : Number(parsed.port),
    ...(username !== '' && { username }),
    ...(password !== '' && { password }),
    db: Number(parsed.pathname.slice(1)),
    ...(parsed.protocol === 'rediss:' && { tls: {} }),
  }
}

/** For messages: `127.0.0.1:6379`. */
export function placeOf(address: Address | RedisClient): string {
  const { host, port, path, name } = fieldsOf(address)
  // A client of Sentinel knows a name only.
  return String(path ?? name ?? `${host}:${port}`)
}

/** What no message may repeat. */
export function secretsOf(address: Address | RedisClient): readonly string[] {
  const { username, password, sentinelUsername, sentinelPassword } = fieldsOf(address)
  return [username, password, sentinelUsername, sentinelPassword].filter(secret => typeof secret === 'string')
}

function fieldsOf(address: Address | RedisClient): Readonly<Record<string, unknown>> {
  return { ...('duplicate' in address ? address.options : address) }
}

const ENTRIES = {
  cluster: v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,128}$/, 'be 1 to 128 of A-Z a-z 0-9 . _ -')),
  url: v.optional(
    v.pipe(
      v.string(),
      v.check(
        url => addressOf(url) !== undefined,
        'be a redis:// or rediss:// URL with a host and nothing behind the database',
      ),
    ),
  ),
  client: v.optional(v.custom<RedisClient>(isClient, 'be a client of ioredis for one Redis, not for a Redis Cluster')),
  commandTimeout: v.optional(
    v.pipe(
      durationOption,
      v.check(d => durationMs(d, 0) >= 10, 'be >= 10 ms'),
    ),
  ),
} satisfies v.ObjectEntries

export function isClient(value: unknown): value is RedisClient {
  if (typeof value !== 'object' || value === null) return false
  const { duplicate, options, isCluster } = value as Readonly<Record<string, unknown>>
  return typeof duplicate === 'function' && typeof options === 'object' && isCluster === false
}

/** Up to the last `@`: a password that is not encoded as it should be holds anything. */
export function withoutUser(url: unknown): unknown {
  return typeof url === 'string' ? url.replace(/^.*@/s, '…@') : url
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}
