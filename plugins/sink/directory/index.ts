/** A sink that mirrors whole blocks to the disk. A block shows when all of it is there, and not before. */
import { type BlockSink, type BucketReader, checkOptions } from 'blockgate'
import { keyProblem } from 'blockgate/bucket'
import { BlockStore } from 'blockgate/plugins/sink/block-store'
import * as v from 'valibot'
import { checkedBytes, mirror } from './mirror.ts'

export interface DirectoryOptions {
  /** Folder of the blocks, below the config's `dir`; no other sink may use it. Default 'blocks'. */
  readonly path?: string | undefined
  /** Compare the SHA-256 of every file for which the meta gives one. Sizes are always compared. Default true. */
  readonly verify?: boolean | undefined
}

/**
 * Mirrors every file of a block into `<path>/<ulid>/`; needs a disk (`services.files`). A block is copied into a temp
 * folder and shown by one rename, so a process that dies at any byte leaves a whole block or something that the next
 * start removes. What it holds is known again after a restart without a request.
 *
 * Errors of a block: `disk-full`, `corrupt-block` (sizes or SHA-256 differ from the meta), `not-found`.
 *
 * @example const config = defineConfig({ bucket, pipeline: [scanBucket(), directory({ path: 'blocks' })] })
 */
export function directory(options: DirectoryOptions = {}): BlockSink {
  let bucket: BucketReader
  const store = new BlockStore({
    sink: 'directory',
    path: options?.path ?? 'blocks',
    filesOf: ({ meta }) => meta.files,
    async damage(_, { meta }, { sizes }) {
      const wrong = meta.files.find(({ path, size }) => sizes.get(path) !== size)
      return wrong && `${wrong.path} must have ${wrong.size} bytes: current value is ${sizes.get(wrong.path)}`
    },
  })
  return {
    kind: 'sink',
    name: 'directory',
    needs: ['bucket'],
    options,
    check: () => checkOptions(options, { path: v.optional(pathOption), verify: v.optional(v.boolean()) }),

    async start(services, signal) {
      bucket = services.bucket
      await store.start(services, signal)
    },

    stop: signal => store.stop(signal),
    loaded: () => store.loaded,
    offered: meta => store.offered(meta),
    open: id => store.open(id),
    drop: (id, signal) => store.drop(id, signal),

    async prepare(block) {
      block.signal.throwIfAborted()
      const bytes = checkedBytes(block.meta.files)
      await store.reserve(block, bytes)
      return await store.prepare(block, async folder => {
        await mirror({ bucket, files: store.files, verify: options.verify ?? true }, block, folder)
        return bytes
      })
    },
  }
}

const pathOption = v.pipe(
  v.string(),
  v.check(path => keyProblem(path) === undefined, "be a relative path with '/', without '..'"),
)
