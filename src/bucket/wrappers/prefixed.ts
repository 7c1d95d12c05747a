/** A bucket inside a bucket: every key stands below one prefix. */

import type { ObjectInfo } from '../../contracts/bucket.ts'
import type { Bucket, Problem } from '../../contracts/host.ts'
import { BucketError } from '../error.ts'
import { assertKey, keyProblem } from '../keys.ts'
import { componentOf } from './wrapped.ts'

/**
 * `bucket` below `prefix` (`team-a/blocks`, with or without its last `/`); `''` and undefined give the bucket itself. Keys go in with
 * the prefix and come out without it. Each key is held to the strict rules of `keyProblem`, because an HTTP client folds
 * `prefix/../other` before it sends it. Cursors are the inner bucket's own words and pass through as they are: the next
 * call repeats the same prefix, so none of them leads outside.
 *
 * A bad prefix is a problem of `check()`; every call then fails with `invalid-key`.
 */
export function prefixed(bucket: Bucket, prefix: string | undefined): Bucket {
  if (prefix === undefined || prefix === '') return bucket
  const folder = typeof prefix === 'string' ? prefix.replace(/\/$/, '') : ''
  const base = `${folder}/`
  const keyOf = (key: string): string => {
    assertKey(base + key)
    return base + key
  }
  const without = (key: string): string => {
    if (key.startsWith(base)) return key.slice(base.length)
    throw new BucketError(`bucket "${bucket.name}" listed "${key}", which is not below "${base}"`, {
      retryable: false,
    })
  }
  const { limit } = bucket
  const infoOf = (info: ObjectInfo): ObjectInfo => ({ ...info, key: without(info.key) })
  return {
    ...componentOf(bucket),
    ...(bucket.identity !== undefined && { identity: `${bucket.identity}/${folder}` }),
    options: { ...(bucket.options ?? {}), prefix },
    ...(limit && { limit: () => limit.call(bucket) }),
    check: () => [...(bucket.check?.() ?? []), ...problems(prefix, folder)],
    async list(within, options) {
      assertKey(folder)
      const { after } = options
      const page = await bucket.list(base + within, after === undefined ? options : { ...options, after: base + after })
      return {
        objects: page.objects.map(infoOf),
        prefixes: page.prefixes.map(without),
        ...(page.unreadable && { unreadable: page.unreadable.map(at => ({ ...at, key: without(at.key) })) }),
        cursor: page.cursor,
      }
    },
    async get(key, options) {
      const body = await bucket.get(keyOf(key), options)
      return (
        body && {
          info: infoOf(body.info),
          stream: body.stream,
          bytes: limit => body.bytes(limit),
          [Symbol.asyncDispose]: () => body[Symbol.asyncDispose](),
        }
      )
    },
    put: async (key, body, options) => await bucket.put(keyOf(key), body, options),
    delete: async (key, options) => await bucket.delete(keyOf(key), options),
  }
}

function problems(prefix: string, folder: string): readonly Problem[] {
  const must = keyProblem(typeof prefix === 'string' ? folder : prefix)
  return must === undefined ? [] : [{ path: 'prefix', must, value: prefix }]
}
