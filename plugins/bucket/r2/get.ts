/** Objects and ranges of them. */
import type { ObjectBody, ObjectInfo, Range } from 'blockgate'
import { type BodySource, objectBody, resolveRange } from 'blockgate/bucket'
import type { R2Binding, R2Body, R2Head } from './binding.ts'
import { call } from './call.ts'
import { mayBeRange, R2Error, r2Error } from './errors.ts'

/** The object `key` or a range of it; undefined where there is none. One request, but for a range without any bytes. */
export async function getObject(
  binding: R2Binding,
  key: string,
  range: Range | undefined,
  signal: AbortSignal,
): Promise<ObjectBody | undefined> {
  resolveRange(range, 0) // throws for a range of no numbers
  if (range && ('suffix' in range ? range.suffix : range.length) === 0) return await empty(binding, key, signal)
  const what = `object "${key}" must be readable`
  const request = binding.get(key, range && { range: { ...range } })
  let object: R2Body | null
  try {
    object = await call(what, request, signal)
  } catch (error) {
    // Nobody will read what comes too late.
    if (signal.aborted) request.then(late => late?.body.cancel()).catch(() => {})
    if (!range || !mayBeRange(error)) throw error
    const body = await empty(binding, key, signal)
    const { from, to } = resolveRange(range, body?.info.size ?? 0)
    // It has bytes there: then something else is wrong.
    if (from < to) throw error
    return body
  }
  if (object === null) return undefined
  const info = infoOf(object)
  const { from, to } = resolveRange(range, info.size)
  return objectBody(info, exactly(what, to - from, object), signal)
}

/** No bytes, and what is known of the object: R2 has no range for that. */
async function empty(binding: R2Binding, key: string, signal: AbortSignal): Promise<ObjectBody | undefined> {
  const head = await call(`object "${key}" must be readable`, binding.head(key), signal)
  return head === null ? undefined : objectBody(infoOf(head), { read: async () => undefined, close() {} }, signal)
}

export function infoOf({ key, size, etag, uploaded }: R2Head): ObjectInfo {
  return { key, size, etag, modified: uploaded.getTime() }
}

/** The `size` bytes of `object`; more or fewer are an error. A connection that breaks may look like an early end. */
function exactly(what: string, size: number, object: R2Body): BodySource {
  const reader = object.body.getReader()
  let seen = 0
  return {
    async read() {
      const { done, value } = await reader.read().catch((error: unknown) => {
        throw r2Error(what, error)
      })
      seen += value?.length ?? 0
      if (done ? seen < size : seen > size) {
        const comes = done ? `${seen} came` : 'more came'
        throw new R2Error(`${what}: its body must have ${size} bytes: ${comes}`, { retryable: true })
      }
      return done ? undefined : value
    },
    async close(how) {
      if (how.end === 'read') reader.releaseLock()
      // An errored stream rejects a cancel with the error that its reader has seen already.
      else await reader.cancel().catch(() => {})
    },
  }
}
