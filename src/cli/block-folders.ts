/** A block's folder on a disk, or in the bucket of a config. */
import { basename } from 'node:path'
import { retried } from '../bucket/wrappers/retried.ts'
import type { ResolvedConfig } from '../config/config.ts'
import type { BlockId } from '../contracts/block.ts'
import type { Bucket, Host } from '../contracts/host.ts'
import { memoryState } from '../contracts/state.ts'
import { localFiles } from '../runtime/node.ts'
import type { BlockFolder } from './block/folder.ts'
import { usageError } from './exit.ts'

export async function diskFolder(where: string): Promise<BlockFolder> {
  const local = localFiles(where)
  const files = [...(await local.list(''))].sort((a, b) => (a.path < b.path ? -1 : 1))
  return { where, name: basename(where), files, read: (...range) => local.read(...range) }
}

/** Calls `work` with the block's folder; a folder that does not exist has no files. Only the bucket is started. */
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
    const files = await list(bucket, `${id}/`, signal)
    return await work({
      where: `${id}/ in bucket ${raw.name}`,
      name: id,
      files,
      async read(path, offset, length) {
        await using body = await bucket.get(`${id}/${path}`, { range: { offset, length }, signal })
        const bytes = await body?.bytes(length)
        if (bytes?.length === length) return bytes
        const found = bytes?.length ?? 'none'
        throw new Error(`${path}: must have ${length} bytes from ${offset}: current value is ${found}`)
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
