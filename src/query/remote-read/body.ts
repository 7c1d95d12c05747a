/** The body of an answer that is made while it is sent. */
import { BlockgateError, ErrorCode } from '../../contracts/errors.ts'

/**
 * The parts as a stream, one ahead of the client. An error of the first one is thrown, not streamed: what is wrong with a query is an
 * answer of its own.
 *
 * @param signal breaks the stream off: somebody who takes nothing more would hold its blocks for ever
 * @param onEnd called once, when all was taken, with the error that breaks it off, or where nobody reads on
 */
export async function bodyOf(
  parts: AsyncGenerator<Uint8Array, void, undefined>,
  signal: AbortSignal,
  onEnd: ((error?: unknown) => void) | undefined,
): Promise<ReadableStream<Uint8Array>> {
  const first = await parts.next()
  let broken = () => {}
  const end = (error?: unknown) => {
    signal.removeEventListener('abort', broken)
    onEnd?.(error)
  }
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        broken = () => {
          controller.error(signal.reason)
          end(signal.reason)
          void parts.return().catch(() => {})
        }
        if (signal.aborted) return broken()
        signal.addEventListener('abort', broken, { once: true })
        if (!first.done) controller.enqueue(first.value)
      },
      async pull(controller) {
        try {
          const { done, value } = await parts.next()
          if (signal.aborted) return
          if (!done) return controller.enqueue(value)
          controller.close()
          end()
        } catch (error) {
          end(error)
          throw error
        }
      },
      async cancel() {
        end(new BlockgateError(ErrorCode.aborted, 'nobody reads on'))
        await parts.return()
      },
    },
    { highWaterMark: 1 },
  )
}
