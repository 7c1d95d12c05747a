/** Objects in R2, by the binding of a Cloudflare Worker. */
import { type Bucket, BucketError, type BucketReader, checkOptions, type ListPage } from 'blockgate'
import { assertKey, prefixed } from 'blockgate/bucket'
import * as v from 'valibot'
import type { R2Binding } from './binding.ts'
import { call } from './errors.ts'
import { getObject, infoOf } from './get.ts'

export type { R2Binding, R2Body, R2Head, R2Page, R2Range, R2Reader } from './binding.ts'

export interface R2Options {
  /** The bucket's binding: `env.BLOCKS`, with a `[[r2_buckets]]` of that name in wrangler.toml. Required. */
  readonly binding: R2Binding | undefined
  /** The folder of the blocks in the bucket, such as 'team-a/blocks'. Default: the whole bucket. */
  readonly prefix?: string | undefined
}

const METHODS = ['head', 'get', 'put', 'delete', 'list'] as const

/**
 * A bucket of R2, by its binding. Keys are held to the strict rules of `keyProblem`. A request is sent once, for
 * `retried()` tries again. Errors are `bucket-failed` with the status of R2's code, and `invalid-key`.
 *
 * @example export default defineConfig<Env>(({ env }) => ({ bucket: r2({ binding: env.BLOCKS }), pipeline: [ … ] }))
 */
export function r2(options: R2Options): Bucket {
  return prefixed(wholeBucket(options), options?.prefix)
}

function wholeBucket(options: R2Options): Bucket {
  const binding = (key?: string): R2Binding => {
    if (key !== undefined) assertKey(key)
    if (!options?.binding) throw new BucketError('binding must be given', { retryable: false })
    return options.binding
  }
  return {
    name: 'r2',
    options,
    check: () =>
      checkOptions(options, {
        binding: v.custom<R2Binding>(isBinding, 'be the binding of an R2 bucket: env.BLOCKS'),
        prefix: v.optional(v.any()), // prefixed() checks it
      }),
    list: async (prefix, list) => await listPage(binding(), prefix, list),
    async get(key, { range, signal }) {
      signal.throwIfAborted()
      return await getObject(binding(key), key, range, signal)
    },
    async put(key, body, { if: condition, signal }) {
      signal.throwIfAborted()
      const request = binding(key).put(key, body, condition && { onlyIf: onlyIf(condition) })
      return (await call(`cannot write object "${key}"`, request, signal)) === null ? 'conflict' : 'stored'
    },
    async delete(key, { signal }) {
      signal.throwIfAborted()
      await call(`cannot delete object "${key}"`, binding(key).delete(key), signal)
    },
  }
}

function isBinding(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return METHODS.every(method => typeof (value as Readonly<Record<string, unknown>>)[method] === 'function')
}

/** As a header: `etagDoesNotMatch: '*'` was taken for an etag (https://github.com/cloudflare/workers-sdk/issues/6411). */
function onlyIf(condition: 'absent' | { readonly etag: string }): Headers | { etagMatches: string } {
  return condition === 'absent' ? new Headers({ 'If-None-Match': '*' }) : { etagMatches: condition.etag }
}

type ListOptions = Parameters<BucketReader['list']>[1]

/**
 * At most 1,000 objects and common prefixes. Without `include`, which makes the pages shorter: what the engine asks of an
 * object is always told.
 */
async function listPage(
  binding: R2Binding,
  prefix: string,
  { delimiter, cursor, after, signal }: ListOptions,
): Promise<ListPage> {
  signal.throwIfAborted()
  const what = `cannot list prefix "${prefix}"`
  const request = binding.list({
    prefix,
    ...(delimiter && { delimiter }),
    ...(cursor !== undefined ? { cursor } : after !== undefined && { startAfter: after }),
  })
  const page = await call(what, request, signal)
  // A page may be short, even empty, and have another after it: only `truncated` tells.
  if (page.truncated && (!page.cursor || page.cursor === cursor)) {
    throw new BucketError(`${what}: the answer cannot be used: it does not say where the next page is`, {
      retryable: true,
    })
  }
  return {
    objects: page.objects.map(infoOf),
    prefixes: page.delimitedPrefixes,
    cursor: page.truncated ? page.cursor : undefined,
  }
}
