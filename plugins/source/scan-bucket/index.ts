/**
 * The source that lists a bucket. One recursive listing shows sizes, markers and partial blocks; Thanos makes a HEAD or GET for
 * each block and marker. meta.json is read only where the listing shows a new one.
 */

import {
  BlockgateError,
  type BlockId,
  type BlockSource,
  checkOptions,
  codeOf,
  type Duration,
  durationMs,
  durationOption,
  ErrorCode,
  eachBounded,
  type Page,
  type PartialBlock,
  type RunContext,
  rawMessageOf,
  type ViewEnd,
} from 'blockgate'
import { Versions } from 'blockgate/bucket'
import { compareTail } from 'blockgate/source'
import * as v from 'valibot'
import { MetaCache } from './cache.ts'
import { type Inspector, inspect } from './inspect.ts'
import { listDelimited } from './list.ts'
import { Shown } from './no-block.ts'
import { listPages, UnreadableKeys } from './pages.ts'
import { Sharing } from './share.ts'
import { listSideBySide, type Splits } from './side-by-side.ts'
import { type Full, full, type Look, tailFrom } from './tail.ts'
import { ThanosMetas } from './thanos-metas.ts'

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
  /** How often everything is listed. Runs between list new blocks alone, where that saves requests. '0s': each run lists everything. Default '1h'. */
  readonly fullEvery?: Duration | undefined
  /** New blocks are looked for among those that are at most so much older than the newest one: at least '1h'. Default '6h'. */
  readonly margin?: Duration | undefined
}

/**
 * Every block in a folder `<ULID>/` at the bucket's root; other keys are ignored.
 *
 * A block without meta.json is partial with `no-meta-json` and counts as absent. Four reasons keep a block that is loaded:
 * `corrupted-meta-json`; `incomplete` (the listing shows no index, no chunks, or not what the meta declares: a listing is no
 * snapshot, and the next run may see the rest); `unreadable`; `lower-case-folder`. Where files are gone and the deletion mark is
 * older than 24 hours the reason is `marked-for-deletion`. `uploaded` is `thanos.upload_time`, and undefined where that
 * is not set: a filter then takes the ULID's time, as Thanos does.
 *
 * Where the disk has the metas of a Thanos store (`meta-syncer/`), those of the size that is listed that are newer than the object are read there.
 *
 * The view of a run whose listing failed three times is incomplete; the blocks that it has yielded stand.
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
        fullEvery: v.optional(durationOption),
        margin: v.optional(
          v.pipe(
            durationOption,
            v.check(value => durationMs(value, 0) >= HOUR, 'be >= 1h'),
          ),
        ),
      }),
    async start({ bucket, host, state, files }) {
      const share = new Sharing()
      const cache = new MetaCache({ host, state }, share)
      const unreadable = new UnreadableKeys(host.log)
      started = {
        bucket,
        host,
        share,
        cache,
        unreadable,
        versions: new Versions(host.log),
        thanos: new ThanosMetas(files),
        splits: { areKnown: true },
        last: undefined,
      }
    },
    pages: run => scan(options, started, run),
    get reads() {
      return started?.cache
    },
    tail(run) {
      const { listing, fullEvery, margin } = options
      if (!started?.splits.areKnown || listing === 'delimited') return undefined
      const from = tailFrom(started.last, {
        monotonic: started.host.monotonic(),
        now: run.now,
        fullEvery: durationMs(fullEvery, FULL_EVERY),
        margin: durationMs(margin, MARGIN),
      })
      return from === undefined ? undefined : { pages: scan(options, started, run, from), compare: compareTail }
    },
    async stop(signal) {
      await started?.cache.save('changed', signal)
    },
  }
}

const FULL_EVERY = '1h'
const MARGIN = '6h'
const HOUR = 3_600_000
const positive = v.pipe(v.number('be a number'), v.integer('be an integer'), v.minValue(1, 'be >= 1'))

interface Started extends Omit<Inspector, 'metaLimit' | 'signal'> {
  readonly unreadable: UnreadableKeys
  readonly splits: Splits
  last: Full | undefined
}

async function* scan(
  { listing = 'recursive', concurrency = 32, metaLimit = 16 * 1024 * 1024, margin }: ScanBucketOptions,
  started: Started | undefined,
  { signal, now }: RunContext,
  from?: string,
): AsyncGenerator<Page, ViewEnd, undefined> {
  if (!started) {
    throw new BlockgateError(ErrorCode.stageMisuse, 'start() must come before pages()', { at: 'scan-bucket' })
  }
  const { bucket, host, cache, unreadable, splits } = started
  await cache.load()
  if (from === undefined) unreadable.beginRun()
  const look: Look = { began: host.monotonic(), requests: 0, newest: '', unfinished: [] }
  const shown = new Shown()
  const list = listPages(started, signal, page => {
    shown.see(page)
    look.requests++
    for (const key of page.unreadable ?? []) unreadable.add(key)
  })
  const at: Inspector = { ...started, metaLimit, signal }
  const seen = new Set<BlockId>()
  let isEmpty = true
  const batches =
    listing === 'delimited'
      ? listDelimited(list, concurrency, signal)
      : listSideBySide({ list, concurrency, now, known: cache.known, splits, from })
  try {
    for await (const batch of batches) {
      for (const { id, meta, deletionMark, unreadable } of batch) {
        if (meta || deletionMark || unreadable) seen.add(id)
        if (id > look.newest) look.newest = id
      }
      if (batch.length > 0) isEmpty = false
      const blocks = batch.filter(({ id, misnamed }) => misnamed === undefined || !seen.has(id))
      const results = await eachBounded(blocks, concurrency, block => inspect(at, block))
      await cache.save('full')
      const partial = results.filter((result): result is PartialBlock => !('meta' in result))
      for (const { id, reason } of partial) look.unfinished.push(`${id} ${reason}`)
      yield { blocks: results.filter(result => 'meta' in result), partial }
    }
    signal.throwIfAborted()
    if (from !== undefined) {
      if (started.last && look.newest > started.last.newest) started.last.newest = look.newest
      return { complete: true }
    }
    started.last = full(look, started.last, now, durationMs(margin, MARGIN))
    await cache.retain(seen)
    unreadable.endRun()
    return { complete: true, ...(isEmpty && { cause: shown.cause(bucket.options) }) }
  } catch (error) {
    if (codeOf(error) !== ErrorCode.listingFailed) throw error
    host.log.error('the listing failed: the view is incomplete', { code: codeOf(error), error: rawMessageOf(error) })
    return { complete: false, cause: error }
  } finally {
    // After an abort nothing should wait for a disk. What was read stays in memory, and the next run or stop() saves it.
    if (!signal.aborted) await cache.save('changed')
  }
}
