/** A bucket whose calls all go through one function: what the wrappers have in common. */
import type { ObjectBody, Range, RequestOptions } from '../../contracts/bucket.ts'
import type { Bucket, Component } from '../../contracts/host.ts'

export type BucketOp = 'list' | 'get' | 'put' | 'delete'

export interface BucketCall {
  readonly op: BucketOp
  /** Of a list its prefix. */
  readonly key: string
  readonly signal: AbortSignal
  /** Of a put: how many it writes. */
  readonly bytes?: number
  /** Of a get of a part. */
  readonly range?: Range | undefined
}

/** What a bucket answers to a list, a get, a put and a delete. */
export type BucketResult = Awaited<ReturnType<Bucket[BucketOp]>>

/** Makes the call, with who wants to know its details, where that is not the one that the caller gave. */
export type Make<T> = (onDetails?: RequestOptions['onDetails']) => Promise<T>

/** Makes a call of a bucket: once, later, again, or not at all. */
export type Around = <T extends BucketResult>(call: BucketCall, make: Make<T>) => Promise<T>

/** `bucket`, each call of which is made by `around`. */
export function wrapped(bucket: Bucket, around: Around): Bucket {
  return {
    ...componentOf(bucket),
    list: (key, options) =>
      around({ op: 'list', key, signal: options.signal }, told => bucket.list(key, telling(options, told))),
    get: (key, options) =>
      around({ op: 'get', key, signal: options.signal, range: options.range }, told =>
        bucket.get(key, telling(options, told)),
      ),
    put: (key, body, options) =>
      around({ op: 'put', key, signal: options.signal, bytes: body.length }, told =>
        bucket.put(key, body, telling(options, told)),
      ),
    delete: (key, options) =>
      around({ op: 'delete', key, signal: options.signal }, told => bucket.delete(key, telling(options, told))),
  }
}

function telling<O extends RequestOptions>(options: O, onDetails: RequestOptions['onDetails']): O {
  return onDetails ? { ...options, onDetails } : options
}

/** True for the answer to a get that found an object. */
export function isBody(result: BucketResult): result is ObjectBody {
  return typeof result === 'object' && result !== null && 'stream' in result
}

/** The component part of `bucket`; an optional method is there only where the bucket has it. */
export function componentOf(bucket: Bucket): Component {
  return {
    name: bucket.name,
    ...(bucket.identity !== undefined && { identity: bucket.identity }),
    ...(bucket.options !== undefined && { options: bucket.options }),
    ...(bucket.check && { check: () => bucket.check?.() ?? [] }),
    ...(bucket.start && { start: async (services, signal) => await bucket.start?.(services, signal) }),
    ...(bucket.stop && { stop: async signal => await bucket.stop?.(signal) }),
  }
}
