/** A source that reads the bucket indexes of Cortex and Mimir in place of listings. */
import {
  BlockgateError,
  type BlockSource,
  checkOptions,
  type Duration,
  durationMs,
  durationOption,
  ErrorCode,
  type Page,
  type RunContext,
  type ViewEnd,
} from 'blockgate'
import { keyProblem } from 'blockgate/bucket'
import * as v from 'valibot'
import { Tenant } from './tenant.ts'

export interface BucketIndexOptions {
  /** Makes what lists the folder of a tenant whose index cannot be used: `() => scanBucket()`, or `scanBucket` itself. */
  readonly source: () => BlockSource
  /** Tenants whose folders stand at the root of the bucket. Default: the root, or the bucket's prefix, is the folder of one. */
  readonly tenants?: readonly string[] | undefined
  /** An index that is older is not used. Default '1h'. */
  readonly maxAge?: Duration | undefined
  /** Requests at once. Default 32. */
  readonly concurrency?: number | undefined
  /** Bytes that an index may have, also unpacked. Default 256 MiB. */
  readonly limit?: number | undefined
}

/**
 * The blocks that `<tenant>/bucket-index.json.gz` names, with their deletion marks: one GET a tenant and run, and one of each new block's
 * meta.json, for the index has no labels but Mimir's, no sources, and no sizes. Where an index is missing, older than `maxAge` or than the one before, or
 * damaged, the folder of that tenant is listed: no index is ever taken for an empty one.
 *
 * @example
 * import { bucketIndex } from 'blockgate/plugins/source/bucket-index'
 * import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
 * const source = bucketIndex({ source: () => scanBucket(), tenants: ['team-a', 'team-b'] })
 */
export function bucketIndex(options: BucketIndexOptions): BlockSource {
  let tenants: readonly Tenant[] | undefined
  return {
    kind: 'source',
    name: 'bucket-index',
    needs: ['bucket'],
    options,
    check: () =>
      checkOptions(options, {
        source: v.custom(
          source => typeof source === 'function',
          'be a function that gives a source: () => scanBucket()',
        ),
        tenants: v.optional(v.pipe(v.array(tenant, 'be a list'), v.minLength(1, 'have a tenant'))),
        maxAge: v.optional(durationOption),
        concurrency: v.optional(positive),
        limit: v.optional(positive),
      }),
    async start(services) {
      const { tenants: names = [''], maxAge, concurrency = 32, limit = 256 * 1024 * 1024 } = options
      const limits = { maxAgeMs: durationMs(maxAge, '1h'), concurrency, limit }
      tenants = [...new Set(names)].map(name => new Tenant(name, services, limits, options.source()))
    },
    pages(run) {
      if (!tenants)
        throw new BlockgateError(ErrorCode.stageMisuse, 'start() must come before pages()', { at: 'bucket-index' })
      return all(tenants, run)
    },
    async stop(signal) {
      for (const tenant of tenants ?? []) await tenant.stop(signal)
    },
  }
}

const positive = v.pipe(v.number('be a number'), v.integer('be an integer'), v.minValue(1, 'be >= 1'))
const tenant = v.pipe(
  v.string('be a name'),
  v.check(name => !name.includes('/') && keyProblem(name) === undefined, 'be the name of a folder'),
)

async function* all(tenants: readonly Tenant[], run: RunContext): AsyncGenerator<Page, ViewEnd, undefined> {
  const ends: ViewEnd[] = []
  for (const tenant of tenants) ends.push(yield* tenant.pages(run))
  // The view is as complete as that of each tenant.
  return ends.find(({ complete }) => !complete) ?? ends[0] ?? { complete: true }
}
