/** From what the listing shows of a block to a candidate, or to the reason why it is none. */
import {
  BlockgateError,
  type BlockId,
  type Bucket,
  type Candidate,
  codeOf,
  ErrorCode,
  type Host,
  type ObjectInfo,
  type PartialBlock,
  rawMessageOf,
} from 'blockgate'
import { futureMark, oddTimes, parseDeletionMark, parseMeta } from 'blockgate/tsdb'
import type { MetaCache } from './cache.ts'
import { completeFiles, sameFiles } from './files.ts'
import type { Fault, Known, KnownMark, Version } from './known.ts'
import type { ListedBlock } from './listed.ts'
import { readSmall } from './read-small.ts'
import { ownText, type Sharing } from './share.ts'

export interface Inspector {
  readonly bucket: Bucket
  readonly cache: MetaCache
  readonly share: Sharing
  readonly host: Host
  readonly metaLimit: number
  readonly signal: AbortSignal
}

/** Rejects with the signal's reason, and with nothing else: one bad block never fails the view. */
export async function inspect(at: Inspector, block: ListedBlock): Promise<Candidate | PartialBlock> {
  const { id, meta: listed, unreadable } = block
  if (unreadable) return { id, reason: 'unreadable', error: unreadable.error, keep: true }
  if (!listed) return { id, reason: 'no-meta-json', keep: false }
  const before = at.cache.get(id)
  let known = before
  if (!known || !isVersion(known, listed) || !sameFiles(known.files, block.files)) {
    const read = await readMeta(at, block, listed, before?.mark)
    if ('reason' in read) return read
    at.cache.set(read)
    known = read
  }
  const { found } = known
  if (!('meta' in found)) return { id, reason: found.reason, error: errorOf(found), keep: true }
  const { meta, uploaded } = found
  const candidate = { meta, path: `${meta.ulid}/`, markers: block.markers, uploaded }
  const now = at.host.now()
  const odd = oddTimes(found, now)
  if (!block.deletionMark) return withNotes(candidate, odd)
  const { time, problem } = await markOf(at, known, block.deletionMark)
  const wrong = problem ?? (time === undefined ? undefined : futureMark(time, now))
  if (wrong === undefined) return withNotes({ ...candidate, deletionTime: time }, odd)
  return withNotes({ ...candidate, deletionTime: undefined }, [`${wrong}: the block is kept`, ...odd])
}

function withNotes(candidate: Candidate, notes: readonly string[]): Candidate {
  return notes.length > 0 ? { ...candidate, notes } : candidate
}

async function readMeta(
  at: Inspector,
  block: ListedBlock,
  listed: ObjectInfo,
  mark: KnownMark | undefined,
): Promise<Known | PartialBlock> {
  const { id, files } = block
  const known = (version: Version, found: Known['found']): Known => {
    if ('meta' in found) return { id: found.meta.ulid, ...version, files: found.meta.files, found, mark }
    return { id: at.share.text(id), ...version, files: at.share.files(files), found, mark }
  }
  if (listed.size > at.metaLimit) return known(versionOf(listed), tooLarge(at.metaLimit, listed.size))
  try {
    const read = await readSmall(at, listed.key, at.metaLimit)
    // Deleted since, or a store that contradicts itself: the next listing knows.
    if (!read)
      return { id, reason: 'no-meta-json', detail: 'it is listed, and GET says that it is not there', keep: true }
    // The version that was read, which may be newer than the one listed.
    return known(versionOf(read.info), parse(at, block, read.bytes))
  } catch (error) {
    if (at.signal.aborted) throw at.signal.reason
    if (codeOf(error) === ErrorCode.bodyTooLarge) return known(versionOf(listed), tooLarge(at.metaLimit, 'more'))
    return { id, reason: 'unreadable', error, keep: true }
  }
}

function parse(at: Inspector, { id, files }: ListedBlock, bytes: Uint8Array): Known['found'] {
  try {
    const { meta, uploaded, declared } = parseMeta(bytes, id)
    const complete = completeFiles(declared, files)
    if (typeof complete === 'string') return { reason: 'incomplete', message: complete }
    return { meta: at.share.meta(meta, complete), uploaded }
  } catch (error) {
    if (codeOf(error) !== ErrorCode.corruptedMeta) throw error
    return { reason: 'corrupted-meta-json', message: rawMessageOf(error) }
  }
}

/** A deletion mark is a few hundred bytes. */
const MARK_LIMIT = 1 << 20

/** What cannot be read now is a problem that is not remembered. */
async function markOf(at: Inspector, known: Known, listed: ObjectInfo): Promise<Pick<KnownMark, 'time' | 'problem'>> {
  if (known.mark && isVersion(known.mark, listed)) return known.mark
  const unread = (why: string) => ({ time: undefined, problem: `deletion-mark.json cannot be read: ${why}` })
  try {
    const read = await readSmall(at, listed.key, MARK_LIMIT)
    if (!read) return unread('the listing shows it, a GET does not find it')
    const mark = { ...versionOf(read.info), ...parseMark(read.bytes, known.id) }
    at.cache.set({ ...known, mark })
    return mark
  } catch (error) {
    if (at.signal.aborted) throw at.signal.reason
    return unread(rawMessageOf(error))
  }
}

function parseMark(bytes: Uint8Array, id: BlockId): Pick<KnownMark, 'time' | 'problem'> {
  try {
    return { time: parseDeletionMark(bytes, id), problem: undefined }
  } catch (error) {
    return { time: undefined, problem: rawMessageOf(error) }
  }
}

function isVersion(known: Version, listed: ObjectInfo): boolean {
  return known.etag === listed.etag && known.size === listed.size
}

function versionOf(info: ObjectInfo): Version {
  return { etag: ownText(info.etag), size: info.size }
}

function tooLarge(limit: number, size: number | string): Fault {
  return {
    reason: 'corrupted-meta-json',
    message: `meta.json: must be at most ${limit} bytes: current value is ${size}`,
  }
}

function errorOf({ reason, message }: Fault): BlockgateError {
  const code = reason === 'incomplete' ? ErrorCode.corruptBlock : ErrorCode.corruptedMeta
  return new BlockgateError(code, message, { at: 'scan-bucket' })
}
