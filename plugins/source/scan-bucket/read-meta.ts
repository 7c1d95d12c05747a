/** What a block's meta.json and deletion mark say: as they were read before, or read now. */
import {
  BlockgateError,
  type BlockId,
  type Bucket,
  codeOf,
  ErrorCode,
  type Host,
  type ObjectInfo,
  rawMessageOf,
} from 'blockgate'
import { parseDeletionMark, parseMeta } from 'blockgate/tsdb'
import { completeFiles, sameFiles } from './files.ts'
import type { Fault, KnownMark, KnownMeta } from './known.ts'
import type { ListedBlock } from './listed.ts'
import { readSmall } from './read-small.ts'
import type { Sharing } from './share.ts'
import type { Version, Versions } from './versions.ts'

export interface Reading {
  readonly bucket: Bucket
  readonly share: Sharing
  readonly versions: Versions
  readonly host: Host
  readonly metaLimit: number
  readonly signal: AbortSignal
}

/** It cannot be read now, and so is not remembered. */
export interface Unread {
  readonly error: unknown
}

/** @throws the signal's reason, and nothing else */
export async function metaOf(
  at: Reading,
  block: ListedBlock,
  listed: ObjectInfo,
  before: KnownMeta | undefined,
): Promise<KnownMeta | Unread> {
  const asBefore = before && sameFiles(before.files, block.files) ? before : undefined
  if (asBefore && at.versions.isSame(asBefore, listed)) return asBefore
  const known = (version: Version, found: KnownMeta['found']): KnownMeta => {
    return { ...version, files: 'meta' in found ? found.meta.files : at.share.files(block.files), found }
  }
  if (listed.size > at.metaLimit) return known(at.versions.read(listed, listed), tooLarge(at.metaLimit, listed.size))
  try {
    const read = await readSmall(at, listed.key, at.metaLimit)
    if (!read) return { error: gone('meta.json: ') }
    const now = known(at.versions.read(listed, read.info), parse(at, block, read.bytes))
    if (asBefore) at.versions.readAgain(asBefore, listed, textOf(asBefore) === textOf(now))
    return now
  } catch (error) {
    if (at.signal.aborted) throw at.signal.reason
    if (codeOf(error) !== ErrorCode.bodyTooLarge) return { error }
    return known(at.versions.read(listed, listed), tooLarge(at.metaLimit, 'more'))
  }
}

/** Equal for equal metas, in whatever order the keys stand: those of a cache document have one of their own. */
function textOf({ found }: KnownMeta): string {
  return JSON.stringify(found, (_, value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
}

/** A deletion mark is a few hundred bytes. */
const MARK_LIMIT = 1 << 20

/** @throws the signal's reason, and nothing else */
export async function markOf(
  at: Reading,
  id: BlockId,
  listed: ObjectInfo,
  before: KnownMark | undefined,
): Promise<KnownMark | Unread> {
  if (before && at.versions.isSame(before, listed)) return before
  try {
    const read = await readSmall(at, listed.key, MARK_LIMIT)
    return read ? { ...at.versions.read(listed, read.info), ...parseMark(read.bytes, id) } : { error: gone('') }
  } catch (error) {
    if (at.signal.aborted) throw at.signal.reason
    return { error }
  }
}

function parse(at: Reading, { id, files }: ListedBlock, bytes: Uint8Array): KnownMeta['found'] {
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

function parseMark(bytes: Uint8Array, id: BlockId): Pick<KnownMark, 'time' | 'problem'> {
  try {
    return { time: parseDeletionMark(bytes, id), problem: undefined }
  } catch (error) {
    return { time: undefined, problem: rawMessageOf(error) }
  }
}

/** Deleted in between, or a store that shows what it does not give: which of both, the next listing knows. */
function gone(name: 'meta.json: ' | ''): BlockgateError {
  const message = `${name}the listing shows it, and a GET says that it is not there`
  return new BlockgateError(ErrorCode.notFound, message, { at: 'scan-bucket' })
}

function tooLarge(limit: number, size: number | string): Fault {
  return {
    reason: 'corrupted-meta-json',
    message: `meta.json: must be at most ${limit} bytes: current value is ${size}`,
  }
}
