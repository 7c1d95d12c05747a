/**
 * Reads of one file that lie near to one another, as few requests. A request costs a round trip, some 30 ms, in which a connection
 * of 20 MB/s reads 512 KiB: so a gap of up to that costs less to read than a request to leave it out.
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
/** One request reads no more, so that a large selection is read side by side. */
const MAX_PART = 16 * 1024 * 1024

/** Joins spans that are `gap` or less apart. */
export function coalesced(spans: readonly Span[], gap: number = DEFAULT_GAP): readonly Span[] {
  const sorted = [...spans].sort((a, b) => a.offset - b.offset)
  const joined: { offset: number; end: number }[] = []
  for (const { offset, end } of sorted) {
    const last = joined.at(-1)
    if (last && offset - last.end <= gap && Math.max(end, last.end) - last.offset <= MAX_PART)
      last.end = Math.max(end, last.end)
    else joined.push({ offset, end })
  }
  return joined
}

/** Reads all spans, `concurrency` requests at once. @returns the parts, ascending */
export async function readSpans(
  spans: readonly Span[],
  read: ReadRange,
  options: { readonly concurrency: number; readonly gap?: number | undefined; readonly signal: AbortSignal },
): Promise<readonly Part[]> {
  const parts: Part[] = []
  const joined = coalesced(spans, options.gap)
  await eachBounded(joined, options.concurrency, async ({ offset, end }) => {
    options.signal.throwIfAborted()
    const bytes = await read(offset, end - offset, options.signal)
    parts.push({ offset, end: offset + bytes.length, bytes })
  })
  return parts.sort((a, b) => a.offset - b.offset)
}

/** The part that has byte `offset`; undefined where none was read. */
export function partAt(parts: readonly Part[], offset: number): Part | undefined {
  let low = 0
  for (let high = parts.length; low < high; ) {
    const middle = (low + high) >>> 1
    if ((parts[middle] as Part).offset <= offset) low = middle + 1
    else high = middle
  }
  // Those that begin later stand in others, where an entry was read again.
  for (let i = low - 1; i >= 0; i--) if (offset < (parts[i] as Part).end) return parts[i]
  return undefined
}
