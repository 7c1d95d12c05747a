/** Objects and ranges of them. */
import type { ObjectBody, ObjectInfo, Range } from 'blockgate'
import { exactBytes, objectBody, resolveRange, streamSource } from 'blockgate/bucket'
import type { R2Binding, R2Body, R2Head } from './binding.ts'
import { call, mayBeRange, r2Error } from './errors.ts'

/** The object `key` or a range of it; undefined where there is none. One request, but for a range without any bytes. */
export async function getObject(
  binding: R2Binding,
  key: string,
  range: Range | undefined,
  signal: AbortSignal,
): Promise<ObjectBody | undefined> {
  const what = `cannot read object "${key}"`
  /** No bytes, and what is known of the object: R2 has no range for that. */
  const empty = async (): Promise<ObjectBody | undefined> => {
    const head = await call(what, binding.head(key), signal)
    return head === null ? undefined : objectBody(infoOf(head), { read: async () => undefined, close() {} }, signal)
  }
  // A range that is empty in the largest object is empty in every other.
  const largest = resolveRange(range, Number.MAX_SAFE_INTEGER)
  if (largest.from === largest.to) return await empty()
  const request = binding.get(key, range && { range: { ...range } })
  let object: R2Body | null
  try {
    object = await call(what, request, signal)
  } catch (error) {
    // Nobody will read what comes too late.
    if (signal.aborted) request.then(late => late?.body.cancel()).catch(() => {})
    if (!range || !mayBeRange(error)) throw error
    const body = await empty()
    const { from, to } = resolveRange(range, body?.info.size ?? 0)
    // It has bytes there: then something else is wrong.
    if (from < to) throw error
    return body
  }
  if (object === null) return undefined
  const info = infoOf(object)
  const { from, to } = resolveRange(range, info.size)
  const body = streamSource(object.body)
  const read = async () => {
    try {
      return await body.read()
    } catch (error) {
      throw r2Error(what, error)
    }
  }
  return objectBody(info, exactBytes(what, to - from, { ...body, read }), signal)
}

export function infoOf({ key, size, etag, uploaded }: R2Head): ObjectInfo {
  return { key, size, etag, modified: uploaded.getTime() }
}
