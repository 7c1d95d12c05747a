/** The options of redlock(): what they are, and what is wrong with them. */
import { type Duration, durationMs, durationOption, type Problem } from 'blockgate'
import { checkMemberOptions, type MemberOptions, type SlotStore } from 'blockgate/members'
import type { RedisClient } from 'blockgate/plugins/store/redis'
import * as v from 'valibot'
import { clientProblems } from './clients.ts'

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
const MIN_TTL_MS = 1_000

const ENTRIES = {
  // Told by clientProblems().
  clients: v.optional(v.any()),
  slots: v.optional(
    v.pipe(
      v.number(),
      v.integer('be an integer'),
      v.minValue(1, 'be >= 1'),
      v.maxValue(MAX_SLOTS, `be <= ${MAX_SLOTS}`),
    ),
  ),
  ttl: v.optional(
    v.pipe(
      durationOption,
      v.check(ttl => durationMs(ttl, 0) >= MIN_TTL_MS, `be >= ${MIN_TTL_MS} ms`),
    ),
  ),
  replicas: v.optional(
    v.pipe(
      v.number(),
      v.integer('be an integer'),
      v.minValue(1, 'be >= 1'),
      v.maxValue(MAX_REPLICAS, `be <= ${MAX_REPLICAS}`),
    ),
  ),
}

/** Problems of the store and of the clients have paths below `store` and `clients`. */
export function checkRedlock(options: RedlockOptions): readonly Problem[] {
  return [...checkMemberOptions(options, isSlotStore, ENTRIES), ...clientProblems(options?.clients)]
}

function isSlotStore(store: object): boolean {
  return 'join' in store && 'hold' in store && 'slots' in store
}
