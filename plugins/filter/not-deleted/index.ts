/** Lets go of blocks that the compactor is about to delete. */
import { type BlockStage, checkOptions, type Duration, durationMs, durationOption, instant, skip } from 'blockgate'
import * as v from 'valibot'

export interface NotDeletedOptions {
  /** How old the mark must be. Must be shorter than the compactor's delete delay (48h in Thanos). Default '24h'. */
  readonly delay?: Duration | undefined
}

/**
 * Skips blocks whose deletion mark is older than the delay, as `marked-for-deletion`. A mark that cannot be read keeps
 * the block.
 *
 * @example notDeleted({ delay: '24h' })
 */
export function notDeleted(options: NotDeletedOptions = {}): BlockStage {
  const delay = durationMs(options?.delay, '24h')
  return {
    kind: 'block',
    name: 'not-deleted',
    options,
    check: () => checkOptions(options, { delay: v.optional(durationOption) }),
    async handle(block, next) {
      const { deletionTime, run } = block
      if (deletionTime === undefined || run.now - deletionTime <= delay) return next()
      const detail = `marked at ${instant(deletionTime)}`
      return skip('marked-for-deletion', { detail, expired: true, until: Number.POSITIVE_INFINITY })
    },
  }
}
