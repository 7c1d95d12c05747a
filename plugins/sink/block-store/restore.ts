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

/** With a `block` it is whole, with a `why` damaged. With neither it has no manifest of this sink: it is unmanaged. */
export interface Examined extends FoundFolder {
  readonly block?: LoadedBlock
  readonly why?: string
}

interface Options {
  readonly sink: string
  readonly path: string
  readonly damage: Damage
}

/** `name` below `path`, which is '' for the root of the disk. */
export function below(path: string, name: string): string {
  return path === '' ? name : `${path}/${name}`
}

/** The folders of blocks below `path`, by one listing, one manifest a block, and what `damage` reads. Nothing is changed. */
export async function restore(
  files: LocalFiles,
  options: Options,
  host: Host,
  signal?: AbortSignal,
): Promise<readonly Examined[]> {
  const examined: Examined[] = []
  const folders = await blockFolders(await files.list(options.path), options.path, host)
  let told = host.monotonic()
  await eachBounded(folders, FOLDERS_AT_ONCE, async found => {
    signal?.throwIfAborted()
    if (host.monotonic() - told >= PROGRESS_EVERY_MS) {
      told = host.monotonic()
      host.log.info('blocks on the disk are being checked', { done: examined.length, of: folders.length })
    }
    examined.push({ ...found, ...(await examine(files, options, found)) })
  })
  return examined
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
