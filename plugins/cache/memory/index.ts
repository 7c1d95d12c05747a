/** What queries read from the bucket, in this process' memory. */
import { type ByteCache, checkOptions } from 'blockgate'
import { bytesOf, bytesOption, memoryCache as inMemory } from 'blockgate/cache'

export interface MemoryCacheOptions {
  /** What all values together may take, with their keys and what each takes beside: bytes, or '1GiB'. Default '256MiB'. */
  readonly size?: number | string | undefined
}

const SIZE = 256 * 1024 * 1024

/**
 * The values that were used last; one that takes more than an eighth of all is not taken.
 *
 * @example const cache = memoryCache({ size: '1GiB' })
 */
export function memoryCache(options: MemoryCacheOptions = {}): ByteCache {
  return {
    ...inMemory(bytesOf(options?.size) ?? SIZE),
    options,
    check: () => checkOptions(options, { size: bytesOption }),
  }
}
