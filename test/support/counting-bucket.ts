import type { Bucket, Range } from 'blockgate'

export interface CountingBucket extends Bucket {
  /** Every range that was asked for, in order: `index 0+100`, `index -64`, `index` for a whole object. */
  readonly gets: string[]
  readonly others: string[]
  /** Gets whose body is not closed yet: now, and at most at once. */
  open: number
  most: number
}

/** `bucket`, and what it was asked for. */
export function countingBucket(bucket: Bucket): CountingBucket {
  const counting: CountingBucket = {
    ...bucket,
    gets: [],
    others: [],
    open: 0,
    most: 0,
    async get(key, options) {
      counting.gets.push(key.slice(key.lastIndexOf('/') + 1) + show(options.range))
      counting.most = Math.max(counting.most, ++counting.open)
      const body = await bucket.get(key, options)
      if (!body) return undefined
      let closed = false
      return {
        ...body,
        async [Symbol.asyncDispose]() {
          if (!closed) counting.open--
          closed = true
          await body[Symbol.asyncDispose]()
        },
      }
    },
    async list(prefix, options) {
      counting.others.push(`list ${prefix}`)
      return await bucket.list(prefix, options)
    },
  }
  return counting
}

function show(range: Range | undefined): string {
  if (!range) return ''
  return 'suffix' in range ? ` -${range.suffix}` : ` ${range.offset}+${range.length}`
}
