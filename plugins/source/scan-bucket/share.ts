/** Blocks of one bucket say the same things over and over: equal texts and label sets are held once. */
import type { BlockFile, BlockMeta } from 'blockgate'

export interface Sharing {
  text(value: string): string
  meta(meta: BlockMeta, files: readonly BlockFile[]): BlockMeta
  files(files: readonly BlockFile[]): BlockFile[]
}

/** Distinct values kept for comparison. Beyond it sharing starts afresh: it saves memory, and must not cost it. */
const KEPT = 10_000

export function sharing(): Sharing {
  const texts = new Map<string, string>()
  const labelSets = new Map<string, BlockMeta['labels']>()
  const text = (value: string) => once(texts, value, () => ownText(value))
  const files: Sharing['files'] = list => list.map(file => ({ ...file, path: text(file.path) }))
  return {
    text,
    files,
    meta(meta, complete) {
      const { compaction } = meta
      const ulid = ownText(meta.ulid)
      return {
        ...meta,
        ulid,
        labels: once(labelSets, JSON.stringify(meta.labels), () => meta.labels),
        source: text(meta.source),
        // A block that was never compacted is its own source.
        compaction: { ...compaction, sources: compaction.sources.map(id => (id === ulid ? ulid : id)) },
        files: files(complete),
      }
    },
  }
}

/** A copy. What was cut out of a longer text (a page of XML, say) would hold all of it in memory. */
export function ownText<T extends string>(value: T): T {
  return new TextDecoder().decode(new TextEncoder().encode(value)) as T
}

function once<T>(kept: Map<string, T>, key: string, make: () => T): T {
  const found = kept.get(key)
  if (found !== undefined) return found
  if (kept.size >= KEPT) kept.clear()
  const made = make()
  kept.set(ownText(key), made)
  return made
}
