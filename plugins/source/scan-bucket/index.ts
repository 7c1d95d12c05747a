/**
 * The source that lists a bucket: one recursive listing tells sizes, markers and partial blocks, where Thanos asks for each
 * block (a HEAD or GET per block and marker). meta.json is read only where the listing shows a new one.
 */

import {
  BlockgateError,
  type BlockId,
  type BlockSource,
  blockId,
  type Candidate,
  checkOptions,
  codeOf,
  ErrorCode,
  type Page,
  type PartialBlock,
  type RunContext,
  rawMessageOf,
  type Services,
  type ViewEnd,
} from 'blockgate'
import * as v from 'valibot'
import { type MetaCache, metaCache } from './cache.ts'
import { type Inspector, inspect } from './inspect.ts'
import { listDelimited, listRecursive } from './list.ts'
import { type NamedOnce, namedOnce } from './named-once.ts'
import { shown } from './no-block.ts'
import { inOrder } from './pool.ts'
import { retriedList } from './retried-list.ts'
import { type Sharing, sharing } from './share.ts'
import { readToken, writeToken } from './token.ts'
import { type Versions, versions } from './versions.ts'

export interface ScanBucketOptions {
  /**
   * 'recursive': one listing of everything, no request for a block. 'delimited': the folders at the root, then one listing
   * for each block; cheaper only where the folders of the blocks hold far more than blocks. Default 'recursive'.
   */
  readonly listing?: 'recursive' | 'delimited' | undefined
  /** Requests at once. Default 32. */
  readonly concurrency?: number | undefined
  /** Bytes; a larger meta.json is not read, and its block is `corrupted-meta-json`. Default 16 MiB. */
  readonly metaLimit?: number | undefined
}

/**
 * Every block in a folder `<ULID>/` at the bucket's root; other keys are ignored.
 *
 * A block without meta.json is partial with `no-meta-json` and counts as absent. Four reasons keep a block that is loaded:
 * `corrupted-meta-json`; `incomplete` (the listing shows no index, no chunks, or not what the meta declares: a listing is no
 * snapshot, and the next run may see the rest); `unreadable`; `lower-case-folder`. Where files are gone and the deletion mark is
 * older than 24 hours the reason is `marked-for-deletion`. `uploaded` is `thanos.upload_time`, and undefined where that
 * is not set: a filter then goes by the ULID's time, as Thanos does.
 *
 * A run that resumes sees a part of the bucket only, so its view is never complete. So is that of a run whose listing failed
 * three times: it keeps what it has yielded.
 *
 * @example
 * import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
 * const source = scanBucket({ concurrency: 64 })
 */
export function scanBucket(options: ScanBucketOptions = {}): BlockSource {
  let started: Started | undefined
  return {
    kind: 'source',
    name: 'scan-bucket',
    needs: ['bucket'],
    options,
    check: () =>
      checkOptions(options, {
        listing: v.optional(v.picklist(['recursive', 'delimited'], "be 'recursive' or 'delimited'")),
        concurrency: v.optional(positive),
        metaLimit: v.optional(positive),
      }),
    async start(services) {
      const share = sharing()
      const { log } = services.host
      started = { services, share, cache: metaCache(services, share), named: namedOnce(log), versions: versions(log) }
    },
    pages: run => scan(options, started, run),
    async stop(signal) {
      await started?.cache.save('now', signal)
    },
  }
}

const positive = v.pipe(v.number('be a number'), v.integer('be an integer'), v.minValue(1, 'be >= 1'))

interface Started {
  readonly services: Services
  readonly share: Sharing
  readonly cache: MetaCache
  readonly named: NamedOnce
  readonly versions: Versions
}

async function* scan(
  { listing = 'recursive', concurrency = 32, metaLimit = 16 * 1024 * 1024 }: ScanBucketOptions,
  started: Started | undefined,
  { signal, resume }: RunContext,
): AsyncGenerator<Page, ViewEnd, undefined> {
  if (!started)
    throw new BlockgateError(ErrorCode.stageMisuse, 'start() must come before pages()', { at: 'scan-bucket' })
  const { services, share, cache, named, versions } = started
  const { log } = services.host
  const from = resume === undefined ? undefined : readToken(listing, resume)
  if (resume !== undefined && !from) log.warn('the resume token is not of this listing: it starts from the beginning')
  await cache.load()
  const { bucket, host } = services
  const at: Inspector = { bucket, cache, share, versions, host, metaLimit, signal }
  const unreadable = named.inRun()
  const keys = shown(retriedList(services, signal, unreadable.tell), bucket.options)
  const { list } = keys
  const seen = new Set<BlockId>()
  let blocks = 0
  const batches = listing === 'delimited' ? listDelimited(list, from, concurrency, signal) : listRecursive(list, from)
  try {
    for await (const batch of batches) {
      for (const block of batch.blocks) if (block.meta || block.deletionMark || block.unreadable) seen.add(block.id)
      blocks += batch.blocks.length + batch.misnamed.length
      const results = await inOrder(batch.blocks, concurrency, block => inspect(at, block))
      await cache.save('many')
      const misnamed = batch.misnamed.flatMap(folder => refused(folder, seen))
      yield pageOf([...results, ...misnamed], batch.next && writeToken(listing, batch.next))
    }
    signal.throwIfAborted()
    if (!from) {
      await cache.retain(seen)
      unreadable.forgetOthers()
    }
    return { complete: !from, ...(blocks === 0 && !from && { cause: keys.cause() }) }
  } catch (error) {
    if (codeOf(error) !== ErrorCode.listingFailed) throw error
    log.error('the listing failed: the view is incomplete', { code: codeOf(error), error: rawMessageOf(error) })
    return { complete: false, cause: error }
  } finally {
    // After an abort nobody should wait for a disk: what was read stays in memory, for the next run or stop() to save.
    if (!signal.aborted) await cache.save('now')
  }
}

/** The block in a folder whose name no other program finds: refused, unless it is there under its name too. */
function refused(folder: string, seen: ReadonlySet<BlockId>): PartialBlock[] {
  const id = blockId(folder.toUpperCase())
  if (seen.has(id)) return []
  const message = `its folder must be named ${id}, in upper case: current value is ${folder}`
  const error = new BlockgateError(ErrorCode.invalidKey, message, { at: 'scan-bucket' })
  return [{ id, reason: 'lower-case-folder', error, keep: true }]
}

function pageOf(results: readonly (Candidate | PartialBlock)[], resume: string | undefined): Page {
  const blocks: Candidate[] = []
  const partial: PartialBlock[] = []
  for (const result of results) {
    if ('meta' in result) blocks.push(result)
    else partial.push(result)
  }
  return { blocks, partial, resume }
}
