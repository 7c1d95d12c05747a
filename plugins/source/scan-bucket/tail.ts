/** When it is enough to list new blocks, and from where: ULIDs begin with their time, so a listing can start behind most of the bucket. */
import { type BlockId, blockIdTime } from 'blockgate'
import { boundary } from './ranges.ts'

/** What one listing has shown so far. */
export interface Look {
  /** ms of the monotonic clock. */
  readonly began: number
  requests: number
  /** Of all blocks; empty where there is none. */
  newest: BlockId | ''
  /** `<id> <reason>` of each block that cannot be offered. */
  readonly unfinished: string[]
}

/** The last listing of everything that was complete. */
export interface Full extends Look {
  /** Of `unfinished` those that a listing of new blocks would not show. */
  readonly behind: string
  /** These are the same as in the listing before: what was not whole, or could not be read, is looked at once more soon. */
  readonly isSettled: boolean
}

/** A listing of everything that takes no more requests is as good. */
const FEW = 2

export function full(look: Look, last: Full | undefined, now: number, margin: number): Full {
  const from = boundOf(look, now, margin)
  const behind = look.unfinished
    .filter(text => text < from)
    .sort()
    .join()
  return { ...look, behind, isSettled: behind === (last?.behind ?? '') }
}

/** The time that a listing of new blocks begins at, as ULIDs begin with it. Undefined: everything is to be listed. */
export function tailFrom(
  last: Full | undefined,
  { monotonic, now, fullEvery, margin }: Readonly<Record<'monotonic' | 'now' | 'fullEvery' | 'margin', number>>,
): string | undefined {
  if (!last?.isSettled || last.newest === '' || last.requests <= FEW || monotonic - last.began >= fullEvery)
    return undefined
  return boundOf(last, now, margin)
}

/** A block may have a ULID of the future. */
function boundOf({ newest }: Look, now: number, margin: number): string {
  const time = newest === '' ? 0 : blockIdTime(newest)
  return boundary(Math.max(0, Math.min(now, time) - margin))
}
