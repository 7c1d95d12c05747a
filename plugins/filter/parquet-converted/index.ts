/** Skips blocks that Thanos' parquet converter has taken over. */
import {
  type Bucket,
  type BucketReader,
  checkOptions,
  type Host,
  inSlices,
  type Problem,
  type Selection,
  type SetStage,
} from 'blockgate'
import { retried } from 'blockgate/bucket'
import * as v from 'valibot'
import { Conversions, isConverted } from './conversions.ts'

export interface ParquetConvertedOptions {
  /** Where the converter writes: what Thanos is given as `--objstore-parquet.config`. Required. */
  readonly bucket: Bucket | undefined
}

/**
 * Skips as `parquet-converted` every block of which each UTC day that it touches was converted: the day's `meta.pb` names it. Other
 * blocks go on, also where some of their days were converted. A set stage: it reads what was converted once a run.
 *
 * A bucket that cannot be read, or a `meta.pb` that is none, ends the run: no block is dropped or loaded.
 *
 * @example parquetConverted({ bucket: s3({ bucket: 'metrics-parquet' }) })
 */
export function parquetConverted(options: ParquetConvertedOptions): SetStage {
  let host: Host | undefined
  let bucket: BucketReader | undefined
  const conversions = new Conversions()
  return {
    kind: 'set',
    name: 'parquet-converted',
    options,
    check: () => problemsOf(options),
    async start(services, signal) {
      host = services.host
      const own = retried(options.bucket as Bucket, services.host)
      await own.start?.({ ...services, bucket: own }, signal)
      bucket = own
    },
    async stop(signal) {
      bucket = undefined
      await options.bucket?.stop?.(signal)
    },
    async select(blocks, run) {
      const days = bucket ? await conversions.read(bucket, run.signal) : new Map()
      const selections: Selection[] = []
      await inSlices(host, blocks, ({ meta }) => {
        const id = meta.ulid
        selections.push(isConverted(meta, days.get(id)) ? { id, skip: 'parquet-converted' } : { id })
      })
      return selections
    },
  }
}

function problemsOf(options: ParquetConvertedOptions): readonly Problem[] {
  const shape = {
    bucket: v.looseObject({ name: v.string(), list: v.function(), get: v.function() }, 'be a bucket plugin'),
  }
  const problems = checkOptions(options, shape)
  if (problems.length > 0) return problems
  return (options.bucket?.check?.() ?? []).map(problem => ({ ...problem, path: `bucket.${problem.path}` }))
}
