/** A bucket in memory: the plugin `bucket/memory`, and a double for tests. */
import * as v from 'valibot'
import type { ListPage, ListRequest, ObjectInfo } from '../contracts/bucket.ts'
import { checkOptions } from '../contracts/check.ts'
import type { Bucket, Host } from '../contracts/host.ts'
import { type BodySource, objectBody } from './body.ts'
import { assertKey, compareKeys, lowerBound, opaqueKeyProblem } from './keys.ts'
import { resolveRange } from './object.ts'
import { prefixed } from './wrappers/prefixed.ts'

export interface MemoryBucketOptions {
  /** The folder of the blocks in the bucket, such as 'team-a/blocks'. Default: the whole bucket. */
  readonly prefix?: string | undefined
  /** Objects and common prefixes of one page of a listing. Default 1000. */
  readonly pageSize?: number | undefined
  /** Whose clock dates the objects. Default: the host given at start; before that, objects date from 1970. */
  readonly host?: Pick<Host, 'now'> | undefined
}

interface Stored {
  readonly info: ObjectInfo
  readonly bytes: Uint8Array
}

const CHUNK_BYTES = 64 * 1024

/**
 * An empty bucket that lives as long as the object. As S3's, its keys are opaque: any well-formed string of 1 to 1024
 * bytes. An etag is never used twice. Bytes are copied in and out.
 *
 * @example const bucket = memoryBucket(); await bucket.put('a/b', new Uint8Array(3), { if: 'absent', signal })
 */
export function memoryBucket(options: MemoryBucketOptions = {}): Bucket {
  return prefixed(wholeBucket(options), options?.prefix)
}

function wholeBucket(options: MemoryBucketOptions): Bucket {
  const objects = new Map<string, Stored>()
  let sorted: readonly string[] | undefined
  let clock = options?.host
  let version = 0
  return {
    name: 'memory',
    options,
    check: () =>
      checkOptions(options, {
        prefix: v.optional(v.any()), // prefixed() checks it
        pageSize: v.optional(v.pipe(v.number(), v.integer('be an integer'), v.minValue(1, 'be >= 1'))),
        host: v.optional(v.looseObject({ now: v.function() })),
      }),
    async start(services) {
      clock ??= services.host
    },
    async list(prefix, from) {
      from.signal.throwIfAborted()
      sorted ??= [...objects.keys()].sort(compareKeys)
      const found = page(sorted, prefix, from, options.pageSize ?? 1000)
      return { ...found, objects: found.objects.flatMap(key => objects.get(key)?.info ?? []) }
    },
    async get(key, { range, signal }) {
      signal.throwIfAborted()
      assertKey(key, opaqueKeyProblem)
      const stored = objects.get(key)
      if (!stored) return undefined
      const { from, to } = resolveRange(range, stored.bytes.length)
      return objectBody(stored.info, chunks(stored.bytes.subarray(from, to)), signal)
    },
    async put(key, body, { if: condition, signal }) {
      signal.throwIfAborted()
      assertKey(key, opaqueKeyProblem)
      const old = objects.get(key)
      if (condition === 'absent' && old) return 'conflict'
      if (typeof condition === 'object' && old?.info.etag !== condition.etag) return 'conflict'
      version++
      const info = { key, size: body.length, etag: `v${version}`, modified: clock?.now() ?? 0 }
      objects.set(key, { info, bytes: body.slice() })
      if (!old) sorted = undefined
      return 'stored'
    },
    async delete(key, { signal }) {
      signal.throwIfAborted()
      assertKey(key, opaqueKeyProblem)
      if (objects.delete(key)) sorted = undefined
    },
  }
}

/**
 * At most `size` keys and common prefixes. The cursor is the last one of the page: it stays good whatever is deleted
 * meanwhile.
 */
function page(
  keys: readonly string[],
  prefix: string,
  { delimiter, after, cursor = after }: Omit<ListRequest, 'signal'>,
  size: number,
): Omit<ListPage, 'objects'> & { readonly objects: readonly string[] } {
  const objects: string[] = []
  const prefixes: string[] = []
  let last: string | undefined
  let at = lowerBound(
    keys,
    key => compareKeys(key, prefix) < 0 || (cursor !== undefined && compareKeys(key, cursor) <= 0),
  )
  for (let key = keys[at]; key?.startsWith(prefix); key = keys[at]) {
    const end = delimiter === undefined ? -1 : key.indexOf(delimiter, prefix.length)
    const common = end === -1 ? undefined : key.slice(0, end + 1)
    if (common !== cursor || common === undefined) {
      if (objects.length + prefixes.length === size) return { objects, prefixes, cursor: last }
      last = common ?? key
      if (common === undefined) objects.push(key)
      else prefixes.push(common)
    }
    at = common === undefined ? at + 1 : lowerBound(keys, k => k.startsWith(common) || compareKeys(k, common) < 0)
  }
  return { objects, prefixes, cursor: undefined }
}

function chunks(bytes: Uint8Array): BodySource {
  let at = 0
  return {
    async read() {
      const chunk = bytes.slice(at, at + CHUNK_BYTES)
      at += chunk.length
      return chunk.length > 0 ? chunk : undefined
    },
    close() {},
  }
}
