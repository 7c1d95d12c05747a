/** Reads an object, or a range of it, chunk by chunk from the open file. */
import { lstat } from 'node:fs/promises'
import { BucketError, type ObjectBody, type Range } from 'blockgate'
import { objectBody, resolveRange } from 'blockgate/bucket'
import { infoOf, openInside, pathOf } from './inside.ts'

const CHUNK_BYTES = 64 * 1024

/** The object `key` below `root`, undefined where there is none; its file stays open until the body ends, however it ends. */
export async function readObject(
  root: string,
  key: string,
  range: Range | undefined,
  signal: AbortSignal,
): Promise<ObjectBody | undefined> {
  resolveRange(range, 0) // throws for a range of no numbers
  const opened = await openInside(pathOf(root, key))
  if (!opened) {
    // A root that has gone is a failure of the bucket; it says nothing about its objects.
    await lstat(root)
    return undefined
  }
  const { handle, stats } = opened
  const info = infoOf(key, stats)
  const { from, to } = resolveRange(range, info.size)
  let at = from
  return objectBody(
    info,
    {
      async read() {
        if (at >= to) return undefined
        const chunk = new Uint8Array(Math.min(CHUNK_BYTES, to - at))
        const { bytesRead } = await handle.read(chunk, 0, chunk.length, at)
        // A file that something else shortens must not pass for a whole object.
        if (bytesRead === 0) throw new BucketError(`object "${key}" ended after ${at} of ${info.size} bytes`)
        at += bytesRead
        return chunk.subarray(0, bytesRead)
      },
      close: () => handle.close(),
    },
    signal,
  )
}
