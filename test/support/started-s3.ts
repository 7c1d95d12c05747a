/** A bucket of S3 that is started, on a store that a test scripts. */
import type { Bucket, Host } from 'blockgate'
import { type S3Options, s3 } from 'blockgate/plugins/bucket/s3'
import { fakeHost, services } from 'blockgate/testing'
import { beforeAll, describe, expect } from 'vitest'
import { type Answer, stubStore } from './stub-store.ts'

/** Whether the bucket of the case that runs now goes through the SDK alone. */
let sdkOnly = false

/** Registers the cases twice: on the light path, and through the SDK alone. Both must give the same. */
export function onBothPaths(cases: () => void): void {
  for (const only of [false, true]) {
    describe(only ? 'through the SDK' : 'on the light path', () => {
      beforeAll(() => {
        sdkOnly = only
      })
      cases()
    })
  }
}

/** Bucket `metrics`, with made-up credentials; disposing it stops it. */
export async function startedS3(
  options: Partial<S3Options>,
  host: Host = fakeHost(),
): Promise<Bucket & AsyncDisposable> {
  const credentials = { accessKeyId: 'THE-ACCESS-KEY', secretAccessKey: 'the-secret-key' }
  const bucket = s3({ bucket: 'metrics', credentials, sdkOnly, ...options })
  expect(bucket.check?.()).toEqual([])
  await bucket.start?.(services({ host, bucket }))
  const { signal } = new AbortController()
  return Object.assign(bucket, { [Symbol.asyncDispose]: async () => await bucket.stop?.(signal) })
}

/** What `call` gives, or throws, where the store answers so; and what the store was asked for. */
export async function asked<T>(
  answer: Answer,
  call: (bucket: Bucket) => Promise<T>,
  options: Partial<S3Options> = {},
  host?: Host,
): Promise<{ readonly result: T | unknown; readonly requests: readonly string[] }> {
  await using store = await stubStore(answer)
  await using bucket = await startedS3({ endpoint: store.endpoint, ...options }, host)
  const result = await call(bucket).catch((error: unknown) => error)
  return { result, requests: store.requests }
}
