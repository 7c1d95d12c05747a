/** Blocks of many kinds, for conformance tests that need something to ask about. */
import type { Candidate } from '../contracts/block.ts'
import { candidate, testId } from './blocks.ts'

const HOUR = 3_600_000
const NEWEST = Date.UTC(2026, 0, 1)

/**
 * `count` candidates, all different and the same at every call: fresh and old, with and without labels, upload times
 * and deletion marks, raw and downsampled, and every tenth a compaction of the nine before it.
 */
export function sampleBlocks(count: number): readonly Candidate[] {
  return Array.from({ length: count }, (_, i) => {
    const maxTime = NEWEST - i * 2 * HOUR
    const ulid = idAt(i)
    const parent = i % 10 === 9
    const sources = parent ? Array.from({ length: 9 }, (_, child) => idAt(i - 1 - child)) : [ulid]
    const marked = i % 7 === 3
    return candidate(
      {
        ulid,
        minTime: maxTime - 2 * HOUR,
        maxTime,
        labels: i % 20 < 10 ? { cluster: 'eu', replica: 'a' } : {},
        resolution: i % 50 < 40 ? 0 : 300_000,
        compaction: { level: parent ? 2 : 1, sources },
        source: parent ? 'compactor' : 'sidecar',
      },
      {
        uploaded: i % 3 === 0 ? maxTime + HOUR : undefined,
        markers: marked ? ['deletion-mark.json'] : [],
        deletionTime: marked && i % 2 === 0 ? NEWEST - i * HOUR : undefined,
      },
    )
  })
}

function idAt(i: number): Candidate['meta']['ulid'] {
  return testId(NEWEST - i * 2 * HOUR, i)
}

/** `value` with everything plain in it frozen: a stage that changes what it was given throws. */
export function deepFrozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  if (Array.isArray(value) || [Object.prototype, null].includes(Object.getPrototypeOf(value))) {
    for (const item of Object.values(value)) deepFrozen(item)
    Object.freeze(value)
  }
  return value
}
