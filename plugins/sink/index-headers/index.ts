/** A sink that keeps the index-header of each block on the disk, in Thanos' format and layout. */
import {
  type BlockContext,
  BlockgateError,
  type BlockSink,
  type BucketReader,
  checkOptions,
  codeOf,
  ErrorCode,
  type Log,
  rawMessageOf,
} from 'blockgate'
import { keyProblem, Places } from 'blockgate/bucket'
import { BlockStore, type FoundFolder } from 'blockgate/plugins/sink/block-store'
import * as v from 'valibot'
import { BackgroundCheck } from './background-check.ts'
import { build } from './build.ts'
import { assertEnds, assertHeader, CACHES, HEADER, headerIn, indexSize } from './header.ts'
import { remoteReader } from './remote-reader.ts'

export interface IndexHeadersOptions {
  /**
   * Folder of the blocks, below the config's `dir`; '' is `dir` itself. Default '': with Thanos' `--data-dir` as `dir`, its
   * index-headers are imported, and a Thanos takes over ours.
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
  const places = new Places(PARTS_AT_ONCE)
  const store = new BlockStore({
    sink: 'index-headers',
    path: options?.path ?? '',
    mayGo: name => CACHES.test(name),
    filesOf: ({ bytes }) => [{ path: HEADER, size: bytes }],
    async damage(files, { meta, bytes }, { folder, sizes }) {
      const size = sizes.get(HEADER)
      if (size !== bytes) return `${HEADER} must have ${bytes} bytes: current value is ${size}`
      await assertEnds(headerIn(files, folder), size, indexSize(meta.files))
      return undefined
    },
    verify: (files, { meta, bytes }, folder) => assertHeader(headerIn(files, folder), bytes, indexSize(meta.files)),
  })
  const check = new BackgroundCheck(store)
  const fill = (block: BlockContext) => {
    const { tailBytes = TAIL_BYTES, headBytes = HEAD_BYTES } = options
    const deps = { bucket, store, places, tailBytes, headBytes }
    return (folder: string) => build(deps, block, `${folder}/${HEADER}`)
  }
  let bucket: BucketReader
  let log: Log
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

    async start(services, signal) {
      bucket = services.bucket
      log = services.host.log
      const found = await store.start(services, signal)
      const message = 'index-headers of a Thanos store are imported as their blocks are offered'
      if (found.length > 0) log.info(message, { blocks: found.length })
      if (!services.observer) check.start(services.host)
    },

    async stop(signal) {
      await check.stop()
      await store.stop(signal)
    },
    loaded: () => store.loaded,
    open(id) {
      const bytes = store.loaded.get(id)?.bytes
      const held = bytes === undefined ? undefined : store.open(id, new Map([[HEADER, bytes]]))
      return held && bytes !== undefined ? remoteReader(held, bytes, bucket, `${id}/`) : undefined
    },
    warm: store.warm(fill),
    damaged: () => check.damaged,
    offered: meta => store.offered(meta),
    drop(id, signal) {
      return store.drop(id, signal, !check.damaged.delete(id))
    },

    async prepare(block) {
      block.signal.throwIfAborted()
      if (block.path !== `${block.id}/`) throw new BlockgateError(ErrorCode.unsupported, elsewhere(block.path))
      indexSize(block.meta.files)
      const ahead = await store.prepareWarm(block)
      if (ahead) return ahead
      const imported = await store.import(block, found => bytesOf(found, block, store, log))
      if (imported) return imported
      return await store.prepare(block, fill(block))
    },
  }
}

/** The bytes of the header that another store gateway left in the folder; undefined where there is none that is good. */
async function bytesOf(
  { folder, sizes }: FoundFolder,
  block: BlockContext,
  { files }: BlockStore,
  log: Log,
): Promise<number | undefined> {
  const bytes = sizes.get(HEADER)
  if (bytes === undefined) return undefined
  block.reserve?.(bytes)
  try {
    await assertHeader(headerIn(files, folder), bytes, indexSize(block.meta.files))
    return bytes
  } catch (error) {
    if (codeOf(error) !== ErrorCode.corruptBlock) throw error
    const message = 'a damaged index-header is removed from the disk and built again'
    log.warn(message, { block: block.id, why: rawMessageOf(error) })
    return undefined
  }
}

/** Queries read the block where its id says. */
function elsewhere(path: string): string {
  return `index-headers needs blocks at the root, or below the bucket's prefix: ${path} is below a folder; take directory()`
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
