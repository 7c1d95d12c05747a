/** Splits the blocks over a fixed number of gateways, as Thanos does with hashmod. */
import { checkOptions, held, type OwnershipPlugin, type Problem } from 'blockgate'
import * as v from 'valibot'
import { hashmod } from './hashmod.ts'

export { hashmod } from './hashmod.ts'

export interface StaticShardOptions {
  /** This gateway's shard, 0 to `of` − 1. */
  readonly index: number
  /** How many shards there are. */
  readonly of: number
}

/**
 * Owns the blocks whose ULID hashes to `index`: Thanos' `hashmod` on `__block_id`, so an existing layout stays as it
 * is. A denial is `not-owner` and names the owner `shard-<n>`. Changing `of` takes a restart of every gateway, with a
 * gap: there is no hand-over here.
 *
 * @example owned(staticShard({ index: 0, of: 3 }))
 */
export function staticShard(options: StaticShardOptions): OwnershipPlugin {
  return {
    name: 'static-shard',
    options,
    // Two gateways may be given one index, to hold two copies.
    exclusive: false,
    check: () => checkShard(options),
    epoch: () => 0,
    async claim(block, signal) {
      signal.throwIfAborted()
      const shard = hashmod(block.ulid, options.of)
      if (shard === options.index) return { status: 'granted', epoch: 0, lease: held }
      return { status: 'denied', epoch: 0, reason: 'not-owner', owners: [`shard-${shard}`] }
    },
  }
}

function checkShard(options: StaticShardOptions): readonly Problem[] {
  const problems = checkOptions(options, {
    index: v.pipe(v.number(), v.integer('be an integer'), v.minValue(0, 'be >= 0')),
    of: v.pipe(v.number(), v.integer('be an integer'), v.minValue(1, 'be >= 1'), v.maxValue(2 ** 53, 'be <= 2^53')),
  })
  if (!(options?.index >= options?.of) || problems.some(({ path }) => path === 'index' || path === 'of'))
    return problems
  return [...problems, { path: 'index', must: `be < of (${options.of})`, value: options.index }]
}
