/** What one query may take. */

/** Each is at most so many; Infinity is no limit. */
export interface QueryLimits {
  /** Series of all blocks, before they are merged. */
  readonly series: number
  readonly chunks: number
  readonly samples: number
  /** Bytes read from files of blocks. */
  readonly bytes: number
}

/** 50,000,000 samples: as Prometheus' `--storage.remote.read-sample-limit`. */
export const DEFAULT_LIMITS: QueryLimits = {
  series: 500_000,
  chunks: 2_000_000,
  samples: 50_000_000,
  bytes: 1024 ** 3,
}
