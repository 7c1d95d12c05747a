/** Whether two metas say the same: nothing can tell which of them one has. */
import type { BlockMeta } from 'blockgate'

export function isSameMeta(a: BlockMeta, b: BlockMeta): boolean {
  return (
    a.ulid === b.ulid &&
    a.minTime === b.minTime &&
    a.maxTime === b.maxTime &&
    a.resolution === b.resolution &&
    a.source === b.source &&
    a.variant === b.variant &&
    a.compaction.level === b.compaction.level &&
    a.readAhead?.series === b.readAhead?.series &&
    a.readAhead?.chunk === b.readAhead?.chunk &&
    isSameList(a.compaction.sources, b.compaction.sources, Object.is) &&
    isSameList(a.files, b.files, (x, y) => x.path === y.path && x.size === y.size && x.sha256 === y.sha256) &&
    isSameLabels(a.labels, b.labels)
  )
}

function isSameList<T>(a: readonly T[], b: readonly T[], isSame: (a: T, b: T) => boolean): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (!isSame(a[i] as T, b[i] as T)) return false
  return true
}

function isSameLabels(a: BlockMeta['labels'], b: BlockMeta['labels']): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every(name => a[name] === b[name])
}
