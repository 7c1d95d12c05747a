/** A bucket whose requests are watched: what traced() and measured() have in common. */
import type { ObjectBody, RequestOptions } from '../../contracts/bucket.ts'
import type { Bucket } from '../../contracts/host.ts'
import { type BodyEnd, type BodyWatch, objectBody, streamSource, watchBody } from '../body.ts'
import { type Around, type BucketCall, type BucketResult, isBody, wrapped } from './wrapped.ts'

/** How a request ended. */
export interface RequestEnd {
  readonly failure?: { readonly error: unknown } | undefined
  /** Of a get or a put. */
  readonly result?: 'found' | 'missing' | 'stored' | 'conflict'
  /** Of a list: how many objects the page has. */
  readonly objects?: number
  /** Of an object that was found: how many were read. */
  readonly bytes?: number
}

/** Watches one request. */
export interface Watch {
  /** Makes the call, inside whatever must be active meanwhile. */
  during<T>(make: () => Promise<T>): Promise<T>
  /** Where it wants to know what the bucket tells of the request. */
  readonly onDetails?: RequestOptions['onDetails']
  /** Called once; where a body came, when that has ended. */
  ended(end: RequestEnd): void
}

/** `bucket`, with a watch on each request; undefined for one that nobody watches. */
export function observed(bucket: Bucket, watch: (call: BucketCall) => Watch | undefined): Bucket {
  return wrapped(bucket, observing(watch))
}

/** What observed() does around each call. */
export function observing(watch: (call: BucketCall) => Watch | undefined): Around {
  return async (call, make) => {
    const watching = watch(call)
    if (!watching) return await make()
    try {
      const result = await watching.during(() => make(watching.onDetails))
      if (isBody(result)) return observedBody(result, call.signal, watching) as typeof result
      watching.ended(endOf(call, result))
      return result
    } catch (error) {
      watching.ended({ failure: { error } })
      throw error
    }
  }
}

function endOf({ op }: BucketCall, result: Exclude<BucketResult, ObjectBody>): RequestEnd {
  if (typeof result === 'string') return { result }
  if (result) return { objects: result.objects.length }
  return op === 'get' ? { result: 'missing' } : {}
}

function observedBody(body: ObjectBody, signal: AbortSignal, watching: Watch): ObjectBody {
  let bytes = 0
  const watch: BodyWatch = {
    read(more) {
      bytes += more
    },
    ended(how) {
      watching.ended({ result: 'found', bytes, failure: how.end === 'error' ? how : undefined })
    },
  }
  if (watchBody(body, watch)) return body
  const inner = streamSource(body.stream)
  const close = async (how: BodyEnd) => {
    await inner.close(how)
    await body[Symbol.asyncDispose]()
  }
  const made = objectBody(body.info, { ...inner, close }, signal)
  watchBody(made, watch)
  return made
}
