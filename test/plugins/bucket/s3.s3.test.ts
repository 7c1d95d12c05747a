import type { Bucket } from 'blockgate'
import { type S3Options, s3 } from 'blockgate/plugins/bucket/s3'
import { services, testBucket } from 'blockgate/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { access, fixture, newBucket, onRealClock } from '../../support/s3-buckets.ts'
import { tcpProxy } from '../../support/tcp-proxy.ts'

testBucket({ describe, it }, { name: 's3', factory: () => fixture() })
testBucket({ describe, it }, { name: 's3 by listVersion 1', factory: () => fixture({ listVersion: 1 }) })
testBucket({ describe, it }, { name: 's3 through the SDK', factory: () => fixture({ sdkOnly: true }) })
testBucket({ describe, it }, { name: 's3 with a prefix', factory: () => fixture({ prefix: 'team-a/blocks' }) })

describe.each([false, true])('s3() on radosgw, sdkOnly %s', sdkOnly => {
  const { signal } = new AbortController()
  let name: string
  beforeAll(async () => {
    name = await newBucket()
  })

  async function started(options: Partial<S3Options> = {}): Promise<Bucket & AsyncDisposable> {
    const bucket = onRealClock(s3({ ...access(), bucket: name, sdkOnly, ...options }))
    await bucket.start?.(services({ bucket }))
    return Object.assign(bucket, { [Symbol.asyncDispose]: async () => await bucket.stop?.(signal) })
  }

  it('tells wrong credentials and a missing bucket from a missing object, with the id of the request', async () => {
    const { credentials } = access()
    const failure = async (options: Partial<S3Options>) => {
      await using bucket = await started(options)
      return await Promise.all([
        bucket.get('a', { signal }).catch((error: unknown) => error),
        bucket.list('', { signal }).catch((error: unknown) => error),
      ])
    }
    const failed = (status: number, message: string) => ({
      status,
      retryable: false,
      requestId: expect.stringMatching(/^tx0/),
      rawMessage: message,
    })
    const wrong = { accessKeyId: credentials?.accessKeyId, secretAccessKey: 'wrong' }
    const secret = failed(
      403,
      `secretAccessKey is not the one of accessKeyId "${credentials?.accessKeyId?.slice(0, 4)}…": the store says SignatureDoesNotMatch (403)`,
    )
    expect(await failure({ credentials: wrong })).toMatchObject([secret, secret])
    const key = failed(403, 'the store does not know accessKeyId "nobo…": the store says InvalidAccessKeyId (403)')
    expect(await failure({ credentials: { ...wrong, accessKeyId: 'nobody' } })).toMatchObject([key, key])
    const missing = failed(404, 'bucket "no-such-bucket" does not exist: the store says NoSuchBucket (404)')
    expect(await failure({ bucket: 'no-such-bucket' })).toMatchObject([missing, missing])
    await using bucket = await started()
    expect(await bucket.get('a', { signal })).toBeUndefined()
  })

  it('gives back the connections of 200 bodies that nobody read, and of those that were aborted', async () => {
    await using proxy = await tcpProxy({ target: access().endpoint ?? '' })
    await using bucket = await started({ endpoint: proxy.endpoint, concurrency: 4, adaptive: false })
    await bucket.put('large', new Uint8Array(1 << 20), { signal })
    let most = 0
    const unread = async () => {
      const body = await bucket.get('large', { signal })
      most = Math.max(most, proxy.open)
      await body?.[Symbol.asyncDispose]()
    }
    await Promise.all(Array.from({ length: 200 }, unread))
    const aborted = async () => {
      const controller = new AbortController()
      const body = await bucket.get('large', { signal: controller.signal })
      const reader = body?.stream.getReader()
      await reader?.read()
      controller.abort(new Error('enough'))
      await expect(reader?.read()).rejects.toThrow('enough')
    }
    await Promise.all(Array.from({ length: 20 }, aborted))
    expect((await (await bucket.get('large', { signal }))?.bytes(1 << 20))?.length).toBe(1 << 20)
    // One that is on its way out may still be seen beside the one that takes its place.
    expect(most).toBeLessThanOrEqual(8)
  })

  it('tells traces where a request went, and its id', async () => {
    await using bucket = await started()
    const told: Record<string, unknown> = {}
    const onDetails = (details: object) => void Object.assign(told, details)
    await bucket.put('told', new Uint8Array(3), { signal, onDetails })
    expect(told).toMatchObject({
      'rpc.method': 'S3/PutObject',
      'aws.s3.bucket': name,
      'aws.s3.key': 'told',
      'aws.request_id': expect.stringMatching(/^tx0/),
      'http.response.status_code': 200,
      'server.port': Number(new URL(access().endpoint ?? '').port),
    })
  })

  it('lists keys that XML cannot hold', async () => {
    await using bucket = await started()
    const keys = ['odd/\u0001', 'odd/\n', 'odd/\ufffe']
    for (const key of keys) await bucket.put(key, new Uint8Array(1), { signal })
    const page = await bucket.list('odd/', { signal })
    expect(page.objects.map(object => object.key)).toEqual(['odd/\u0001', 'odd/\n', 'odd/\ufffe'])
  })
})
