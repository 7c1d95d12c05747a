/** Objects and ranges of them. */
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3'
import type { ObjectBody, ObjectInfo, Range, RequestOptions } from 'blockgate'
import { type BodySource, exactBytes, objectBody, resolveRange, type Span, streamSource } from 'blockgate/bucket'
import { infoOf } from './answers.ts'
import { S3Error } from './errors.ts'
import type { AnswerBody } from './light/transport.ts'
import type { Flight, Requests } from './requests.ts'

/** The object `key` or a range of it; undefined where there is none. One request, but for a range without any bytes. */
export async function getObject(
  requests: Requests,
  key: string,
  range: Range | undefined,
  options: RequestOptions,
): Promise<ObjectBody | undefined> {
  // A range that is empty in the largest object is empty in every other.
  const { from, to } = resolveRange(range, Number.MAX_SAFE_INTEGER)
  const body = from < to ? await request(requests, key, range, options) : 'no-bytes'
  return body === 'no-bytes' ? await empty(requests, key, options) : body
}

/** No bytes, and what is known of the object: HTTP has no range for that, and says nothing of it with a 416. */
async function empty(requests: Requests, key: string, options: RequestOptions): Promise<ObjectBody | undefined> {
  let body = await request(requests, key, { offset: 0, length: 1 }, options)
  // Not one byte: then the whole of it costs nothing.
  if (body === 'no-bytes') body = await request(requests, key, undefined, options)
  if (body === undefined || body === 'no-bytes') return undefined
  await body[Symbol.asyncDispose]()
  return objectBody(body.info, { read: async () => undefined, close() {} }, options.signal)
}

async function request(
  requests: Requests,
  key: string,
  range: Range | undefined,
  options: RequestOptions,
): Promise<ObjectBody | 'no-bytes' | undefined> {
  const what = `cannot read object "${key}"`
  const input = { Bucket: requests.options.bucket, Key: key, ...(range && { Range: header(range) }) }
  let flight: Flight<GetObjectCommandOutput>
  try {
    const call = { method: 'GetObject', key, what, ...options }
    flight = await requests.open(call, sdk => new sdk.GetObjectCommand(input))
  } catch (error) {
    // A 404 of anything else (the bucket, a proxy) says nothing about the object.
    if (error instanceof S3Error && error.s3Code === 'NoSuchKey') return undefined
    if (error instanceof S3Error && error.status === 416 && range) return 'no-bytes'
    throw error
  }
  const body = sourceOf(flight.output.Body)
  const source: BodySource = {
    read: () => flight.inTime(() => body.read()),
    async close(how) {
      try {
        await body.close(how)
      } finally {
        flight[Symbol.dispose]()
      }
    },
  }
  try {
    const { info, span } = told(key, range, flight.output)
    return objectBody(info, exactBytes(what, span.to - span.from, source), options.signal)
  } catch (error) {
    await source.close({ end: 'cancelled' })
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
    `cannot read object "${key}": asked for bytes ${span.from} to ${span.to}, got ${comes.from} to ${comes.to}`,
    { retryable: false },
  )
}

/** What is used of a Readable of Node. */
interface NodeStream extends AsyncIterable<Uint8Array> {
  destroy(): unknown
}

/** A body of the light path, or as the SDK gives it on Node and Deno; a client of the user's own may have a stream of the web. */
function sourceOf(body: unknown): BodySource {
  if (body instanceof ReadableStream) return streamSource(body)
  const stream = body as NodeStream | AnswerBody
  if (!(Symbol.asyncIterator in stream)) {
    return { read: () => stream.read(), close: how => (how.end === 'read' ? undefined : stream.destroy()) }
  }
  const chunks = stream[Symbol.asyncIterator]()
  return {
    async read() {
      const { done, value } = await chunks.next()
      // A Buffer is a view of a pool that others write to; as a plain array it is compared and logged as one.
      return done ? undefined : new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    },
    close(how) {
      // Read to the end, the connection goes back to the pool; half read, it can only be closed.
      if (how.end !== 'read') stream.destroy()
    },
  }
}
