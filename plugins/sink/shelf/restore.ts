/** What an earlier process left on the disk. */
import {
  type BlockId,
  type Host,
  inSlices,
  isBlockId,
  type LoadedBlock,
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

/** What a sink knows of the folders it made, and of those it did not. */
export interface ShelfRules {
  /** What is wrong with a block that has a manifest, as text; undefined where it is whole. A throw counts as wrong too. */
  readonly damage: (block: LoadedBlock, found: FoundFolder) => Promise<string | undefined>
  /** Called for each folder that has no manifest of this sink. It is somebody else's, and is left alone. */
  readonly foreign: (found: FoundFolder) => void
  /** As in Services: nothing is removed. What does not look whole may be on its way in or out at the gateway that runs. */
  readonly observer?: boolean | undefined
}

export interface ShelfPlace {
  /** The sink's name. */
  readonly sink: string
  /** The folder of the blocks, and the one of what comes and goes. */
  readonly path: string
  readonly temp: string
}

/** `name` below `path`, which is '' for the root of the disk. */
export function below(path: string, name: string): string {
  return path === '' ? name : `${path}/${name}`
}

/**
 * The whole blocks of a shelf, by one listing and one manifest a block. A block that is not what its manifest says is moved
 * to `temp` and removed. A folder without a manifest of this sink is left alone, whatever its name: the user may have
 * pointed `path` at a Prometheus data directory.
 */
export async function restore(
  files: LocalFiles,
  { sink, path, temp }: ShelfPlace,
  rules: ShelfRules,
  host: Host,
  signal?: AbortSignal,
): Promise<readonly LoadedBlock[]> {
  const whole: LoadedBlock[] = []
  const folders = await blockFolders(await files.list(path), path, host)
  let told = host.monotonic()
  let at = 0
  const lane = async () => {
    for (let found = folders[at++]; found; found = folders[at++]) {
      signal?.throwIfAborted()
      if (host.monotonic() - told >= PROGRESS_EVERY_MS) {
        told = host.monotonic()
        host.log.info('blocks on the disk are being checked', { done: at - 1, of: folders.length })
      }
      const seen = await examine(files, sink, found, rules)
      if (seen === 'foreign') rules.foreign(found)
      else if ('meta' in seen) whole.push(seen)
      else if (!rules.observer) {
        const fields = { block: found.id, why: seen.wrong }
        host.log.warn('a damaged block is removed from the disk and will be loaded again', fields)
        const away = `${temp}/${found.id}-damaged`
        await files.rename(found.folder, away)
        await files.remove(away)
      }
    }
  }
  await Promise.all(Array.from({ length: FOLDERS_AT_ONCE }, lane))
  return whole
}

/** The block in the folder, or what is wrong with it. */
async function examine(
  files: LocalFiles,
  sink: string,
  found: FoundFolder,
  rules: ShelfRules,
): Promise<LoadedBlock | { readonly wrong: string } | 'foreign'> {
  const size = found.sizes.get(MANIFEST)
  if (size === undefined) return 'foreign'
  if (size > MANIFEST_LIMIT) {
    return { wrong: `${MANIFEST} must have <= ${MANIFEST_LIMIT} bytes: current value is ${size}` }
  }
  try {
    const manifest = decodeManifest(await files.read(`${found.folder}/${MANIFEST}`, 0, size), found.id)
    if (!manifest) return { wrong: `${MANIFEST} must be a manifest of this block` }
    if (manifest.sink !== sink) return 'foreign'
    const wrong = await rules.damage(manifest.block, found)
    return wrong === undefined ? manifest.block : { wrong }
  } catch (error) {
    return { wrong: rawMessageOf(error) }
  }
}

async function blockFolders(
  listed: Awaited<ReturnType<LocalFiles['list']>>,
  path: string,
  host: Host,
): Promise<readonly FoundFolder[]> {
  const folders = new Map<BlockId, FoundFolder & { readonly sizes: Map<string, number> }>()
  const start = below(path, '').length
  await inSlices(host, listed, file => {
    const name = file.path.slice(start)
    const slash = name.indexOf('/')
    const id = name.slice(0, Math.max(0, slash))
    if (!isBlockId(id)) return
    const found = folders.get(id) ?? { id, folder: below(path, id), sizes: new Map() }
    found.sizes.set(name.slice(slash + 1), file.size)
    folders.set(id, found)
  })
  return [...folders.values()]
}
