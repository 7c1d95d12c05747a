/** Buckets on the radosgw of this test run. */
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import type { Bucket } from 'blockgate'
import { type S3Options, s3 } from 'blockgate/plugins/bucket/s3'
import { inject } from 'vitest'

/** Of radosgw 16: a quoted etag never matches, and a put that loses a race on an etag is answered with 500. */
export const RADOSGW_QUIRKS = { unquotedIfMatch: true, racedPutCode: 'UnknownError' } as const

/** What any bucket on it is given, but for its name. */
export function access(): Omit<S3Options, 'bucket'> {
  const { endpoint, accessKeyId, secretAccessKey } = inject('radosgw')
  return { endpoint, credentials: { accessKeyId, secretAccessKey }, ...RADOSGW_QUIRKS }
}

/** Makes a bucket that nobody else uses and gives its name. */
export async function newBucket(): Promise<string> {
  const { endpoint, accessKeyId, secretAccessKey } = inject('radosgw')
  const name = `test-${crypto.randomUUID()}`
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  })
  await client.send(new CreateBucketCommand({ Bucket: name }))
  client.destroy()
  return name
}

/**
 * `bucket` with the clock of this machine: a signature of another time is refused by a real store. Timers stay those of the host that it
 * is started with.
 */
export function onRealClock(bucket: Bucket): Bucket {
  const start: Bucket['start'] = async services =>
    await bucket.start?.({ ...services, host: { ...services.host, now: () => Date.now() } })
  return { ...bucket, start }
}

/** A new bucket as a fixture of `testBucket`. */
export async function fixture(options: Partial<S3Options> = {}): Promise<{ bucket: Bucket }> {
  return { bucket: onRealClock(s3({ ...access(), bucket: await newBucket(), ...options })) }
}
