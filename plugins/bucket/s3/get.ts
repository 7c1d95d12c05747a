/** Objects and ranges of them. */
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3'
import type { ObjectBody, ObjectInfo, Range } from 'blockgate'
import { type BodySource, objectBody, resolveRange, type Span } from 'blockgate/bucket'
import { S3Error } from './errors.ts'
import { infoOf } from './info.ts'
import type { Flight, Requests } from './requests.ts'
import { sourceOf } from './source.ts'

/** The object `key` or a range of it; undefined where there is none. One request, but for a range without any bytes. */
export async function getObject(
  requests: Requests,
  key: string,
  range: Range | undefined,
  signal: AbortSignal,
): Promise<ObjectBody | undefined> {
  resolveRange(range, 0) // throws for a range of no numbers
  if (range && ('suffix' in range ? range.suffix : range.length) === 0) return await empty(requests, key, signal)
  const answer = await request(requests, key, range, signal)
  return answer === 'no-bytes' ? await empty(requests, key, signal) : answer
}

/** No bytes, and what is known of the object: HTTP has no range for that, and says nothing of it with a 416. */
async function empty(requests: Requests, key: string, signal: AbortSignal): Promise<ObjectBody | undefined> {
  let body = await request(requests, key, { offset: 0, length: 1 }, signal)
  // Not one byte: then the whole of it costs nothing.
  if (body === 'no-bytes') body = await request(requests, key, undefined, signal)
  if (body === undefined || body === 'no-bytes') return undefined
  await body[Symbol.asyncDispose]()
  return objectBody(body.info, { read: async () => undefined, close() {} }, signal)
}

async function request(
  requests: Requests,
  key: string,
  range: Range | undefined,
  signal: AbortSignal,
): Promise<ObjectBody | 'no-bytes' | undefined> {
  const what = `object "${key}" must be readable`
  const input = { Bucket: requests.bucket, Key: key, ...(range && { Range: header(range) }) }
  let flight: Flight<GetObjectCommandOutput>
  try {
    flight = await requests.open(what, sdk => new sdk.GetObjectCommand(input), signal)
  } catch (error) {
    // A 404 of anything else (the bucket, a proxy) says nothing about the object.
    if (error instanceof S3Error && error.s3Code === 'NoSuchKey') return undefined
    if (error instanceof S3Error && error.status === 416 && range) return 'no-bytes'
    throw error
  }
  const source = sourceOf(flight.output.Body)
  try {
    const { info, span } = told(key, range, flight.output)
    return objectBody(info, exactly(what, span.to - span.from, source, flight), signal)
  } catch (error) {
    await source.close({ end: 'cancelled' })
    flight[Symbol.dispose]()
    throw error
  }
}

function header(range: Range): string {
  return 'suffix' in range ? `bytes=-${range.suffix}` : `bytes=${range.offset}-${range.offset + range.length - 1}`
}

/** The object, and the bytes of it that come. @throws S3Error where they are not the ones that were asked for */
function told(
  key: string,
  range: Range | undefined,
  output: GetObjectCommandOutput,
): { readonly info: ObjectInfo; readonly span: Span } {
  const [, from, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(output.ContentRange ?? '') ?? []
  const info = infoOf(key, total === undefined ? output.ContentLength : Number(total), output)
  const span = resolveRange(range, info.size)
  const comes = total === undefined ? { from: 0, to: info.size } : { from: Number(from), to: Number(last) + 1 }
  if (comes.from === span.from && comes.to === span.to) return { info, span }
  throw new S3Error(
    `store must send bytes ${span.from} to ${span.to} of object "${key}": it sends ${comes.from} to ${comes.to}`,
    { retryable: false },
  )
}

/** The `size` bytes of `source`; more or fewer are an error. A connection that breaks looks like an early end. */
function exactly(what: string, size: number, source: BodySource, flight: Flight<unknown>): BodySource {
  let seen = 0
  return {
    async read() {
      const chunk = await flight.inTime(what, () => source.read())
      seen += chunk?.length ?? 0
      if (chunk === undefined ? seen < size : seen > size) {
        const comes = chunk === undefined ? `${seen} came` : 'more came'
        throw new S3Error(`${what}: its body must have ${size} bytes: ${comes}`, { retryable: true })
      }
      return chunk
    },
    async close(how) {
      try {
        await source.close(how)
      } finally {
        flight[Symbol.dispose]()
      }
    },
  }
}
