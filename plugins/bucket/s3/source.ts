/** The body of an answer, as the runtime has it: a stream of Node, or one of the web. */
import { type BodySource, streamSource } from 'blockgate/bucket'
import { S3Error } from './errors.ts'

/** What is used of Node's Readable. */
interface NodeStream extends AsyncIterable<Uint8Array> {
  destroy(): unknown
}

/** @throws S3Error where `body` is no stream */
export function sourceOf(body: unknown): BodySource {
  if (body instanceof ReadableStream) return streamSource(body)
  if (isNodeStream(body)) return nodeSource(body)
  throw new S3Error('body of an answer must be a stream', { retryable: false })
}

function nodeSource(stream: NodeStream): BodySource {
  let chunks: AsyncIterator<Uint8Array> | undefined
  return {
    async read() {
      chunks ??= stream[Symbol.asyncIterator]()
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

function isNodeStream(body: unknown): body is NodeStream {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body && 'destroy' in body
}
