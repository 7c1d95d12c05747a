/** The object in the bucket: read by all, written by whoever has listed. */
import {
  type Bucket,
  codeOf,
  ErrorCode,
  errorFields,
  type Host,
  instant,
  type ObjectInfo,
  rawMessageOf,
} from 'blockgate'
import { CORRUPT } from './column.ts'
import { pack, type Unpacked, unpack } from './entries.ts'
import type { Entry } from './entry.ts'
import { HEAD_BYTES, type Head, headOf, VERSION } from './sealed.ts'

/** The version is in the name: builds with another one do not disturb each other. Behind all ULIDs, so that no listing of blocks comes to it. */
export const KEY: string = `blockgate/catalogue/v${VERSION}`

/** A clock may be ahead by so much, ms. What is from further ahead has an age that nobody knows. */
const AHEAD = 300_000

export interface Limits {
  /** Ms. */
  readonly maxAgeMs: number
  readonly everyMs: number
  /** Bytes. */
  readonly limit: number
}

interface Deps extends Limits {
  readonly bucket: Bucket
  readonly host: Host
}

/** Undefined where there is none that may be used: it is told why. @throws the signal's reason, and nothing else */
export async function read(
  { bucket, host, limit, maxAgeMs }: Deps,
  signal: AbortSignal,
): Promise<Unpacked | undefined> {
  const unused = (why: string) =>
    host.log.info(`the catalogue is not used, and the bucket is listed: ${why}`, { key: KEY })
  try {
    const body = await bucket.get(KEY, { signal })
    if (!body) return void unused('there is none')
    const catalogue = await unpack(host, await body.bytes(limit), limit)
    const { listed } = catalogue
    const age = host.now() - listed
    if (age < -AHEAD) return void unused(`it says that it is of ${instant(listed)}, which is still to come`)
    if (age > maxAgeMs) return void unused(`it is of ${instant(listed)}, and too old (option maxAge)`)
    return catalogue
  } catch (error) {
    if (signal.aborted) throw signal.reason
    if (codeOf(error) === ErrorCode.unsupported) return void unused(rawMessageOf(error))
    const message = codeOf(error) === CORRUPT ? 'the catalogue is damaged' : 'the catalogue cannot be read'
    host.log.warn(`${message}: the bucket is listed`, { key: KEY, ...errorFields(error) })
    return undefined
  }
}

/** What stands in the bucket now. */
type Standing = { readonly info: ObjectInfo; readonly head: Head | undefined } | undefined

/** Writes the catalogue where the one in the bucket is older than `every`. Never rejects. */
export class CatalogueWriter {
  readonly #deps: Deps
  /** When the listing began of the one that was seen or written last. */
  #last = Number.NEGATIVE_INFINITY
  #isPlain = false
  /** Why no write is tried any more. */
  #refused = false

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Whether a listing that begins at `now` should be written. */
  isDue(now: number): boolean {
    return !this.#refused && Math.abs(now - this.#last) >= this.#deps.everyMs
  }

  /** The bucket has one of a listing that began at `listed`. */
  saw(listed: number): void {
    this.#last = listed
  }

  /** `listed`: when the listing began that showed these blocks, ms since the epoch. */
  async write(entries: readonly Entry[], listed: number, signal: AbortSignal): Promise<void> {
    const { host } = this.#deps
    try {
      const now = await this.#standing(signal)
      if (now?.head && this.#isBetter(now.head, listed)) return
      const object = await pack(host, entries, listed)
      const stored = await this.#put(object, now?.info, signal)
      // Another has won: what it wrote is as new.
      this.#last = listed
      if (stored === 'stored')
        host.log.info('the catalogue was written', { key: KEY, blocks: entries.length, bytes: object.length })
    } catch (error) {
      if (signal.aborted) return
      this.#refused = Object(Object(error).cause ?? error).status === 403 || Object(error).status === 403
      const after = this.#refused ? 'no other try is made' : 'the next listing tries again'
      host.log.warn(`the catalogue cannot be written: ${after}`, { key: KEY, ...errorFields(error) })
    }
  }

  /** One that is newer than `listed`, or young enough, or of a later build, stays. One that is still to come does not. */
  #isBetter({ listed: theirs, version }: Head, listed: number): boolean {
    const { everyMs, host } = this.#deps
    if (version > VERSION) {
      this.#refused = true
      return true
    }
    if (version < VERSION || theirs > host.now() + AHEAD || !Number.isSafeInteger(theirs)) return false
    const isBetter = theirs > listed - everyMs
    if (isBetter) this.#last = theirs
    return isBetter
  }

  async #standing(signal: AbortSignal): Promise<Standing> {
    const { bucket } = this.#deps
    const body = await bucket.get(KEY, { signal, range: { offset: 0, length: HEAD_BYTES } })
    if (!body) return undefined
    const bytes = await body.bytes(HEAD_BYTES)
    try {
      return { info: body.info, head: headOf(bytes) }
    } catch {
      return { info: body.info, head: undefined }
    }
  }

  /**
   * Only in place of what was seen: two who write at once have one winner. A store without conditions takes the last one: each object is whole,
   * and says of when it is.
   */
  async #put(object: Uint8Array, seen: ObjectInfo | undefined, signal: AbortSignal): Promise<'stored' | 'conflict'> {
    const { bucket, host } = this.#deps
    if (!this.#isPlain && seen?.etag !== '') {
      try {
        return await bucket.put(KEY, object, { signal, if: seen ? { etag: seen.etag } : 'absent' })
      } catch (error) {
        if (codeOf(error) !== ErrorCode.unsupported) throw error
        this.#isPlain = true
        host.log.info(
          'the bucket has no conditional puts: of two catalogues that are written at once the last one stays',
          { key: KEY },
        )
      }
    }
    return await bucket.put(KEY, object, { signal })
  }
}
