/** A bucket of S3 that is started, on a store that a test scripts. */
import type { Bucket, Host } from 'blockgate'
import { type S3Options, s3 } from 'blockgate/plugins/bucket/s3'
import { fakeHost, services } from 'blockgate/testing'
import { expect } from 'vitest'

/** Bucket `metrics`, with made-up credentials; disposing it stops it. */
export async function startedS3(
  options: Partial<S3Options>,
  host: Host = fakeHost(),
): Promise<Bucket & AsyncDisposable> {
  const credentials = { accessKeyId: 'THE-ACCESS-KEY', secretAccessKey: 'the-secret-key' }
  const bucket = s3({ bucket: 'metrics', credentials, ...options })
  expect(bucket.check?.()).toEqual([])
  await bucket.start?.(services({ host, bucket }))
  const { signal } = new AbortController()
  return Object.assign(bucket, { [Symbol.asyncDispose]: async () => await bucket.stop?.(signal) })
}
