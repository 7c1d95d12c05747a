/** Reads an object, or a range of it, chunk by chunk from the open file. */
import { lstat } from 'node:fs/promises'
import { BucketError, type ObjectBody, type Range } from 'blockgate'
import { objectBody, resolveRange, type Span } from 'blockgate/bucket'
import { infoOf, openInside, pathOf } from './inside.ts'

const CHUNK_BYTES = 64 * 1024

/** The object `key` below `root`, undefined where there is none; its file stays open until the body ends, however it ends. */
export async function readObject(
  root: string,
  key: string,
  range: Range | undefined,
  signal: AbortSignal,
): Promise<ObjectBody | undefined> {
  const opened = await openInside(pathOf(root, key))
  if (!opened) {
    // A root that has gone is a failure of the bucket; it says nothing about its objects.
    await lstat(root)
    return undefined
  }
  const { handle, stats } = opened
  const info = infoOf(key, stats)
  let part: Span
  try {
    part = resolveRange(range, info.size)
  } catch (error) {
    await handle.close()
    throw error
  }
  let at = part.from
  return objectBody(
    info,
    {
      async read() {
        if (at >= part.to) return undefined
        const chunk = new Uint8Array(Math.min(CHUNK_BYTES, part.to - at))
        const { bytesRead } = await handle.read(chunk, 0, chunk.length, at)
        // A file that something else shortens must not pass for a whole object.
        if (bytesRead === 0) throw new BucketError(`object "${key}" must have ${info.size} bytes: it ended at ${at}`)
        at += bytesRead
        return chunk.subarray(0, bytesRead)
      },
      close: () => handle.close(),
    },
    signal,
  )
}
