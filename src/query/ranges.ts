/**
 * Reads of one file that lie near to one another, as few requests.
 *
 * What a request costs is a round trip, some 30 ms of an object store. In that time a connection of 20 MB/s reads about 512 KiB. So
 * a gap of up to 512 KiB between two ranges costs less when it is read and thrown away than a second request would. That holds where
 * the second request would be another round trip. Chunks are asked for in many requests side by side, so one request costs an eighth
 * of a round trip there, and only gaps up to an eighth of that are worth reading: `chunkGap`.
 */
import { eachBounded } from '../async/each.ts'

export interface Span {
  readonly offset: number
  /** Exclusive. */
  readonly end: number
}

/** What of a file was read. */
export interface Part extends Span {
  readonly bytes: Uint8Array
}

/** Bytes [offset, offset + length) of a file, cut at its end. */
export type ReadRange = (offset: number, length: number, signal: AbortSignal) => Promise<Uint8Array>

export const DEFAULT_GAP: number = 512 * 1024
/** Requests of one file side by side. */
export const CONCURRENCY = 8
/** One request reads no more, so that a large selection is read side by side. */
const MAX_PART = 16 * 1024 * 1024

/**
 * The gap between chunks, where `gap` is that within an index. Entries of an index are small, and those of a metric stand side by
 * side; of the chunks between two of them a query wants few, so that a wide gap would be bytes for nothing.
 */
export function chunkGap(gap: number): number {
  return Math.floor(gap / CONCURRENCY)
}

/** Joins spans that are `gap` or less apart; ascending, and none is joined beyond 16 MiB. */
export function coalesced(spans: readonly Span[], gap: number): readonly Span[] {
  const sorted = [...spans].sort((a, b) => a.offset - b.offset)
  const joined: { offset: number; end: number }[] = []
  for (const { offset, end } of sorted) {
    const last = joined.at(-1)
    // One that stands within the last costs nothing, however large that is.
    const isNear = last && offset - last.end <= gap && (end <= last.end || end - last.offset <= MAX_PART)
    if (isNear) last.end = Math.max(end, last.end)
    else joined.push({ offset, end })
  }
  return joined
}

/** Reads all spans, `CONCURRENCY` requests at once. @returns the parts, ascending */
export async function readSpans(
  spans: readonly Span[],
  read: ReadRange,
  { gap, signal }: { readonly gap: number; readonly signal: AbortSignal },
): Promise<readonly Part[]> {
  const joined = coalesced(spans, gap)
  return await eachBounded(joined, CONCURRENCY, async ({ offset, end }) => {
    signal.throwIfAborted()
    const bytes = await read(offset, end - offset, signal)
    return { offset, end: offset + bytes.length, bytes }
  })
}

/** The part that has byte `offset`; undefined where none was read. */
export function partAt(parts: readonly Part[], offset: number): Part | undefined {
  return parts[placeOf(parts, offset)]
}

/** The place of the part that has byte `offset`; −1 where none was read. */
export function placeOf(parts: readonly Part[], offset: number): number {
  let low = 0
  for (let high = parts.length; low < high; ) {
    const middle = (low + high) >>> 1
    if ((parts[middle] as Part).offset <= offset) low = middle + 1
    else high = middle
  }
  // Those that begin later stand in others, where an entry was read again.
  for (let i = low - 1; i >= 0; i--) if (offset < (parts[i] as Part).end) return i
  return -1
}
