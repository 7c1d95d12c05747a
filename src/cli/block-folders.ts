/** A block's folder on a disk, or in the bucket of a config. */
import { basename, resolve } from 'node:path'
import { retried } from '../bucket/wrappers/retried.ts'
import type { ResolvedConfig } from '../config/config.ts'
import type { BlockId } from '../contracts/block.ts'
import type { Bucket, Host } from '../contracts/host.ts'
import { memoryState } from '../contracts/state.ts'
import { localFiles } from '../runtime/node.ts'
import { usageError } from './exit.ts'
import type { BlockFolder } from './inspect-block.ts'

export async function diskFolder(path: string): Promise<BlockFolder> {
  const where = resolve(path)
  const files = localFiles(where)
  const listed = [...(await files.list(''))].sort((a, b) => (a.path < b.path ? -1 : 1))
  return {
    where,
    name: basename(where),
    files: listed,
    read: (file, offset, length) => files.read(file, offset, length),
  }
}

/** Calls `work` with the block's folder, with no file in it where there is none. The bucket is started, and nothing else. */
export async function withBucketFolder<T>(
  { bucket: raw, instance }: ResolvedConfig,
  host: Host,
  id: BlockId,
  work: (folder: BlockFolder) => Promise<T>,
): Promise<T> {
  if (!raw) throw usageError('the config has no bucket to look into')
  const { signal } = new AbortController()
  const bucket = retried(raw, host)
  await raw.start?.({ host, bucket, instance, files: undefined, state: memoryState(), observer: true })
  try {
    return await work({
      where: `${id}/ in bucket ${raw.name}`,
      name: id,
      files: await list(bucket, `${id}/`, signal),
      async read(file, offset, length) {
        await using body = await bucket.get(`${id}/${file}`, { range: { offset, length }, signal })
        const bytes = await body?.bytes(length)
        if (bytes?.length === length) return bytes
        throw new Error(
          `${file}: must have ${length} bytes from ${offset}: current value is ${bytes?.length ?? 'none'}`,
        )
      },
    })
  } finally {
    await raw.stop?.(signal)
  }
}

async function list(bucket: Bucket, prefix: string, signal: AbortSignal): Promise<BlockFolder['files']> {
  const files: { path: string; size: number }[] = []
  let cursor: string | undefined
  do {
    const page = await bucket.list(prefix, { cursor, signal })
    for (const { error } of page.unreadable ?? []) throw error
    for (const { key, size } of page.objects) files.push({ path: key.slice(prefix.length), size })
    cursor = page.cursor
  } while (cursor !== undefined)
  return files
}
