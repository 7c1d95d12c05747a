/** What an earlier process left on the disk. */
import {
  type BlockId,
  eachBounded,
  type Host,
  inSlices,
  isBlockId,
  type LoadedBlock,
  type LocalFile,
  type LocalFiles,
  rawMessageOf,
} from 'blockgate'
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

export interface Restored {
  readonly whole: readonly LoadedBlock[]
  readonly damaged: readonly (FoundFolder & { readonly why: string })[]
  /** Without a manifest of this sink: somebody else's. */
  readonly unmanaged: readonly FoundFolder[]
}

/** `name` below `path`, which is '' for the root of the disk. */
export function below(path: string, name: string): string {
  return path === '' ? name : `${path}/${name}`
}

/** The folders of blocks below `path`, by one listing, one manifest a block, and what `damage` reads. Nothing is changed. */
export async function restore(
  files: LocalFiles,
  { sink, path, damage }: { readonly sink: string; readonly path: string; readonly damage: Damage },
  host: Host,
  signal?: AbortSignal,
): Promise<Restored> {
  const restored = {
    whole: [] as LoadedBlock[],
    damaged: [] as Restored['damaged'][number][],
    unmanaged: [] as FoundFolder[],
  }
  const folders = await blockFolders(await files.list(path), path, host)
  let told = host.monotonic()
  let done = 0
  await eachBounded(folders, FOLDERS_AT_ONCE, async found => {
    signal?.throwIfAborted()
    if (host.monotonic() - told >= PROGRESS_EVERY_MS) {
      told = host.monotonic()
      host.log.info('blocks on the disk are being checked', { done, of: folders.length })
    }
    const seen = await examine(files, sink, damage, found)
    if (seen === 'unmanaged') restored.unmanaged.push(found)
    else if ('why' in seen) restored.damaged.push({ ...found, ...seen })
    else restored.whole.push(seen)
    done++
  })
  return restored
}

/** The block in the folder, or what is wrong with it. */
async function examine(
  files: LocalFiles,
  sink: string,
  damage: Damage,
  found: FoundFolder,
): Promise<LoadedBlock | { readonly why: string } | 'unmanaged'> {
  const size = found.sizes.get(MANIFEST)
  if (size === undefined) return 'unmanaged'
  if (size > MANIFEST_LIMIT)
    return { why: `${MANIFEST} must have <= ${MANIFEST_LIMIT} bytes: current value is ${size}` }
  try {
    const manifest = decodeManifest(await files.read(`${found.folder}/${MANIFEST}`, 0, size), found.id)
    if (!manifest) return { why: `${MANIFEST} must be a manifest of this block` }
    if (manifest.sink !== sink) return 'unmanaged'
    const why = await damage(files, manifest.block, found)
    return why === undefined ? manifest.block : { why }
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
