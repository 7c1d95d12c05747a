/** Lets fresh uploads settle before they are loaded. */
import {
  type BlockStage,
  blockIdTime,
  checkOptions,
  type Duration,
  durationMs,
  durationOption,
  instant,
  skip,
} from 'blockgate'
import * as v from 'valibot'

export interface ConsistencyDelayOptions {
  /** The age from which a block counts. Default '30m'. */
  readonly for?: Duration | undefined
}

/** Their blocks replace older ones. Waiting would leave a hole where the old ones are deleted. */
const EXEMPT: ReadonlySet<string> = new Set(['compactor', 'compactor.repair', 'bucket.repair'])

/**
 * Skips younger blocks as `too-fresh`; a loaded one is kept. Age counts from the end of the upload where the meta has
 * it, else from the time in the ULID. Blocks of the compactor and of repairs are exempt, as in Thanos
 * (`pkg/block/fetcher.go`).
 *
 * @example consistencyDelay({ for: '30m' })
 */
export function consistencyDelay(options: ConsistencyDelayOptions = {}): BlockStage {
  const delay = durationMs(options?.for, '30m')
  return {
    kind: 'block',
    name: 'consistency-delay',
    options,
    check: () => checkOptions(options, { for: v.optional(durationOption) }),
    async handle(block, next) {
      const until = (block.uploaded ?? blockIdTime(block.id)) + delay
      if (block.run.now >= until || EXEMPT.has(block.meta.source)) return next()
      return skip('too-fresh', { retain: true, until, detail: `until ${instant(until)}` })
    },
  }
}
