/** A bucket in memory. Its code is the kits' double too: one implementation, whatever it is called. */
import type { Bucket } from 'blockgate'
import { type MemoryBucketOptions, memoryBucket } from 'blockgate/bucket'

export type MemoryOptions = Pick<MemoryBucketOptions, 'pageSize'>

/**
 * An empty bucket that is gone with the process: for trying a config and for tests. Objects are dated by the host's clock
 * once it has started.
 *
 * @example const bucket = memory({ pageSize: 100 })
 */
export function memory(options: MemoryOptions = {}): Bucket {
  return memoryBucket(options)
}
