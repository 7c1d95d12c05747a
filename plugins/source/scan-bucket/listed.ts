/** One block as a listing shows it. */
import { type BlockFile, type BlockId, isBlockId, type Marker, type ObjectInfo, type UnreadableKey } from 'blockgate'
import { isBlockFile, isMarker } from 'blockgate/tsdb'

export class ListedBlock {
  readonly id: BlockId
  /** The files of the block, in key order; anything else in its folder is left out. */
  readonly files: BlockFile[] = []
  readonly markers: Marker[] = []
  /** What the listing says of meta.json; undefined where there is none. */
  meta: ObjectInfo | undefined
  deletionMark: ObjectInfo | undefined
  /** Set where the listing could not read a part of the block: other files may be missing too. */
  unreadable: { readonly error: unknown } | undefined
  /** The name of its folder where that is the ULID in lower case: Go parses such a ULID, and then asks for it in upper case. */
  readonly misnamed: string | undefined

  constructor(id: BlockId, misnamed?: string) {
    this.id = id
    this.misnamed = misnamed
  }

  /** Puts what the listing says of an object in the block's folder where it belongs. */
  add(info: ObjectInfo | UnreadableKey): void {
    if ('error' in info) {
      this.unreadable ??= info
      return
    }
    const name = info.key.slice(27)
    if (isBlockFile(name)) this.files.push({ path: name, size: info.size })
    else if (isMarker(name)) this.markers.push(name)
    if (name === 'meta.json') this.meta = info
    if (name === 'deletion-mark.json') this.deletionMark = info
  }
}

/** The block in whose folder at the root `key` lies: `<ULID>/…`, strict. Undefined for every other key. */
export function folderOf(key: string): BlockId | undefined {
  const id = key.slice(0, 26)
  return key[26] === '/' && isBlockId(id) ? id : undefined
}

/** The block that is meant by `<ulid>/` in lower case. */
export function misnamed(folder: string): ListedBlock[] {
  const id = folder.length === 27 ? folderOf(folder.toUpperCase()) : undefined
  return id === undefined || folderOf(folder) ? [] : [new ListedBlock(id, folder.slice(0, -1))]
}

/** True where no block can follow `key` in key order: a ULID starts with 0 to 7, so `debug/` need not be listed. */
export function isBehindBlocks(key: string | undefined): boolean {
  return key !== undefined && key.charCodeAt(0) > '7'.charCodeAt(0)
}
