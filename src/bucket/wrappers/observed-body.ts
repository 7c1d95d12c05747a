/** A body that tells how it ended: what the wrappers that watch requests have in common. */
import type { ObjectBody } from '../../contracts/bucket.ts'
import { type BodyEnd, objectBody, streamSource } from '../body.ts'

/** `body`, with `ended` called once: at its end, after an error, an abort, a cancel or a dispose. `bytes` is what was read. */
export function observedBody(
  body: ObjectBody,
  signal: AbortSignal,
  ended: (how: BodyEnd, bytes: number) => void,
): ObjectBody {
  const inner = streamSource(body.stream)
  let bytes = 0
  return objectBody(
    body.info,
    {
      async read() {
        const chunk = await inner.read()
        bytes += chunk?.length ?? 0
        return chunk
      },
      async close(how) {
        ended(how, bytes)
        await inner.close(how)
        await body[Symbol.asyncDispose]()
      },
    },
    signal,
  )
}
