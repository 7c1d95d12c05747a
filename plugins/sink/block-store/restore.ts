/** What an earlier process left on the disk. */
import {
  type BlockId,
  eachBounded,
  type FileLook,
  type Host,
  inSlices,
  isBlockId,
  type LoadedBlock,
  type LocalFile,
  type LocalFiles,
  pause,
  rawMessageOf,
} from 'blockgate'
import { below } from './below.ts'
import { readKnown } from './known-blocks.ts'
import { type FilesOf, looksOf, pathsOf } from './known-writer.ts'
import { decodeManifest, MANIFEST, MANIFEST_LIMIT } from './manifest.ts'

/** Folders looked at at once. */
const FOLDERS_AT_ONCE = 16
const PROGRESS_EVERY_MS = 10_000

/** A folder that is named as a block. */
export interface FoundFolder {
  readonly id: BlockId
  /** Below the root of the disk. */
  readonly folder: string
  /** Sizes by the path in the folder. */
  readonly sizes: ReadonlyMap<string, number>
}

/** What is wrong with a block that has a manifest, as text; undefined where it is whole. A throw counts as wrong too. */
export type Damage = (files: LocalFiles, block: LoadedBlock, found: FoundFolder) => Promise<string | undefined>

/** With a `block` it is whole, with a `why` damaged. With neither it has no manifest of this sink: it is unmanaged. */
export interface Examined extends FoundFolder {
  readonly block?: LoadedBlock
  /** It is as `.blockgate-blocks` tells. Then `sizes` are not. */
  readonly isKnown?: boolean
  readonly why?: string
}

interface Options {
  readonly sink: string
  readonly path: string
  readonly damage: Damage
  readonly filesOf?: FilesOf | undefined
}

/**
 * The folders of blocks below `path`. Those that `.blockgate-blocks` tells of, and whose files look as they did, are as it says; of each other
 * one the manifest is read, and what `damage` reads. Nothing is changed.
 */
export async function restore(
  files: LocalFiles,
  options: Options,
  host: Host,
  signal?: AbortSignal,
): Promise<readonly Examined[]> {
  const { examined, others } = await unchanged(files, options, host, signal)
  let told = host.monotonic()
  await eachBounded(others, FOLDERS_AT_ONCE, async found => {
    signal?.throwIfAborted()
    if (host.monotonic() - told >= PROGRESS_EVERY_MS) {
      told = host.monotonic()
      const of = examined.length + others.length
      host.log.info('blocks on the disk are being checked', { done: examined.length, of })
    }
    examined.push({ ...found, ...(await examine(files, options, found)) })
  })
  return examined
}

/** Blocks whose files are looked at together. */
const LOOKS_AT_ONCE = 1_000

/** The blocks that are as they were known to be, and the folders of all others. */
async function unchanged(
  files: LocalFiles,
  options: Options,
  host: Host,
  signal?: AbortSignal,
): Promise<{ readonly examined: Examined[]; readonly others: readonly FoundFolder[] }> {
  const { path, filesOf } = options
  const examined: Examined[] = []
  if (!files.folders || !filesOf) return { examined, others: await blockFolders(await files.list(path), path, host) }
  const left = new Set((await files.folders(path)).filter(isBlockId))
  const known = left.size > 0 ? await readKnown(files, options, host) : []
  for (let at = 0; at < known.length; at += LOOKS_AT_ONCE) {
    signal?.throwIfAborted()
    const part = known.slice(at, at + LOOKS_AT_ONCE).filter(({ block }) => left.has(block.meta.ulid))
    const looks = await looksOf(
      files,
      part.map(({ block }) => pathsOf(path, block, filesOf(block))),
    )
    for (const [i, { block, looks: before }] of part.entries()) {
      if (!isSame(before, looks[i])) continue
      const id = block.meta.ulid
      left.delete(id)
      examined.push({ id, folder: below(path, id), sizes: NONE, block, isKnown: true })
    }
    await pause(host, LOOKS_AT_ONCE)
  }
  if (left.size > examined.length) {
    const all = await blockFolders(await files.list(path), path, host)
    return { examined, others: all.filter(({ id }) => left.has(id)) }
  }
  const listed = await eachBounded([...left], FOLDERS_AT_ONCE, id => files.list(below(path, id)))
  return { examined, others: await blockFolders(listed.flat(), path, host) }
}

const NONE: ReadonlyMap<string, number> = new Map()

function isSame(before: readonly FileLook[], now: readonly (FileLook | undefined)[] = []): boolean {
  return (
    before.length === now.length &&
    before.every(({ size, modified, inode }, i) => {
      const look = now[i]
      return look?.size === size && look.modified === modified && look.inode === inode
    })
  )
}

async function examine(
  files: LocalFiles,
  { sink, damage }: Options,
  found: FoundFolder,
): Promise<Pick<Examined, 'block' | 'why'>> {
  const size = found.sizes.get(MANIFEST)
  if (size === undefined) return {}
  if (size > MANIFEST_LIMIT) return { why: `${MANIFEST} has ${size} bytes: more than ${MANIFEST_LIMIT}` }
  try {
    const manifest = decodeManifest(await files.read(`${found.folder}/${MANIFEST}`, 0, size), found.id)
    if (!manifest) return { why: `${MANIFEST} is no manifest of this block` }
    if (manifest.sink !== sink) return {}
    const why = await damage(files, manifest.block, found)
    return why === undefined ? { block: manifest.block } : { why }
  } catch (error) {
    return { why: rawMessageOf(error) }
  }
}

/** The files below `path`, by the block in whose folder they are. */
export async function blockFolders(
  listed: readonly LocalFile[],
  path: string,
  host?: Host,
): Promise<readonly FoundFolder[]> {
  const folders = new Map<BlockId, FoundFolder & { readonly sizes: Map<string, number> }>()
  const start = below(path, '').length
  await inSlices(host, listed, file => {
    const [id = '', ...rest] = file.path.slice(start).split('/')
    if (!isBlockId(id) || rest.length === 0) return
    const found = folders.get(id) ?? { id, folder: below(path, id), sizes: new Map() }
    found.sizes.set(rest.join('/'), file.size)
    folders.set(id, found)
  })
  return [...folders.values()]
}
