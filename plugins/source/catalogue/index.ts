/**
 * A source that shares what another source has read: one object in the bucket names all blocks, so that a start costs one GET in place of a
 * listing and a GET for each block.
 */
import {
  BlockgateError,
  type BlockSource,
  checkOptions,
  type Duration,
  durationMs,
  durationOption,
  ErrorCode,
} from 'blockgate'
import * as v from 'valibot'
import { SharedCatalogue } from './shared-catalogue.ts'

const HOUR = 3_600_000

export interface CatalogueOptions {
  /** What lists the bucket, such as `scanBucket()`. */
  readonly source: BlockSource
  /** A catalogue of a listing that is older is not used. Default '2h': everything is listed once an hour. */
  readonly maxAge?: Duration | undefined
  /** Whoever lists writes the catalogue when it is older than this. Default '10m'. */
  readonly every?: Duration | undefined
  /** False: it is read, and never written. Default true. */
  readonly write?: boolean | undefined
  /** Bytes that it may have, also unpacked. Default 128 MiB. */
  readonly limit?: number | undefined
}

/**
 * Wraps a source. The first run of a process takes the blocks from the catalogue `blockgate/catalogue/v1` of the bucket, where there is
 * one that is young enough; the next run, which lists, follows at once. The first one adds blocks and drops none. A block is shown only once
 * its own meta.json was read and says the same; where one does not, the whole catalogue is given up.
 *
 * What `source` has read is written there after each listing that was complete, at most once in `every`, by a conditional put.
 *
 * @example
 * import { catalogue } from 'blockgate/plugins/source/catalogue'
 * import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
 * const source = catalogue({ source: scanBucket() })
 */
export function catalogue(options: CatalogueOptions): BlockSource {
  const { source } = Object(options) as Partial<CatalogueOptions>
  let shared: SharedCatalogue | undefined
  return {
    kind: 'source',
    name: 'catalogue',
    needs: ['bucket'],
    options,
    check: () => [
      ...checkOptions(options, {
        source: v.custom(isSource, 'be a source, such as scanBucket()'),
        maxAge: v.optional(durationOption),
        every: v.optional(durationOption),
        write: v.optional(v.boolean('be true or false')),
        limit: v.optional(v.pipe(v.number('be a number'), v.integer('be an integer'), v.minValue(1, 'be >= 1'))),
      }),
      ...(isSource(source) ? (source.check?.() ?? []) : []).map(problem => ({
        ...problem,
        path: `source${problem.path === '' ? '' : `.${problem.path}`}`,
      })),
    ],
    async start(services, signal) {
      await source?.start?.(services, signal)
      const { maxAge, every, write = true, limit = 128 * 1024 * 1024 } = options
      const limits = { maxAgeMs: durationMs(maxAge, 2 * HOUR), everyMs: durationMs(every, HOUR / 6), limit }
      shared = new SharedCatalogue(options.source, limits, write, services)
    },
    pages(run) {
      if (!shared)
        throw new BlockgateError(ErrorCode.stageMisuse, 'start() must come before pages()', { at: 'catalogue' })
      return shared.pages(run)
    },
    tail: run => source?.tail?.(run),
    confirm: block => shared?.confirm(block),
    async stop(signal) {
      await shared?.stop(signal)
      await source?.stop?.(signal)
    },
  }
}

function isSource(value: unknown): value is BlockSource {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'source' && 'pages' in value
}
