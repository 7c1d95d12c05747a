/** What a range means of an object of a given size. */
import type { Range } from '../contracts/bucket.ts'
import { BucketError } from './error.ts'

/** Bytes [from, to) of an object. */
export interface Span {
  readonly from: number
  readonly to: number
}

/**
 * The bytes that `range` means of an object of `size` bytes: cut at its end, empty where the range starts past it.
 *
 * @throws BucketError where a number of the range is not an integer >= 0
 */
export function resolveRange(range: Range | undefined, size: number): Span {
  if (!range) return { from: 0, to: size }
  for (const n of Object.values(range)) {
    if (Number.isSafeInteger(n) && n >= 0) continue
    throw new BucketError(`range must have integers >= 0: current value is ${JSON.stringify(range)}`, {
      retryable: false,
    })
  }
  if ('suffix' in range) return { from: Math.max(0, size - range.suffix), to: size }
  const from = Math.min(size, range.offset)
  return { from, to: Math.min(size, from + range.length) }
}
