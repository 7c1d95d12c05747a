/**
 * Whether an object is still the one that was read. Its etag says so; but there are proxies that weaken or rewrite etags, and
 * stores that give one in the listing and another with the object. Then every run would read every meta again, so it is found
 * out, told once, and size and time decide.
 */
import type { Log, ObjectInfo } from 'blockgate'
import { isSameEtag, isSameTime } from 'blockgate/bucket'
import { ownText } from './share.ts'

/** The object that was read: read again only where the listing shows another. */
export interface Version {
  readonly etag: string
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly modified: number
}

export interface Versions {
  isSame(known: Version, listed: ObjectInfo): boolean
  /** The version that was read, which may be newer than the one listed. */
  read(listed: ObjectInfo, info: ObjectInfo): Version
  /** An object was read although it was known: did it say the same as before? */
  readAgain(known: Version, listed: ObjectInfo, same: boolean): void
}

/** Objects that show it: one may have been written twice within the tick of a clock. */
const ENOUGH = 3

export function versions(log: Log): Versions {
  let byTime = false
  let shown = 0
  let wasted = 0
  const show = () => {
    if (byTime || ++shown < ENOUGH) return
    byTime = true
    log.warn('etags of the bucket change though the objects do not: whether a meta is new is told by its size and time')
  }
  let none = false
  const noEtag = () => {
    if (none) return
    none = true
    log.warn('the bucket gives no etags: whether a meta is new is told by its size and time')
  }
  return {
    isSame(known, listed) {
      if (known.size !== listed.size) return false
      if (known.etag === '' || listed.etag === '') noEtag()
      else if (isSameEtag(known, listed)) return true
      else if (!byTime) return false
      return isSameTime(known, listed)
    },
    read(listed, info) {
      const sameTime = isSameTime(info, listed)
      const sameEtag = isSameEtag(info, listed)
      if (sameTime && info.size === listed.size && !sameEtag) show()
      // A proxy that compresses tells the size of what it sends.
      const { etag, size } = sameEtag || (byTime && sameTime) ? listed : info
      // A listing may give the time to the millisecond, and a GET to the second.
      return { etag: ownText(etag), size, modified: sameTime ? listed.modified : info.modified }
    },
    readAgain(known, listed, same) {
      if (known.size === listed.size && isSameEtag(known, listed)) return
      if (isSameTime(known, listed)) {
        if (same) return show()
        if (known.size !== listed.size) return
        // The etag was right, and the time is too coarse.
        shown = Number.NEGATIVE_INFINITY
        byTime = false
      } else if (same && ++wasted === ENOUGH) {
        log.warn('metas are read in every run: neither their etags nor their times stay as they are')
      }
    },
  }
}
