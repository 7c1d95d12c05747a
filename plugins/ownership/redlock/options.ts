/** The options of redlock(): what they are, and what is wrong with them. */
import { type Duration, durationMs, durationOption, type Problem } from 'blockgate'
import { checkMemberOptions, type MemberOptions, type SlotStore } from 'blockgate/members'
import type { RedisClient } from 'blockgate/plugins/store/redis'
import * as v from 'valibot'
import { addressOf, isClient, placeOf, withoutUser } from '../../store/redis/options.ts'

export interface RedlockOptions extends MemberOptions {
  /** Where the members meet: `redisStore()`, or `memoryStore()` within one process. */
  readonly store: SlotStore
  /**
   * The lock servers, one or three (any odd number): each a `redis://` or `rediss://` URL, or a client of ioredis, of which
   * connections of its own are made. All members must have the same.
   */
  readonly clients: readonly (string | RedisClient)[]
  /** Hash buckets of blocks, each leased as one, 1 to 65,536. All members must have the same. Default 256. */
  readonly slots?: number | undefined
  /** How long a lock lasts that is not renewed; it is renewed after a third of it. At least '1s'. Default '30s'. */
  readonly ttl?: Duration | undefined
}

/** What an option is where it is not given. */
export const SLOTS = 256
export const TTL = '30s'

/** The store has places for so many, and each is a lock. */
const MAX_SLOTS = 65_536
const MAX_REPLICAS = 16

const upTo = (most: number) =>
  v.optional(
    v.pipe(v.number(), v.integer('be an integer'), v.minValue(1, 'be >= 1'), v.maxValue(most, `be <= ${most}`)),
  )

const lockServer = v.custom<string | RedisClient>(
  value => serverOf(value) !== undefined,
  'be a redis:// or rediss:// URL with a host and nothing behind the database, or a client of ioredis for one Redis',
)

const ENTRIES = {
  clients: v.pipe(
    v.array(lockServer, 'be a list of lock servers, such as [url]'),
    v.check(clients => clients.length % 2 === 1, 'have an odd number of lock servers (1 or 3)'),
    v.check(
      clients => new Set(clients.map(serverOf)).size === clients.length,
      'name each lock server once: each has one vote',
    ),
  ),
  slots: upTo(MAX_SLOTS),
  ttl: v.optional(
    v.pipe(
      durationOption,
      v.check(ttl => durationMs(ttl, 0) >= 1_000, 'be >= 1000 ms'),
    ),
  ),
  replicas: upTo(MAX_REPLICAS),
}

/** Problems of the store have paths below `store`. What they say of the clients holds no user and no password. */
export function checkRedlock(options: RedlockOptions): readonly Problem[] {
  return checkMemberOptions(options, isSlotStore, ENTRIES).map(problem =>
    problem.path.startsWith('clients') ? { ...problem, value: shown(problem.value) } : problem,
  )
}

function isSlotStore(store: object): boolean {
  return 'join' in store && 'hold' in store && 'slots' in store
}

/** The same for the same server; undefined for what is none. */
function serverOf(client: unknown): string | undefined {
  if (typeof client === 'string') {
    const address = addressOf(client)
    return address && placeOf(address).toLowerCase()
  }
  if (!isClient(client)) return undefined
  const { sentinels } = client.options as { readonly sentinels?: unknown }
  // Every Sentinel may call its Redis `mymaster`.
  return placeOf(client).toLowerCase() + (Array.isArray(sentinels) ? JSON.stringify(sentinels) : '')
}

/** Nothing of an object: a client has a password. */
function shown(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shown)
  return typeof value === 'object' && value !== null ? 'an object' : withoutUser(value)
}
