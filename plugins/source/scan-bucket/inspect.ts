/** From what the listing shows of a block to a candidate, or to the reason why it is none. */
import { BlockgateError, type Candidate, codeOf, ErrorCode, instant, type PartialBlock, rawMessageOf } from 'blockgate'
import { futureMark, oddTimes } from 'blockgate/tsdb'
import type { MetaCache } from './cache.ts'
import type { Fault, KnownMark, KnownMeta } from './known.ts'
import type { ListedBlock } from './listed.ts'
import { markOf, metaOf, type Reading, type Unread } from './read-meta.ts'

export interface Inspector extends Reading {
  readonly cache: MetaCache
}

/** Rejects with the signal's reason, and with nothing else: one bad block never fails the view. */
export async function inspect(at: Inspector, block: ListedBlock): Promise<Candidate | PartialBlock> {
  const { id, meta: listed, deletionMark, unreadable } = block
  if (unreadable) return { id, reason: 'unreadable', error: unreadable.error, keep: true }
  if (!listed && !deletionMark) return { id, reason: 'no-meta-json', keep: false }
  const before = at.cache.get(id)
  const meta = listed && (await metaOf(at, block, listed, before?.read))
  const mark = deletionMark && (await markOf(at, id, deletionMark, before?.mark))
  const read = meta && 'found' in meta ? meta : undefined
  const known = mark && 'etag' in mark ? mark : before?.mark
  if (read ? read !== before?.read || known !== before.mark : known !== before?.mark) {
    at.cache.set({ id: at.share.text(id), read: read ?? before?.read, mark: known })
  }
  const { time, wrong } = usable(mark, at.host.now())
  if (!read || !('meta' in read.found)) return partialOf(at, block, meta, time, wrong)
  const { found } = read
  const candidate = { meta: found.meta, path: `${found.meta.ulid}/`, markers: block.markers, uploaded: found.uploaded }
  const notes = [...(wrong === undefined ? [] : [`${wrong}: the block is kept`]), ...oddTimes(found, at.host.now())]
  return { ...candidate, ...(mark && { deletionTime: time }), ...(notes.length > 0 && { notes }) }
}

/** When a block was marked, or what is wrong with its mark. */
function usable(
  mark: KnownMark | Unread | undefined,
  now: number,
): { readonly time?: number | undefined; readonly wrong?: string | undefined } {
  if (!mark) return {}
  if ('error' in mark) return { wrong: `deletion-mark.json cannot be read: ${rawMessageOf(mark.error)}` }
  const wrong = mark.problem ?? (mark.time === undefined ? undefined : futureMark(mark.time, now))
  return wrong === undefined ? { time: mark.time } : { wrong }
}

/** A compactor deletes a block this long after its mark, or later; then some of its files are gone before others. */
const DELETED_AFTER = 24 * 3_600_000

function partialOf(
  at: Inspector,
  { id }: ListedBlock,
  meta: KnownMeta | Unread | undefined,
  marked: number | undefined,
  wrong: string | undefined,
): PartialBlock {
  const error = meta && ('error' in meta ? meta.error : errorOf(meta.found as Fault))
  const keep = meta !== undefined
  // Deleted since the listing, or a store that contradicts itself: the next listing knows.
  const isGone = error === undefined || codeOf(error) === ErrorCode.notFound
  const isUnread = !isGone && meta !== undefined && 'error' in meta
  if (!isUnread && marked !== undefined && at.host.now() - marked > DELETED_AFTER) {
    const missing = error === undefined ? 'meta.json is gone' : rawMessageOf(error)
    return { id, reason: 'marked-for-deletion', detail: `marked at ${instant(marked)}: ${missing}`, keep }
  }
  const ofMark = marked === undefined ? wrong : `marked for deletion at ${instant(marked)}`
  const detail = [error && rawMessageOf(error), ofMark].filter(part => part !== undefined).join('; ') || undefined
  if (isGone) return { id, reason: 'no-meta-json', detail, keep }
  const reason = isUnread ? 'unreadable' : (meta as KnownMeta & { found: Fault }).found.reason
  if (ofMark === undefined) return { id, reason, error, keep }
  const code = codeOf(error) ?? ErrorCode.bucketFailed
  return { id, reason, error: new BlockgateError(code, detail ?? '', { cause: error, at: 'scan-bucket' }), keep }
}

function errorOf({ reason, message }: Fault): BlockgateError {
  const code = reason === 'incomplete' ? ErrorCode.corruptBlock : ErrorCode.corruptedMeta
  return new BlockgateError(code, message, { at: 'scan-bucket' })
}
