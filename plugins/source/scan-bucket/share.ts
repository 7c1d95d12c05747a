/** Blocks of one bucket say the same things over and over: equal texts and label sets are held once. */
import type { BlockFile, BlockMeta } from 'blockgate'

export interface Sharing {
  text<T extends string>(value: T): T
  meta(meta: BlockMeta, files: readonly BlockFile[]): BlockMeta
  files(files: readonly BlockFile[]): BlockFile[]
}

/** Distinct values kept for comparison. Beyond it sharing starts afresh: it saves memory, and must not cost it. */
const KEPT = 10_000

export function sharing(): Sharing {
  const texts = new Map<string, string>()
  const labelSets = new Map<string, BlockMeta['labels']>()
  const text = <T extends string>(value: T): T => {
    const found = texts.get(value)
    if (found !== undefined) return found as T
    const own = ownText(value)
    keep(texts, own, own)
    return own
  }
  const labelsOf = (labels: BlockMeta['labels']) => {
    const key = JSON.stringify(labels)
    const found = labelSets.get(key)
    if (!found) keep(labelSets, key, labels)
    return found ?? labels
  }
  const files: Sharing['files'] = list => list.map(file => ({ ...file, path: text(file.path) }))
  return {
    text,
    files,
    meta: (meta, complete) => ({
      ...meta,
      ulid: text(meta.ulid),
      labels: labelsOf(meta.labels),
      source: text(meta.source),
      ...(meta.variant !== undefined && { variant: text(meta.variant) }),
      // A block that was never compacted is its own source; one that was shares its sources with its downsampled ones.
      compaction: { ...meta.compaction, sources: meta.compaction.sources.map(text) },
      files: files(complete),
    }),
  }
}

/** A copy. What was cut out of a longer text (a page of XML, say) would hold all of it in memory. */
export function ownText<T extends string>(value: T): T {
  return new TextDecoder().decode(new TextEncoder().encode(value)) as T
}

function keep<T>(kept: Map<string, T>, key: string, value: T): void {
  if (kept.size >= KEPT) kept.clear()
  kept.set(key, value)
}
