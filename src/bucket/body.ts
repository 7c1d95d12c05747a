/** The body of a `get`, made once for every bucket: it ends exactly once, however it ends. */
import type { ObjectBody, ObjectInfo } from '../contracts/bucket.ts'
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'

/** Where the bytes of a body come from. */
export interface BodySource {
  /** The next bytes; undefined at the end. Never called again after that, nor after a rejection. */
  read(): Promise<Uint8Array | undefined>
  /** Called once: at the end, after an error, an abort, a cancel or a dispose, whichever comes first. */
  close(how: BodyEnd): Promise<void> | void
}

/** How a body ended: `error` where reading failed or the signal aborted. */
export type BodyEnd =
  | { readonly end: 'read' }
  | { readonly end: 'cancelled' }
  | { readonly end: 'error'; readonly error: unknown }

/**
 * A body over `source`. Nothing is read before it is asked for, so a slow reader holds the source back. The signal
 * aborts a body that is half read: the stream then rejects with its reason.
 */
export function objectBody(info: ObjectInfo, source: BodySource, signal: AbortSignal): ObjectBody {
  let closed: Promise<void> | undefined
  let controller: ReadableStreamDefaultController<Uint8Array>
  /** Read to the end, or let go of: nothing may be taken for the object's bytes any more. */
  let spent = false
  const close = (how: BodyEnd): Promise<void> => {
    signal.removeEventListener('abort', onAbort)
    spent ||= how.end !== 'error'
    closed ??= Promise.resolve(source.close(how))
    return closed
  }
  const fail = (error: unknown): void => {
    controller.error(error)
    // Nobody awaits this close: its error would only hide the one that the reader gets.
    if (!closed) close({ end: 'error', error }).catch(() => {})
  }
  const onAbort = () => fail(signal.reason)
  const stream = new ReadableStream<Uint8Array>(
    {
      start(c) {
        controller = c
      },
      async pull() {
        try {
          const chunk = await source.read()
          if (closed) return
          if (chunk !== undefined) return controller.enqueue(chunk)
          await close({ end: 'read' })
          controller.close()
        } catch (error) {
          fail(error)
        }
      },
      cancel: () => close({ end: 'cancelled' }),
    },
    { highWaterMark: 0 },
  )
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  const gone = () =>
    new BlockgateError(
      ErrorCode.bucketFailed,
      `body of ${JSON.stringify(info.key)} must be read once, before it is disposed`,
    )
  return {
    info,
    stream,
    async bytes(limit) {
      if (spent) throw gone()
      return await readAll(info.key, stream, limit)
    },
    async [Symbol.asyncDispose]() {
      if (closed) return await closed
      const closing = close({ end: 'cancelled' })
      // Whoever still holds a reader must not take the end of the stream for the end of the object.
      controller.error(gone())
      await closing
    },
  }
}

/** A stream of another's as a source; `close` cancels what is not read. */
export function streamSource(stream: ReadableStream<Uint8Array>): BodySource {
  const reader = stream.getReader()
  return {
    async read() {
      const { done, value } = await reader.read()
      return done ? undefined : value
    },
    async close(how) {
      if (how.end === 'read') reader.releaseLock()
      else if (how.end === 'cancelled') await reader.cancel()
      // An errored stream rejects a cancel with the error its reader has seen already.
      else await reader.cancel(how.error).catch(() => {})
    },
  }
}

async function readAll(key: string, stream: ReadableStream<Uint8Array>, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  const reader = stream.getReader()
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      size += next.value.length
      if (size > limit) {
        await reader.cancel()
        throw new BlockgateError(
          ErrorCode.bodyTooLarge,
          `body of ${JSON.stringify(key)} must have <= ${limit} bytes: it has more`,
        )
      }
      chunks.push(next.value)
    }
  } finally {
    reader.releaseLock()
  }
  const all = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}
