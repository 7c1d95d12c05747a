/** What an earlier process left on the disk. */
import { type BlockId, isBlockId, type LoadedBlock, type LocalFiles, type Log, rawMessageOf } from 'blockgate'
import { decodeManifest, MANIFEST, MANIFEST_LIMIT } from './manifest.ts'

/** Manifests read at once. */
const READS_AT_ONCE = 16

/**
 * The whole blocks below `path`, by one listing and one manifest a block. A block that is not what its manifest says is
 * moved to `temp` and removed. A folder without a manifest never was ours and is left alone, whatever its name: the user
 * may have pointed `path` at a Prometheus data directory.
 */
export async function restore(
  files: LocalFiles,
  path: string,
  temp: string,
  log: Log,
): Promise<readonly LoadedBlock[]> {
  const whole: LoadedBlock[] = []
  const folders = [...blockFolders(await files.list(path), path)]
  let at = 0
  const lane = async () => {
    for (let next = folders[at++]; next; next = folders[at++]) {
      const [id, sizes] = next
      if (!sizes.has(MANIFEST)) {
        log.warn(`a folder without ${MANIFEST} is not touched, and its block cannot be loaded`, { block: id, path })
        continue
      }
      const found = await examine(files, `${path}/${id}`, id, sizes)
      if (typeof found !== 'string') {
        whole.push(found)
        continue
      }
      log.warn('a damaged block is removed from the disk and will be loaded again', { block: id, why: found })
      const away = `${temp}/${id}-damaged`
      await files.rename(`${path}/${id}`, away)
      await files.remove(away)
    }
  }
  await Promise.all(Array.from({ length: READS_AT_ONCE }, lane))
  return whole
}

/** The block in `folder`, or as text what is wrong with it. */
async function examine(
  files: LocalFiles,
  folder: string,
  id: BlockId,
  sizes: ReadonlyMap<string, number>,
): Promise<LoadedBlock | string> {
  const size = sizes.get(MANIFEST) ?? 0
  if (size > MANIFEST_LIMIT) return `${MANIFEST} must have <= ${MANIFEST_LIMIT} bytes: current value is ${size}`
  let block: LoadedBlock | undefined
  try {
    block = decodeManifest(await files.read(`${folder}/${MANIFEST}`, 0, size), id)
  } catch (error) {
    return rawMessageOf(error)
  }
  if (!block) return `${MANIFEST} must be a manifest of this block`
  for (const file of block.meta.files) {
    const actual = sizes.get(file.path)
    if (actual !== file.size) return `${file.path} must have ${file.size} bytes: current value is ${actual}`
  }
  return block
}

/** Sizes by the path in the folder, for every folder that is named as a block. */
function blockFolders(
  listed: Awaited<ReturnType<LocalFiles['list']>>,
  path: string,
): ReadonlyMap<BlockId, ReadonlyMap<string, number>> {
  const folders = new Map<BlockId, Map<string, number>>()
  for (const file of listed) {
    const below = file.path.slice(path.length + 1)
    const slash = below.indexOf('/')
    const id = below.slice(0, Math.max(0, slash))
    if (!isBlockId(id)) continue
    const sizes = folders.get(id) ?? new Map<string, number>()
    sizes.set(below.slice(slash + 1), file.size)
    folders.set(id, sizes)
  }
  return folders
}
