/** The body of a `get`, made once for every bucket: it ends exactly once, however it ends. */
import { joined } from '../async/bytes.ts'
import type { ObjectBody, ObjectInfo } from '../contracts/bucket.ts'
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'
import { BucketError } from './error.ts'

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

/** Told of what happens to a body: a stream around its stream would cost more than all else that a request costs here. */
export interface BodyWatch {
  read(bytes: number): void
  /** Called once. */
  ended(how: BodyEnd): void
}

/** A body of objectBody(), which knows itself: a copy with another `stream` or dispose is another's. */
interface WatchedBody extends ObjectBody {
  self?: ObjectBody
  readonly watch: (watch: BodyWatch) => void
}

/** A body that objectBody() made tells `watch`. False: it is another's. */
export function watchBody(body: ObjectBody | WatchedBody, watch: BodyWatch): boolean {
  if (!('self' in body) || body.self !== body) return false
  body.watch(watch)
  return true
}

/**
 * A body over `source`. Nothing is read before it is asked for, so a slow reader holds the source back. The signal
 * aborts a body that is half read: the stream then rejects with its reason.
 */
export function objectBody(info: ObjectInfo, source: BodySource, signal: AbortSignal): ObjectBody {
  const watches: BodyWatch[] = []
  let ended: BodyEnd | undefined
  let closed: Promise<void> | undefined
  let controller: ReadableStreamDefaultController<Uint8Array>
  const close = (how: BodyEnd): Promise<void> => {
    signal.removeEventListener('abort', onAbort)
    if (!ended) {
      ended = how
      for (const watch of watches) watch.ended(how)
    }
    closed ??= Promise.resolve(source.close(how))
    return closed
  }
  const fail = (error: unknown): void => {
    controller.error(error)
    // Nobody awaits this close: its error would only hide the one that the reader gets.
    if (!ended) close({ end: 'error', error }).catch(() => {})
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
          if (ended) return
          if (chunk !== undefined) {
            for (const watch of watches) watch.read(chunk.length)
            return controller.enqueue(chunk)
          }
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
  const key = JSON.stringify(info.key)
  const gone = () => new BlockgateError(ErrorCode.bucketFailed, `body of ${key} was read or disposed before`)
  const body: WatchedBody = {
    info,
    stream,
    watch(watch) {
      watches.push(watch)
      if (ended) watch.ended(ended)
    },
    async bytes(limit) {
      // The end of what was read or let go of must not pass for the end of the object.
      if (ended && ended.end !== 'error') throw gone()
      const chunks: Uint8Array[] = []
      let size = 0
      for await (const chunk of stream) {
        size += chunk.length
        if (size > limit) {
          throw new BlockgateError(ErrorCode.bodyTooLarge, `body of ${key} has more than ${limit} bytes`)
        }
        chunks.push(chunk)
      }
      return joined(chunks, size)
    },
    async [Symbol.asyncDispose]() {
      if (closed) return await closed
      const closing = close({ end: 'cancelled' })
      // Nor may it for whoever still holds a reader.
      controller.error(gone())
      await closing
    },
  }
  body.self = body
  return body
}

/** What is used of a ReadableStream. */
export interface ByteStream {
  getReader(): {
    read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>
    cancel(reason?: unknown): Promise<void>
    releaseLock(): void
  }
}

/** A stream of another's as a source; what is not read of it is cancelled. */
export function streamSource(stream: ByteStream): BodySource {
  const reader = stream.getReader()
  return {
    async read() {
      const { done, value } = await reader.read()
      return done ? undefined : value
    },
    async close(how) {
      if (how.end === 'read') reader.releaseLock()
      // An errored stream rejects a cancel with the error that its reader has seen, or does not want to see.
      else await reader.cancel(how.end === 'error' ? how.error : undefined).catch(() => {})
    },
  }
}

/**
 * `source`, which must give `size` bytes: a connection that breaks may look like an early end. `what` begins the message of the
 * error: `cannot read object "a"`.
 */
export function exactBytes(what: string, size: number, source: BodySource): BodySource {
  let seen = 0
  return {
    ...source,
    async read() {
      const chunk = await source.read()
      seen += chunk?.length ?? 0
      if (chunk ? seen <= size : seen === size) return chunk
      const came = chunk ? `more than ${size}` : `${seen} of ${size}`
      throw new BucketError(`${what}: ${came} bytes came`, { retryable: true })
    },
  }
}
