/** Spans of requests to a bucket. The engine makes none itself: buckets are wrapped in them. */

export const bucketSpanName = (op: string): string => `bucket.${op}`

export const BucketAttribute = {
  key: 'bucket.key',
  prefix: 'bucket.prefix',
  bytes: 'bucket.bytes',
  objects: 'bucket.objects',
  result: 'bucket.result',
  range: 'bucket.range',
  httpStatus: 'http.response.status_code',
} as const
