/** A sink that mirrors whole blocks to the disk. A block shows when all of it is there, and not before. */
import {
  type BlockContext,
  BlockgateError,
  type BlockSink,
  checkOptions,
  ErrorCode,
  keyProblem,
  type LocalFiles,
  orAborted,
  type PreparedBlock,
  rawMessageOf,
  type Services,
} from 'blockgate'
import * as v from 'valibot'
import { HeldBlock } from './held-block.ts'
import { encodeManifest, MANIFEST } from './manifest.ts'
import { checkedBytes, mirror } from './mirror.ts'
import { restore } from './restore.ts'
import { Shelf } from './shelf.ts'

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
  const path = options.path ?? 'blocks'
  const temp = `${path}/.blockgate-tmp`
  const shelf = new Shelf(path, temp)
  let world: World | undefined
  return {
    kind: 'sink',
    name: 'directory',
    check: () => checkOptions(options, { path: v.optional(pathOption), verify: v.optional(v.boolean()) }),

    async start({ bucket, files, host }) {
      if (!files) {
        throw new BlockgateError(ErrorCode.unsupported, 'directory() must have a disk: services.files is undefined')
      }
      await files.remove(temp)
      const blocks = await restore(files, path, temp, host.log)
      const held = blocks.map(block => new HeldBlock(files, `${path}/${block.meta.ulid}`, block))
      shelf.fill(held, host.log)
      world = { bucket, files, log: host.log, verify: options.verify ?? true }
    },

    async stop(signal) {
      // Time may be up before the last reader closed: the next start removes what is left.
      await orAborted(shelf.settled(), signal).catch(() => {})
    },

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
  readonly log: Services['host']['log']
  readonly verify: boolean
}

async function prepare(world: World, shelf: Shelf, block: BlockContext): Promise<PreparedBlock> {
  const { meta, lease, signal } = block
  signal.throwIfAborted()
  const bytes = checkedBytes(meta.files)
  await assertRoom(world.files, bytes)
  const loaded = { meta, bytes, fence: lease?.fence }
  const folder = shelf.tempFolder(block.id)
  try {
    await mirror(world, block, folder)
    await world.files.writeAtomic(`${folder}/${MANIFEST}`, encodeManifest(loaded), signal)
    signal.throwIfAborted()
  } catch (error) {
    await discard(world, block, folder)
    throw error
  }
  const held = new HeldBlock(world.files, folder, loaded)
  let committed: Promise<void> | undefined
  let disposed: Promise<void> | undefined
  return {
    bytes,
    async commit() {
      if (disposed) throw new BlockgateError(ErrorCode.stageMisuse, `disposed block ${block.id} must not be committed`)
      committed ??= shelf.show(held)
      await committed
    },
    async [Symbol.asyncDispose]() {
      const away = () => discard(world, block, folder)
      disposed ??= committed ? committed.catch(away) : away()
      await disposed
    },
  }
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

/** Why the block failed matters more than what is left of it: the next start removes that. */
async function discard({ files, log }: World, block: BlockContext, folder: string): Promise<void> {
  try {
    await files.remove(folder)
  } catch (error) {
    log.warn('temp files of a block stay on the disk until the next start', {
      block: block.id,
      error: rawMessageOf(error),
    })
  }
}

const pathOption = v.pipe(
  v.string(),
  v.check(path => keyProblem(path) === undefined, "be a relative path with '/', without '..'"),
)
