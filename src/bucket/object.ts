/** What is told of an object: the bytes that a range means, and whether two answers are about the same version of it. */
import type { ObjectInfo, Range } from '../contracts/bucket.ts'
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
  if (!Object.values(range).every(n => Number.isSafeInteger(n) && n >= 0)) {
    throw new BucketError(`range must have integers >= 0: current value is ${JSON.stringify(range)}`, {
      retryable: false,
    })
  }
  if ('suffix' in range) return { from: Math.max(0, size - range.suffix), to: size }
  const from = Math.min(size, range.offset)
  return { from, to: Math.min(size, from + range.length) }
}

/** `W/"x"` is `x`: a proxy that compresses weakens an etag. */
export function isSameEtag(a: Pick<ObjectInfo, 'etag'>, b: Pick<ObjectInfo, 'etag'>): boolean {
  return a.etag === b.etag || strong(a.etag) === strong(b.etag)
}

/** To the second, as HTTP tells times. False where none is told. */
export function isSameTime(a: Pick<ObjectInfo, 'modified'>, b: Pick<ObjectInfo, 'modified'>): boolean {
  return a.modified > 0 && Math.floor(a.modified / 1000) === Math.floor(b.modified / 1000)
}

function strong(etag: string): string {
  return etag.replace(/^W\//, '').replace(/^"(.*)"$/, '$1')
}
