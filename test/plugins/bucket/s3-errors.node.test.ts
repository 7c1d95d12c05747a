import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { type Bucket, BucketError, codeOf, type Host, isTransient } from 'blockgate'
import { s3 } from 'blockgate/plugins/bucket/s3'
import { fakeHost, services } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { startedS3 } from '../../support/started-s3.ts'
import { type Answer, s3Failure, s3Object, stubStore } from '../../support/stub-store.ts'
import { tempFolders } from '../../support/temp-folders.ts'

const { signal } = new AbortController()

/** What `call` throws where the store answers so. */
async function thrown(answer: Answer, call: (bucket: Bucket) => Promise<unknown>, host?: Host): Promise<BucketError> {
  await using store = await stubStore(answer)
  await using bucket = await startedS3({ endpoint: store.endpoint }, host)
  const error = await call(bucket).then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(BucketError)
  expect(store.requests).toHaveLength(1)
  return error as BucketError
}

const get = (bucket: Bucket) => bucket.get('a/b', { signal })
const list = (bucket: Bucket) => bucket.list('a/', { signal })

describe('errors of the store', () => {
  it.each([
    [404, 'NoSuchBucket', 'bucket "metrics" must exist: the store says NoSuchBucket (404): you may not'],
    [
      403,
      'InvalidAccessKeyId',
      'accessKeyId "THE-…" must be one that the store knows: the store says InvalidAccessKeyId (403)',
    ],
    [
      403,
      'InvalidAccessKeyID',
      'accessKeyId "THE-…" must be one that the store knows: the store says InvalidAccessKeyID (403)',
    ],
    [
      404,
      'XAdminUserNotFound',
      'accessKeyId "THE-…" must be one that the store knows: the store says XAdminUserNotFound (404): you may not',
    ],
    [
      403,
      'SignatureDoesNotMatch',
      'secretAccessKey must be the one of accessKeyId "THE-…": the store says SignatureDoesNotMatch (403)',
    ],
    [
      403,
      'AccessDenied',
      'accessKeyId "THE-…" must be one that the store knows, and object "a/b" must be readable with it: the store says AccessDenied (403): you may not',
    ],
    [400, 'ExpiredToken', 'sessionToken must be valid: the store says ExpiredToken (400): you may not'],
    [
      301,
      'PermanentRedirect',
      'region and endpoint must be those of bucket "metrics": the store says PermanentRedirect (301): you may not',
    ],
    [
      400,
      'AuthorizationHeaderMalformed',
      'region and endpoint must be those of bucket "metrics": the store says AuthorizationHeaderMalformed (400): you may not',
    ],
    [
      400,
      'InvalidBucketName',
      'bucket must be a name that the store takes: current value is "metrics": the store says InvalidBucketName (400): you may not',
    ],
    [400, 'Other', 'object "a/b" must be readable: the store says Other (400): you may not'],
  ])('tell %i %s with what must be, the status and the id of the request', async (status, code, message) => {
    const error = await thrown(s3Failure(status, code, { message: 'you may not' }), get)
    expect(codeOf(error)).toBe('bucket-failed')
    expect(error.rawMessage).toBe(message)
    expect([error.status, error.requestId, error.retryable]).toEqual([status, 'REQUEST-1', false])
  })

  it.each([
    [503, 'SlowDown'],
    [500, 'InternalError'],
    [429, 'TooManyRequests'],
    [400, 'RequestTimeout'],
    [403, 'RequestTimeTooSkewed'],
    [409, 'OperationAborted'],
  ])('let %i %s be tried again, and the SDK tries once', async (status, code) => {
    const error = await thrown(s3Failure(status, code), list)
    expect([error.status, error.retryable, isTransient(error)]).toEqual([status, true, true])
  })

  it('never repeat keys or signatures, neither in the message nor in a cause', async () => {
    const more = `<AWSAccessKeyId>THE-ACCESS-KEY</AWSAccessKeyId><StringToSign>SIGNED</StringToSign>`
    const message = 'the signature SIGNED of THE-ACCESS-KEY does not match'
    const error = await thrown(s3Failure(403, 'SignatureDoesNotMatch', { message, more }), get)
    const shown = inspect(error, { depth: 20, showHidden: true })
    for (const secret of ['THE-ACCESS-KEY', 'the-secret-key', 'SIGNED', 'authorization']) {
      expect(shown.toLowerCase()).not.toContain(secret.toLowerCase())
    }
  })

  it('say where the bucket is, where the store tells', async () => {
    const headers = { 'x-amz-bucket-region': 'eu-west-1' }
    expect((await thrown(s3Failure(301, 'PermanentRedirect', { headers }), list)).rawMessage).toBe(
      'region and endpoint must be those of bucket "metrics", which is in eu-west-1: the store says PermanentRedirect (301)',
    )
  })

  it('are retryable where the clocks differ, and say so', async () => {
    const error = await thrown(s3Failure(403, 'RequestTimeTooSkewed', { message: 'too far' }), list)
    expect([error.rawMessage, error.retryable]).toEqual([
      'the clock of this machine must agree with that of the store: the store says RequestTimeTooSkewed (403): too far',
      true,
    ])
  })

  it('never repeat the whole of an access key id: it may be the secret, put in the wrong place', async () => {
    const error = await thrown(s3Failure(403, 'AccessDenied', { message: 'no such key: THE-ACCESS-KEY' }), get)
    expect(error.rawMessage).toMatch(/: no such key: THE-…$/)
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('THE-ACCESS-KEY')
  })

  it('are one short line, whatever the store writes, and whatever the key is', async () => {
    const error = await thrown(s3Failure(400, 'Other', { message: `a\nb\u007f\u2028${'x'.repeat(5000)}` }), get)
    expect(error.rawMessage).toMatch(/^[^\n\u007f\u2028]{1,300}$/)
    const key = `a\nb/${'k'.repeat(1000)}`
    const long = await thrown(s3Failure(400, 'Other', { message: 'said' }), bucket => bucket.get(key, { signal }))
    expect(long.rawMessage).toMatch(
      /^object "a b\/k[^\n]{1,600}" must be readable: the store says Other \(400\): said$/,
    )
  })

  it('carry the pause that the store asks for, in seconds or until a date', async () => {
    const busy = (retryAfter: string) => s3Failure(503, 'SlowDown', { headers: { 'retry-after': retryAfter } })
    const host = fakeHost({ now: Date.UTC(2026, 10, 22, 12, 0, 0) })
    expect((await thrown(busy('7'), get, host)).retryAfterMs).toBe(7000)
    expect((await thrown(busy('Sun, 22 Nov 2026 12:00:30 GMT'), get, host)).retryAfterMs).toBe(30_000)
    expect((await thrown(busy('Sun, 22 Nov 2026 11:00:00 GMT'), get, host)).retryAfterMs).toBe(0)
    expect((await thrown(busy('soon'), get, host)).retryAfterMs).toBeUndefined()
  })

  it('of something in between have its status, with or without a body', async () => {
    for (const body of ['', 'busy', '<html><body>503 Service Unavailable</body>']) {
      const error = await thrown((_, response) => void response.writeHead(503).end(body), get)
      expect(error.rawMessage).toBe('object "a/b" must be readable: the store answered 503')
      expect([error.status, error.retryable]).toEqual([503, true])
    }
  })

  it('tell a 404 that does not say NoSuchKey from a missing object', async () => {
    const nothing = await thrown((_, response) => void response.writeHead(404).end('<html>no such page</html>'), get)
    expect([nothing.status, nothing.retryable]).toEqual([404, false])
    await using store = await stubStore(s3Failure(404, 'NoSuchKey'))
    await using bucket = await startedS3({ endpoint: store.endpoint })
    expect(await get(bucket)).toBeUndefined()
  })

  it('of conditional puts are conflicts, errors, or unsupported', async () => {
    const put = async (answer: Answer, condition: 'absent' | { etag: string } | undefined, racedPutCode?: string) => {
      await using store = await stubStore(answer)
      await using bucket = await startedS3({ endpoint: store.endpoint, racedPutCode })
      const options = condition === undefined ? { signal } : { if: condition, signal }
      return await bucket.put('a', new Uint8Array(1), options).catch(codeOf)
    }
    const etag = { etag: 'x' }
    expect(await put(s3Failure(412, 'PreconditionFailed'), 'absent')).toBe('conflict')
    expect(await put(s3Failure(412, 'PreconditionFailed'), undefined)).toBe('bucket-failed')
    expect(await put(s3Failure(409, 'ConditionalRequestConflict'), etag)).toBe('conflict')
    expect(await put(s3Failure(409, 'OperationAborted'), etag)).toBe('bucket-failed')
    expect(await put(s3Failure(404, 'NoSuchKey'), etag)).toBe('conflict')
    expect(await put(s3Failure(404, 'NoSuchBucket'), etag)).toBe('bucket-failed')
    expect(await put(s3Failure(501, 'NotImplemented'), etag)).toBe('unsupported')
    expect(await put(s3Failure(500, 'UnknownError'), etag)).toBe('bucket-failed')
    expect(await put(s3Failure(500, 'UnknownError'), etag, 'UnknownError')).toBe('conflict')
    expect(await put(s3Failure(500, 'InternalError'), etag, 'UnknownError')).toBe('bucket-failed')
    expect(await put(s3Failure(500, 'UnknownError'), undefined, 'UnknownError')).toBe('bucket-failed')
  })

  it('of a delete are none where the object is missing', async () => {
    await using store = await stubStore(s3Failure(404, 'NoSuchKey'))
    await using bucket = await startedS3({ endpoint: store.endpoint })
    await expect(bucket.delete('a', { signal })).resolves.toBeUndefined()
    const error = await thrown(s3Failure(404, 'NoSuchBucket'), b => b.delete('a', { signal }))
    expect(error.status).toBe(404)
  })
})

describe('errors of the network', () => {
  it('are retryable where nothing listens, and name the endpoint', async () => {
    const store = await stubStore(s3Object(''))
    await store[Symbol.asyncDispose]()
    await using bucket = await startedS3({ endpoint: store.endpoint })
    const error = await get(bucket).catch((error: unknown) => error)
    expect(error).toMatchObject({
      rawMessage: `endpoint "${store.endpoint}" must be reachable: it failed with ECONNREFUSED`,
      retryable: true,
      status: undefined,
    })
  })

  it('are retryable where the connection breaks before an answer', async () => {
    const error = await thrown(request => void request.socket.resetAndDestroy(), list)
    expect([error.retryable, error.status]).toEqual([true, undefined])
    expect(error.rawMessage).toBe('prefix "a/" must be listable: it failed with ECONNRESET')
  })

  it('are retryable where the answer is no HTTP', async () => {
    const error = await thrown(request => void request.socket.end('SSH-2.0-OpenSSH_9.2\r\n'), list)
    expect(error.retryable).toBe(true)
  })

  it('say where credentials were looked for in vain', async () => {
    const sent = () => Promise.reject(Object.assign(new Error('none found'), { name: 'CredentialsProviderError' }))
    const bucket = s3({ bucket: 'metrics', client: { send: sent } })
    await bucket.start?.(services({ bucket }))
    await expect(get(bucket)).rejects.toThrow(
      'credentials must be given, or found where the SDK looks for them: none found',
    )
  })
})

describe('an https endpoint with a certificate of its own', () => {
  const folder = tempFolders()()
  const file = (name: string) => join(folder, name)
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
      .concat(['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'])
      .concat(['-keyout', file('key.pem'), '-out', file('cert.pem')]),
    { stdio: 'pipe' },
  )
  const cert = readFileSync(file('cert.pem'), 'utf8')
  const key = readFileSync(file('key.pem'), 'utf8')

  it('is trusted by option ca, also for a large put', async () => {
    await using store = await stubStore(
      (request, response) => {
        if (request.method === 'PUT') request.resume().on('end', () => s3Object('')(request, response))
        else s3Object('hello')(request, response)
      },
      { cert, key },
    )
    await using bucket = await startedS3({ endpoint: store.endpoint, ca: cert })
    expect(new TextDecoder().decode(await (await get(bucket))?.bytes(5))).toBe('hello')
    expect(await bucket.put('large', new Uint8Array(3 << 20), { signal })).toBe('stored')
  })

  it('is refused without it, for good, with what must be', async () => {
    await using store = await stubStore(s3Object('hello'), { cert, key })
    await using bucket = await startedS3({ endpoint: store.endpoint })
    await expect(get(bucket)).rejects.toMatchObject({
      rawMessage: `certificate of endpoint "${store.endpoint}" must be one that is trusted, see option ca: it failed with DEPTH_ZERO_SELF_SIGNED_CERT`,
      retryable: false,
    })
  })
})
