/** A sink that mirrors whole blocks to the disk. A block shows when all of it is there, and not before. */
import {
  type BlockContext,
  type BlockFile,
  BlockgateError,
  type BlockSink,
  checkOptions,
  ErrorCode,
  type LocalFiles,
  type PreparedBlock,
  type Services,
} from 'blockgate'
import { keyProblem } from 'blockgate/bucket'
import { type Foreign, Shelf, tellForeign } from 'blockgate/plugins/sink/shelf'
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
  const shelf = new Shelf({ sink: 'directory', path: options?.path ?? 'blocks' })
  let world: World | undefined
  return {
    kind: 'sink',
    name: 'directory',
    needs: ['bucket'],
    options,
    check: () => checkOptions(options, { path: v.optional(pathOption), verify: v.optional(v.boolean()) }),

    async start({ bucket, files, host, observer }, signal) {
      if (!files) {
        throw new BlockgateError(ErrorCode.unsupported, 'directory() must have a disk: services.files is undefined')
      }
      const foreign: Foreign[] = []
      await shelf.start(
        files,
        host,
        {
          damage: async ({ meta }, { sizes }) => misfit(meta.files, sizes),
          foreign: ({ id, folder, sizes }) => void foreign.push({ id, folder, names: [...sizes.keys()] }),
          observer,
        },
        signal,
      )
      tellForeign(foreign, host.log)
      world = { bucket, files, verify: options.verify ?? true }
    },

    stop: signal => shelf.settled(signal),
    loaded: () => shelf.loaded,
    open: id => shelf.open(id),
    drop: (id, signal) => shelf.drop(id, signal),

    async prepare(block) {
      if (!world) throw new BlockgateError(ErrorCode.stageMisuse, 'directory() must be started before it is used')
      return await prepare(world, shelf, block)
    },
  }
}

interface World extends Pick<Services, 'bucket'> {
  readonly files: LocalFiles
  readonly verify: boolean
}

async function prepare(world: World, shelf: Shelf, block: BlockContext): Promise<PreparedBlock> {
  block.signal.throwIfAborted()
  const bytes = checkedBytes(block.meta.files)
  block.reserve?.(bytes)
  await assertRoom(world.files, bytes)
  return await shelf.prepare(block, async folder => {
    await mirror(world, block, folder)
    return bytes
  })
}

/** What differs from the meta, as text. */
function misfit(files: readonly BlockFile[], sizes: ReadonlyMap<string, number>): string | undefined {
  for (const { path, size } of files) {
    const actual = sizes.get(path)
    if (actual !== size) return `${path} must have ${size} bytes: current value is ${actual}`
  }
  return undefined
}

/** Early and clear; a disk that fills up meanwhile fails the write, with the same code. */
async function assertRoom(files: LocalFiles, bytes: number): Promise<void> {
  const free = await files.free()
  if (free >= bytes) return
  throw new BlockgateError(
    ErrorCode.diskFull,
    `free disk must be >= ${bytes} bytes for this block: current value is ${free}`,
  )
}

const pathOption = v.pipe(
  v.string(),
  v.check(path => keyProblem(path) === undefined, "be a relative path with '/', without '..'"),
)
