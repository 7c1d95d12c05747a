/** A sink that keeps the index-header of each block on the disk, in Thanos' format and layout. */
import {
  type BlockContext,
  BlockgateError,
  type BlockId,
  type BlockSink,
  checkOptions,
  codeOf,
  ErrorCode,
  type Log,
  type PreparedBlock,
  rawMessageOf,
} from 'blockgate'
import { keyProblem } from 'blockgate/bucket'
import { type FoundFolder, Shelf, someOf, tellForeign } from 'blockgate/plugins/sink/shelf'
import * as v from 'valibot'
import { BackgroundCheck } from './background-check.ts'
import { type BuildDeps, build, indexSize } from './build.ts'
import { assertEnds, assertHeader, HEADER, headerIn, strangeFiles } from './existing.ts'
import { Gate } from './gate.ts'

export interface IndexHeadersOptions {
  /**
   * Folder of the blocks, below the config's `dir`; '' is `dir` itself. Default '': with Thanos' `--data-dir` as `dir`, its
   * index-headers are taken over, and a Thanos takes over ours.
   */
  readonly path?: string | undefined
  /** Bytes at the end of the index that are read first: they hold its TOC and usually the postings offset table. Default 262144. */
  readonly tailBytes?: number | undefined
  /** Bytes at the beginning of the index that are read beside the tail: they usually hold the symbols. Default 131072. */
  readonly headBytes?: number | undefined
}

/** Parts of all blocks together that are in memory at once. */
const PARTS_AT_ONCE = 4
const TAIL_BYTES = 256 * 1024
const HEAD_BYTES = 128 * 1024
const MAX_READ_BYTES = 16 * 1024 * 1024

/**
 * Builds `<path>/<ulid>/index-header` from one or two range reads of the block's index; needs a disk (`services.files`). Every
 * checksum and bound of what was read is checked. A block shows by one rename, so a process that dies at any byte leaves a
 * whole block or something that the next start removes. What it holds is known again after a restart without a request: sizes
 * and TOCs are checked at the start, and the rest in the background.
 *
 * Errors of a block: `corrupt-block`, `disk-full`, `not-found`, and `bucket-failed` where the index was cut or changed.
 *
 * @example const config = defineConfig({ bucket, pipeline: [scanBucket(), indexHeaders()], dir: '/var/thanos/store' })
 */
export function indexHeaders(options: IndexHeadersOptions = {}): BlockSink {
  const shelf = new Shelf({ sink: 'index-headers', path: options?.path ?? '' })
  const gate = new Gate(PARTS_AT_ONCE)
  let world: World | undefined
  let check: BackgroundCheck | undefined
  return {
    kind: 'sink',
    name: 'index-headers',
    needs: ['bucket'],
    options,
    check: () =>
      checkOptions(options, {
        path: v.optional(pathOption),
        tailBytes: v.optional(bytesOption),
        headBytes: v.optional(bytesOption),
      }),

    async start({ bucket, files, host, observer }, signal) {
      if (!files) {
        throw new BlockgateError(ErrorCode.unsupported, 'indexHeaders() must have a disk: services.files is undefined')
      }
      const foreign = new Map<BlockId, FoundFolder>()
      await shelf.start(
        files,
        host,
        {
          async damage({ meta, bytes }, { folder, sizes }) {
            const size = sizes.get(HEADER)
            if (size !== bytes) return `${HEADER} must have ${bytes} bytes: current value is ${size}`
            await assertEnds(headerIn(files, folder), size, indexSize(meta.files))
            return undefined
          },
          foreign: found => void foreign.set(found.id, found),
          observer,
        },
        signal,
      )
      tellFound([...foreign.values()], host.log)
      check = new BackgroundCheck({ files, host, shelf })
      if (!observer) check.start()
      world = {
        bucket,
        files,
        gate,
        log: host.log,
        foreign,
        tailBytes: options.tailBytes ?? TAIL_BYTES,
        headBytes: options.headBytes ?? HEAD_BYTES,
      }
    },

    async stop(signal) {
      await check?.stop()
      await shelf.settled(signal)
    },
    loaded: () => shelf.loaded,
    damaged: () => check?.damaged ?? new Set(),
    drop(id, signal) {
      check?.damaged.delete(id)
      return shelf.drop(id, signal)
    },

    async prepare(block) {
      if (!world) throw new BlockgateError(ErrorCode.stageMisuse, 'indexHeaders() must be started before it is used')
      return await prepare(world, shelf, block)
    },
  }
}

interface World extends BuildDeps {
  readonly log: Log
  /** Folders that stand where blocks would show. One that is being taken over is not among them. */
  readonly foreign: Map<BlockId, FoundFolder>
}

async function prepare(world: World, shelf: Shelf, block: BlockContext): Promise<PreparedBlock> {
  block.signal.throwIfAborted()
  const size = indexSize(block.meta.files)
  const found = world.foreign.get(block.id)
  if (found) {
    const adopted = await takeOver(world, shelf, block, found, size)
    if (adopted) return adopted
  }
  return await shelf.prepare(block, folder => build(world, block, `${folder}/${HEADER}`))
}

/** The block from the header that Thanos left, without a request; undefined where there was none that is good: it is gone now. */
async function takeOver(
  { files, foreign, log }: World,
  shelf: Shelf,
  block: BlockContext,
  found: FoundFolder,
  indexBytes: number,
): Promise<PreparedBlock | undefined> {
  const { id } = block
  const strange = strangeFiles(found)
  if (strange.length > 0) {
    throw new BlockgateError(
      ErrorCode.diskFailed,
      `folder "${found.folder}" must be free for this block: it has files that no store gateway keeps there: ${someOf(strange)}`,
    )
  }
  foreign.delete(id)
  const back = () => void foreign.set(id, found)
  const bytes = found.sizes.get(HEADER)
  if (bytes === undefined) {
    await orBack(shelf.discard(id), back)
    return undefined
  }
  try {
    block.reserve?.(bytes)
    await assertHeader(headerIn(files, found.folder), bytes, indexBytes)
  } catch (error) {
    // Somebody else has removed it meanwhile: the folder is free.
    if (codeOf(error) === ErrorCode.notFound) return undefined
    if (codeOf(error) !== ErrorCode.corruptBlock) {
      back()
      throw error
    }
    log.warn('a damaged index-header is removed from the disk and built again', {
      block: id,
      why: rawMessageOf(error),
    })
    await orBack(shelf.discard(id), back)
    return undefined
  }
  return await shelf.adopt(block, bytes, back)
}

async function orBack(work: Promise<void>, back: () => void): Promise<void> {
  try {
    await work
  } catch (error) {
    back()
    throw error
  }
}

/** One line each for what will be taken over and what is in the way. */
function tellFound(found: readonly FoundFolder[], log: Log): void {
  const strange = found.flatMap(({ id, folder, sizes }) => {
    const names = strangeFiles({ id, folder, sizes })
    return names.length > 0 ? [{ id, folder, names }] : []
  })
  const headers = found.length - strange.length
  if (headers > 0) {
    log.info('index-headers of a Thanos store will be taken over as their blocks are offered', { blocks: headers })
  }
  tellForeign(strange, log)
}

const pathOption = v.pipe(
  v.string(),
  v.check(path => path === '' || keyProblem(path) === undefined, "be '' or a relative path with '/', without '..'"),
)
const bytesOption = v.pipe(
  v.number(),
  v.integer('be an integer'),
  v.minValue(64, 'be >= 64'),
  v.maxValue(MAX_READ_BYTES, `be <= ${MAX_READ_BYTES}`),
)
