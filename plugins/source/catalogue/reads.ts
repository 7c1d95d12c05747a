/** What the source around which the catalogue stands has read: for the catalogue, and what it is told by one. */
import { type BlockId, type Host, inSlices, type SharedReads } from 'blockgate'
import type { Entry, ReadObjects } from './entry.ts'

/** Undefined where nothing is kept that makes a candidate, or its mark cannot be used: whoever reads that should say so, too. */
export function objectsOf(reads: SharedReads | undefined, id: BlockId): ReadObjects | undefined {
  const { read, mark } = reads?.get(id) ?? {}
  return read?.meta && mark?.problem === undefined ? { meta: read, mark } : undefined
}

/** What was read here stays as it is. Of a block that is loaded nothing is learned: it must not be let go of by what others have read. */
export async function learn(
  host: Host,
  reads: SharedReads,
  entries: readonly Entry[],
  loaded: ReadonlySet<BlockId>,
): Promise<void> {
  await reads.load()
  await inSlices(host, entries, ([{ meta, uploaded, deletionTime }, read]) => {
    const id = meta.ulid
    if (!read || loaded.has(id) || reads.get(id)) return
    const mark = read.mark && deletionTime !== undefined ? { ...read.mark, time: deletionTime } : undefined
    reads.set({ id, read: { ...read.meta, meta, uploaded }, mark, told: true })
  })
}

/** What was learned of the block has turned out to be so. */
export function proven(reads: SharedReads, id: BlockId): void {
  const { told, read, mark } = reads.get(id) ?? {}
  if (told && read?.meta) reads.set({ id, read: { ...read, meta: read.meta }, mark })
}

export async function forgetLearned(host: Host, reads: SharedReads): Promise<void> {
  await inSlices(host, [...reads.known.ids], id => {
    if (reads.get(id)?.told) reads.delete(id)
  })
}
