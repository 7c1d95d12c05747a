/** Whether a block is whole: what its meta.json names against what the listing shows. */
import type { BlockFile } from 'blockgate'
import type { DeclaredFile } from 'blockgate/tsdb'

/**
 * The listing's files with the hashes of the meta; or, as text, what is missing. A listing is no snapshot: a block whose
 * upload ended between two of its pages shows its meta.json without its chunks, and the next run sees it whole.
 */
export function completeFiles(declared: readonly DeclaredFile[], listed: readonly BlockFile[]): BlockFile[] | string {
  const sizes = new Map(listed.map(file => [file.path, file.size]))
  if (!sizes.has('index')) return 'index: must be in the listing: it is not there'
  if (!listed.some(file => isChunks(file.path))) return 'chunks: must be in the listing: it is not there'
  const hashes = new Map<string, string>()
  for (const { path, size, sha256 } of declared) {
    if (path !== 'index' && !isChunks(path)) continue
    const actual = sizes.get(path)
    if (actual === undefined) return `${path}: must be in the listing: it is not there`
    if (size !== undefined && size !== actual) return `${path}: must be ${size} bytes: current value is ${actual}`
    if (sha256 !== undefined) hashes.set(path, sha256)
  }
  return listed.map(({ path, size }) => {
    const sha256 = hashes.get(path)
    return sha256 === undefined ? { path, size } : { path, size, sha256 }
  })
}

/** True where the two listings of one block show the same files. */
export function sameFiles(a: readonly BlockFile[], b: readonly BlockFile[]): boolean {
  return a.length === b.length && a.every((file, i) => file.path === b[i]?.path && file.size === b[i]?.size)
}

function isChunks(path: string): boolean {
  return path.startsWith('chunks/')
}
