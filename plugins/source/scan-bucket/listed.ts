/** One block as a listing shows it. */
import { type BlockFile, type BlockId, isBlockId, type Marker, type ObjectInfo, type UnreadableKey } from 'blockgate'
import { isBlockFile } from 'blockgate/tsdb'

export interface ListedBlock {
  readonly id: BlockId
  /** The files of the block, in key order; anything else in its folder is left out. */
  readonly files: BlockFile[]
  readonly markers: Marker[]
  /** What the listing says of meta.json; undefined where there is none. */
  meta: ObjectInfo | undefined
  deletionMark: ObjectInfo | undefined
  /** A part of it, or all of it, that the listing could not read: what else it shows may not be all. */
  unreadable: Omit<UnreadableKey, 'key'> | undefined
}

export function emptyBlock(id: BlockId): ListedBlock {
  return { id, files: [], markers: [], meta: undefined, deletionMark: undefined, unreadable: undefined }
}

/** The block in whose folder at the root `key` lies: `<ULID>/…`, strict. Undefined for every other key. */
export function folderOf(key: string): BlockId | undefined {
  if (key.charCodeAt(26) !== SLASH) return undefined
  const id = key.slice(0, 26)
  return isBlockId(id) ? id : undefined
}

/** True for `<ulid>/` in lower case: Go takes such a ULID, and then looks for it in upper case. */
export function isMisnamed(prefix: string): boolean {
  return prefix.length === 27 && folderOf(prefix) === undefined && folderOf(prefix.toUpperCase()) !== undefined
}

/** True where no block can follow `key` in key order: a ULID starts with 0 to 7, so `debug/` need not be listed. */
export function isBehindBlocks(key: string | undefined): boolean {
  return key !== undefined && key.charCodeAt(0) > SEVEN
}

/** Puts what the listing says of the block's folder where it belongs. */
export function addListed(block: ListedBlock, info: ObjectInfo | UnreadableKey): void {
  if ('error' in info) {
    block.unreadable ??= info
    return
  }
  const name = info.key.slice(27)
  if (isBlockFile(name)) block.files.push({ path: name, size: info.size })
  else if (isMarker(name)) block.markers.push(name)
  if (name === 'meta.json') block.meta = info
  if (name === 'deletion-mark.json') block.deletionMark = info
}

const SLASH = '/'.charCodeAt(0)
const SEVEN = '7'.charCodeAt(0)
const MARKERS: ReadonlySet<string> = new Set<Marker>([
  'deletion-mark.json',
  'no-compact-mark.json',
  'no-downsample-mark.json',
])

function isMarker(name: string): name is Marker {
  return MARKERS.has(name)
}
