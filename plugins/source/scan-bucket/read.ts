/** Small objects of a block: as they were read before, or read now. */
import {
  BlockgateError,
  type BlockId,
  type Bucket,
  backoffMs,
  codeOf,
  ErrorCode,
  type Host,
  isTransient,
  type ObjectInfo,
  rawMessageOf,
  sleep,
} from 'blockgate'
import type { Version, Versions } from 'blockgate/bucket'
import { parseDeletionMark, parseMeta } from 'blockgate/tsdb'
import { completeFiles } from './files.ts'
import type { BadMeta, GoodMeta, KnownMark } from './known.ts'
import type { ListedBlock } from './listed.ts'
import type { Sharing } from './share.ts'
import type { ThanosMetas } from './thanos-metas.ts'

export interface Reading {
  readonly bucket: Bucket
  readonly host: Host
  readonly share: Sharing
  readonly versions: Versions
  readonly thanos: ThanosMetas
  /** Most bytes of a meta.json. */
  readonly metaLimit: number
  readonly signal: AbortSignal
}

/** An object that cannot be read now. This is not remembered. */
export interface Unread {
  readonly error: unknown
}

/** How an object is understood. */
interface Kind<T> {
  /** Most bytes that are read. */
  readonly limit: number
  parse(bytes: Uint8Array): T
  /** Bytes that another program keeps of the object that is listed. */
  copyOf?(listed: ObjectInfo): Promise<Uint8Array | undefined>
  /** The result where `parse` threw, or the object is too large. */
  bad(message: string): T
}

export function metaOf({ share, metaLimit, thanos }: Reading, { id, files }: ListedBlock): Kind<GoodMeta | BadMeta> {
  const bad = (reason: BadMeta['reason'], message: string) => ({ files: share.files(files), reason, message })
  return {
    limit: metaLimit,
    copyOf: listed => thanos.copyOf(listed),
    parse(bytes) {
      const { meta, uploaded, declared } = parseMeta(bytes, id)
      const complete = completeFiles(declared, files)
      if (typeof complete === 'string') return bad('incomplete', complete)
      return { meta: share.meta({ ...meta, files: complete }), uploaded }
    },
    bad: message => bad('corrupted-meta-json', message),
  }
}

export function markOf(id: BlockId): Kind<Pick<KnownMark, 'time' | 'problem'>> {
  // A deletion mark is a few hundred bytes.
  return { limit: 1 << 20, parse: bytes => ({ time: parseDeletionMark(bytes, id) }), bad: problem => ({ problem }) }
}

/** `before` where the listing shows that version, or else what is read now. @throws the signal's reason, and nothing else */
export async function read<T extends object>(
  at: Reading,
  kind: Kind<T>,
  listed: ObjectInfo,
  before: (Version & T) | undefined,
): Promise<(Version & T) | Unread> {
  if (before && at.versions.isSame(before, listed)) return before
  const { limit, parse, bad } = kind
  const tooLarge = (size: number | string) => ({
    ...at.versions.read(listed, listed),
    ...bad(`${nameOf(listed)}: must be at most ${limit} bytes: current value is ${size}`),
  })
  if (listed.size > limit) return tooLarge(listed.size)
  const copied = before ? undefined : await fromCopy(kind, listed)
  if (copied) return { ...at.versions.read(listed, listed), ...copied }
  const small = await readSmall(at, listed, limit)
  if ('error' in small) return codeOf(small.error) === ErrorCode.bodyTooLarge ? tooLarge('more') : small
  let said: T
  try {
    said = parse(small.bytes)
  } catch (error) {
    said = bad(rawMessageOf(error))
  }
  const version = at.versions.read(listed, small.info)
  if (before) at.versions.readAgain(before, listed, JSON.stringify(before) === JSON.stringify({ ...before, ...said }))
  return { ...version, ...said }
}

/** What the copy says; undefined where there is none that is of use. */
async function fromCopy<T extends object>(kind: Kind<T>, listed: ObjectInfo): Promise<T | undefined> {
  const bytes = await kind.copyOf?.(listed)
  try {
    const said = bytes && kind.parse(bytes)
    return said && !('reason' in said) ? said : undefined
  } catch {
    return undefined
  }
}

/** The bucket itself retries until an answer begins. Here an object whose body breaks off is asked for again. */
const TRIES = 3
const BACKOFF = { base: 100, max: 5000 }

/** All bytes of an object, and the version of it that they are. @throws the signal's reason, and nothing else */
async function readSmall(
  { bucket, host, signal }: Reading,
  listed: ObjectInfo,
  limit: number,
): Promise<{ readonly info: ObjectInfo; readonly bytes: Uint8Array } | Unread> {
  for (let attempt = 1; ; attempt++) {
    let isBody = false
    try {
      await using body = await bucket.get(listed.key, { signal })
      if (!body) {
        // Either it was deleted in between, or the store contradicts itself: the next listing shows which.
        const message = `the listing shows ${nameOf(listed)}, and a GET says that it is not there`
        return { error: new BlockgateError(ErrorCode.notFound, message, { at: 'scan-bucket' }) }
      }
      isBody = true
      return { info: body.info, bytes: await body.bytes(limit) }
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (attempt === TRIES || !isBody || !isTransient(error)) return { error }
    }
    await sleep(host, backoffMs(host, BACKOFF, attempt), signal)
  }
}

/** Behind the block's folder. */
function nameOf({ key }: ObjectInfo): string {
  return key.slice(27)
}
