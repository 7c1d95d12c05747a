/** Objects as files below one directory. Node and Deno. */
import { statfs } from 'node:fs/promises'
import { BlockgateError, type Bucket, BucketError, checkOptions, Turns } from 'blockgate'
import { prefixed } from 'blockgate/bucket'
import * as v from 'valibot'
import { Folders } from './folder.ts'
import { codeOfFs, pathOf, realRoot } from './inside.ts'
import { listPage } from './list.ts'
import { readObject } from './read.ts'
import { TempFiles } from './temp.ts'
import { removeObject, writeObject } from './write.ts'

export interface FsOptions {
  /** The directory; it must exist. Required. It may be reached through a link, nothing below it is. */
  readonly root: string | undefined
  /** The folder of the blocks below the root, such as 'team-a/blocks'. Default: the root. */
  readonly prefix?: string | undefined
}

/**
 * A bucket on a directory. Keys are held to the strict rules of `keyProblem`; symbolic links and special files are no
 * objects: never read, listed or written through. Calls fail with `invalid-key` or `bucket-failed`.
 *
 * @example
 * const bucket = fs({ root: '/var/lib/blocks' })
 * const page = await bucket.list('', { delimiter: '/', signal })
 */
export function fs(options: FsOptions): Bucket {
  return prefixed(wholeBucket(options), options?.prefix)
}

function wholeBucket(options: FsOptions): Bucket {
  /** One write to a key at a time: an etag is compared and the file replaced in two steps. */
  const writes = new Turns<string>()
  let opened: Promise<Opened> | undefined
  const open = async () => {
    opened ??= openRoot(options?.root ?? '')
    try {
      return await opened
    } catch (error) {
      // The directory may be there at the next call.
      opened = undefined
      throw error
    }
  }
  /** What the file system throws becomes a BucketError; errors of ours and the signal's reason stay as they are. */
  const call = async <T>(what: string, signal: AbortSignal, work: (at: Opened) => Promise<T>): Promise<T> => {
    signal.throwIfAborted()
    try {
      return await work(await open())
    } catch (error) {
      if (signal.aborted || error instanceof BlockgateError) throw error
      throw new BucketError(`cannot ${what}: it failed with ${codeOfFs(error)}`, { cause: error })
    }
  }
  return {
    name: 'fs',
    options,
    check: () =>
      checkOptions(options, {
        root: v.pipe(v.string(), v.check(isPath, 'be a path without NUL')),
        prefix: v.optional(v.any()), // prefixed() checks it
      }),
    async start({ host }) {
      const { root, folders } = await open()
      // Deno may not be allowed to ask.
      const type = await statfs(root).then(
        found => found.type,
        () => undefined,
      )
      folders.pace.begin(host, type)
    },
    list: (prefix, list) =>
      call(`list prefix "${prefix}"`, list.signal, ({ root, folders }) => listPage(root, folders, prefix, list)),
    get: (key, { range, signal }) =>
      call(`read object "${key}"`, signal, ({ root }) => readObject(root, key, range, signal)),
    put: (key, body, { if: condition, signal }) =>
      call(`write object "${key}"`, signal, async ({ root, temps }) => {
        pathOf(root, key)
        return await writes.run(key, () => writeObject(root, temps, key, body, condition, signal))
      }),
    delete: (key, { signal }) =>
      call(`delete object "${key}"`, signal, async ({ root }) => {
        pathOf(root, key)
        await writes.run(key, () => removeObject(root, key))
      }),
    async stop() {
      // A root that cannot be opened has told its caller so, and holds nothing of ours.
      const current = await opened?.catch(() => undefined)
      await current?.temps.remove()
    },
  }
}

type Opened = Awaited<ReturnType<typeof openRoot>>

async function openRoot(given: string) {
  const root = await realRoot(given)
  return { root, folders: new Folders(root), temps: new TempFiles(root) }
}

function isPath(path: string): boolean {
  return path !== '' && !path.includes('\0')
}
