/**
 * Whether an object is still the one that was read. Its etag says so, but some proxies weaken or rewrite etags, and some stores
 * give one in the listing and another with the object. Then every run would read every meta again. So this is noticed and
 * logged once, and from then on size and time decide.
 */
import type { ObjectInfo } from '../contracts/bucket.ts'
import type { Log } from '../contracts/host.ts'
import { isSameEtag, isSameTime } from './object.ts'

/** The object that was read: read again only where the listing shows another. */
export interface Version {
  readonly etag: string
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly modified: number
}

/** So many objects must show it: one may have been written twice within the tick of a clock. */
const ENOUGH = 3

export class Versions {
  readonly #log: Log
  readonly #logged = new Set<string>()
  /** Etags are not believed. */
  #byTime = false
  /** Objects whose etag changed, and whose content, time and size did not. */
  #rewritten = 0
  /** Objects whose etag and time changed, and whose content did not. */
  #wasted = 0

  constructor(log: Log) {
    this.#log = log
  }

  isSame(known: Version, listed: ObjectInfo): boolean {
    if (known.size !== listed.size) return false
    if (known.etag === '' || listed.etag === '') this.#warnOnce(`the bucket gives no etags: ${BY_TIME}`)
    else if (isSameEtag(known, listed)) return true
    else if (!this.#byTime) return false
    return isSameTime(known, listed)
  }

  /** The version that was read, which may be newer than the one listed. */
  read(listed: ObjectInfo, info: ObjectInfo): Version {
    const sameTime = isSameTime(info, listed)
    const sameEtag = isSameEtag(info, listed)
    if (sameTime && info.size === listed.size && !sameEtag) this.#countRewritten()
    // A proxy that compresses gives the size of what it sends.
    const { etag, size } = sameEtag || (this.#byTime && sameTime) ? listed : info
    return { etag: ownText(etag), size, modified: info.modified }
  }

  /** Notes that a known object was read again, and whether its content was the `same` as before. */
  readAgain(known: Version, listed: ObjectInfo, same: boolean): void {
    const sameSize = known.size === listed.size
    if (sameSize && isSameEtag(known, listed)) return
    if (!isSameTime(known, listed)) {
      if (same && ++this.#wasted >= ENOUGH) this.#warnOnce(ALL_IS_READ)
    } else if (same) this.#countRewritten()
    else if (sameSize) {
      // The etag was right, and the time is too coarse to show the change.
      this.#rewritten = Number.NEGATIVE_INFINITY
      this.#byTime = false
    }
  }

  #countRewritten(): void {
    if (++this.#rewritten < ENOUGH) return
    this.#byTime = true
    this.#warnOnce(`etags of the bucket change though the objects do not: ${BY_TIME}`)
  }

  #warnOnce(message: string): void {
    if (!this.#logged.has(message)) this.#log.warn(message)
    this.#logged.add(message)
  }
}

const BY_TIME = 'size and time decide whether a meta is new'
const ALL_IS_READ = 'metas are read in every run: neither their etags nor their times stay the same'

/** A copy. A part of a longer text, such as a page of XML, would hold all of that text in memory. */
export function ownText<T extends string>(value: T): T {
  return new TextDecoder().decode(new TextEncoder().encode(value)) as T
}
