/** A bucket in memory. Tests use the same code as `memoryBucket()`. */
import type { Bucket } from 'blockgate'
import { memoryBucket } from 'blockgate/bucket'

export interface MemoryOptions {
  /** Objects and common prefixes of one page of a listing. Default 1000. */
  readonly pageSize?: number | undefined
  /** The folder of the blocks in the bucket, such as 'team-a/blocks'. Default: the whole bucket. */
  readonly prefix?: string | undefined
}

/**
 * An empty bucket that is gone with the process: for trying a config and for tests. Objects are dated by the host's clock
 * once it has started.
 *
 * @example const bucket = memory({ pageSize: 100 })
 */
export function memory(options: MemoryOptions = {}): Bucket {
  return memoryBucket(options)
}
