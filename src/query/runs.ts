/** Entries that lie side by side in a file, read together, and found again: a query has a million, so none is an object here. */
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'
import { viewOf } from '../tsdb/binary.ts'
import { type Part, placeOf, type Span } from './ranges.ts'

/** Entries of which none begins more than a guess of an entry's size behind the one before it. */
export interface Run extends Span {
  /** Where the last one begins: only that may be longer than the guess, for the others end before the next one begins. */
  readonly last: number
}

/** A longer run is two. */
const MAX_RUN = 1024 * 1024

/** @param offsets ascending @param guess bytes of an entry, most likely @param limit no entry goes beyond */
export function runsOf(
  offsets: ArrayLike<number>,
  guess: number,
  limit: number = Number.POSITIVE_INFINITY,
): readonly Run[] {
  const runs: { offset: number; last: number; end: number }[] = []
  let run: { offset: number; last: number; end: number } | undefined
  for (let i = 0; i < offsets.length; i++) {
    const offset = offsets[i] as number
    const end = Math.max(offset, Math.min(offset + guess, limit))
    if (run && offset <= run.end && offset - run.offset < MAX_RUN) {
      run.last = offset
      run.end = end
    } else {
      run = { offset, last: offset, end }
      runs.push(run)
    }
  }
  return runs
}

/** Finds the part that has an offset; the same one again for as long as it has the next offsets, too. */
export class PartCursor {
  readonly #parts: readonly Part[]
  readonly #what: string
  #from = 0
  #until = 0
  /** Of the part that was found last. */
  bytes: Uint8Array = new Uint8Array(0)
  view: DataView = viewOf(this.bytes)
  /** Where it begins in the file. */
  offset = 0

  /** @param parts ascending @param what names an entry in errors */
  constructor(parts: readonly Part[], what: string) {
    this.#parts = parts
    this.#what = what
  }

  /** Bytes of all parts. */
  get size(): number {
    return this.#parts.reduce((sum, { bytes }) => sum + bytes.length, 0)
  }

  /** @throws BlockgateError `corrupt-block` where no part has byte `offset`: it is behind the end of the file */
  moveTo(offset: number): void {
    if (offset >= this.#from && offset < this.#until) return
    const parts = this.#parts
    const place = placeOf(parts, offset)
    const part = parts[place]
    if (part === undefined) {
      throw new BlockgateError(ErrorCode.corruptBlock, `${this.#what} at ${offset} must be within the file`)
    }
    // From where the next one begins, that one has the bytes: it was read again because this one was cut.
    const next = parts[place + 1]
    this.#from = part.offset
    this.#until = next && next.offset < part.end ? Math.max(next.offset, offset + 1) : part.end
    this.bytes = part.bytes
    this.view = viewOf(part.bytes)
    this.offset = part.offset
  }
}
