/** What a bucket of S3 is known by, to whoever must tell whether two gateways read the same one. */
import type { S3Options } from './options.ts'

/** Bucket names of AWS are unique over its regions: which of its endpoints leads to one says nothing. */
const AWS = /(^|\.)amazonaws\.com$/

/**
 * `s3://<host>/<bucket>`, without the host for AWS. Two spellings of an endpoint (`HTTP://A:80/`, `http://a`) are one.
 * Undefined where it cannot be known: a client of the user's own has an endpoint of its own.
 */
export function identityOf(options: S3Options): string | undefined {
  const { identity, bucket, endpoint, client } = options ?? {}
  if (identity !== undefined) return typeof identity === 'string' ? identity : undefined
  if (typeof bucket !== 'string' || client !== undefined) return undefined
  if (endpoint === undefined) return `s3://${bucket}`
  if (typeof endpoint !== 'string' || !URL.canParse(endpoint)) return undefined
  const { hostname, host, pathname } = new URL(endpoint)
  return AWS.test(hostname) ? `s3://${bucket}` : `s3://${host}${pathname.replace(/\/+$/, '')}/${bucket}`
}
