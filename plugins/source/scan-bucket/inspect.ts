/** From what the listing shows of a block to a candidate, or to the reason why it is none. */
import {
  BlockgateError,
  type BlockId,
  type Candidate,
  codeOf,
  ErrorCode,
  instant,
  type PartialBlock,
  rawMessageOf,
} from 'blockgate'
import { futureMark, oddTimes } from 'blockgate/tsdb'
import type { MetaCache } from './cache.ts'
import { sameFiles } from './files.ts'
import { type BadMeta, filesOf, type KnownMark } from './known.ts'
import type { ListedBlock } from './listed.ts'
import { markOf, metaOf, type Reading, read, type Unread } from './read.ts'

export interface Inspector extends Reading {
  readonly cache: MetaCache
}

/** Rejects with the signal's reason, and with nothing else: one bad block never fails the view. */
export async function inspect(at: Inspector, block: ListedBlock): Promise<Candidate | PartialBlock> {
  const { id, meta: listed, deletionMark, misnamed, unreadable } = block
  if (misnamed !== undefined) return refused(id, misnamed)
  if (unreadable) return { id, reason: 'unreadable', error: unreadable.error, keep: true }
  if (!listed && !deletionMark) return { id, reason: 'no-meta-json', keep: false }
  const before = at.cache.get(id)
  const asBefore = before?.read && sameFiles(filesOf(before.read), block.files) ? before.read : undefined
  const meta = listed && (await read(at, metaOf(at, block), listed, asBefore))
  const mark = deletionMark && (await read(at, markOf(id), deletionMark, before?.mark))
  const known = {
    read: meta && !('error' in meta) ? meta : before?.read,
    mark: mark && !('error' in mark) ? mark : before?.mark,
  }
  if (known.read !== before?.read || known.mark !== before?.mark) {
    // A mark that is new does not prove the meta that another gateway has read.
    const told = before?.told && known.read === before.read && before.told
    at.cache.set({ id: at.share.text(id), ...known, ...(told && { told }) })
  }
  const now = at.host.now()
  const marked = usable(mark, now)
  if (!meta || !('meta' in meta)) return partialOf(block, meta, marked, now)
  const notes = [...(marked.wrong ? [`${marked.wrong}: the block is kept`] : []), ...oddTimes(meta, now)]
  return {
    meta: meta.meta,
    path: `${meta.meta.ulid}/`,
    markers: block.markers,
    uploaded: meta.uploaded,
    ...(mark && { deletionTime: marked.time }),
    ...(notes.length > 0 && { notes }),
  }
}

/** When a block was marked, or what is wrong with its mark. */
interface Marked {
  readonly time?: number | undefined
  readonly wrong?: string | undefined
}

function usable(mark: KnownMark | Unread | undefined, now: number): Marked {
  if (!mark) return {}
  if ('error' in mark) return { wrong: `deletion-mark.json cannot be read: ${rawMessageOf(mark.error)}` }
  const wrong = mark.problem ?? (mark.time === undefined ? undefined : futureMark(mark.time, now))
  return wrong === undefined ? { time: mark.time } : { wrong }
}

/** A compactor deletes a block this long after its mark, or later, and some of its files go before others. */
const DELETED_AFTER = 24 * 3_600_000

function partialOf(
  { id }: ListedBlock,
  meta: BadMeta | Unread | undefined,
  { time, wrong }: Marked,
  now: number,
): PartialBlock {
  const keep = meta !== undefined
  const error = meta && ('error' in meta ? meta.error : errorOf(meta))
  // Either meta.json was deleted since the listing, or the store contradicts itself: the next listing shows which.
  const isGone = error === undefined || codeOf(error) === ErrorCode.notFound
  const reason = isGone ? 'no-meta-json' : meta && 'reason' in meta ? meta.reason : 'unreadable'
  const why = error === undefined ? undefined : rawMessageOf(error)
  if (reason !== 'unreadable' && time !== undefined && now - time > DELETED_AFTER) {
    return {
      id,
      reason: 'marked-for-deletion',
      detail: `marked at ${instant(time)}: ${why ?? 'meta.json is gone'}`,
      keep,
    }
  }
  const ofMark = time === undefined ? wrong : `marked for deletion at ${instant(time)}`
  const detail = [why, ofMark].filter(part => part !== undefined).join('; ') || undefined
  if (isGone) return { id, reason, detail, keep }
  if (ofMark === undefined) return { id, reason, error, keep }
  const code = codeOf(error) ?? ErrorCode.bucketFailed
  return { id, reason, error: new BlockgateError(code, detail ?? '', { cause: error, at: 'scan-bucket' }), keep }
}

function errorOf({ reason, message }: BadMeta): BlockgateError {
  const code = reason === 'incomplete' ? ErrorCode.corruptBlock : ErrorCode.corruptedMeta
  return new BlockgateError(code, message, { at: 'scan-bucket' })
}

/** No other program finds a block in such a folder. */
function refused(id: BlockId, folder: string): PartialBlock {
  const message = `its folder must be named ${id}, in upper case: current value is ${folder}`
  const error = new BlockgateError(ErrorCode.invalidKey, message, { at: 'scan-bucket' })
  return { id, reason: 'lower-case-folder', error, keep: true }
}
