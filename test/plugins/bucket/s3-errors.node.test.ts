import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { type Bucket, BucketError, codeOf, type Host, isTransient } from 'blockgate'
import { s3 } from 'blockgate/plugins/bucket/s3'
import { fakeHost, services } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { asked, onBothPaths, startedS3 } from '../../support/started-s3.ts'
import { type Answer, s3Failure, s3Object, stubStore } from '../../support/stub-store.ts'
import { tempFolders } from '../../support/temp-folders.ts'

const { signal } = new AbortController()

/** What `call` throws where the store answers so: the SDK tries once. */
async function thrown(answer: Answer, call: (bucket: Bucket) => Promise<unknown>, host?: Host): Promise<BucketError> {
  const { result, requests } = await asked(answer, call, {}, host)
  expect(result).toBeInstanceOf(BucketError)
  expect(requests).toHaveLength(1)
  return result as BucketError
}

const get = (bucket: Bucket) => bucket.get('a/b', { signal })
const list = (bucket: Bucket) => bucket.list('a/', { signal })

onBothPaths(() => {
  describe('errors of the store', () => {
    const key = 'accessKeyId "THE-…"'
    const place = 'bucket "metrics" is somewhere else, see options region and endpoint'
    it.each([
      [404, 'NoSuchBucket', 'bucket "metrics" does not exist'],
      [400, 'InvalidBucketName', 'the store does not take "metrics" as the name of a bucket'],
      [403, 'InvalidAccessKeyId', `the store does not know ${key}`],
      [403, 'InvalidAccessKeyID', `the store does not know ${key}`],
      [404, 'XAdminUserNotFound', `the store does not know ${key}`],
      [403, 'SignatureDoesNotMatch', `secretAccessKey is not the one of ${key}`],
      [403, 'AccessDenied', `cannot read object "a/b": access denied to ${key}, or the store does not know it`],
      [400, 'ExpiredToken', 'sessionToken is not valid, or has expired'],
      [301, 'PermanentRedirect', place],
      [400, 'AuthorizationHeaderMalformed', place],
      [403, 'RequestExpired', 'the clock of this machine differs from that of the store'],
      [400, 'Other', 'cannot read object "a/b"'],
    ])('tell %i %s with what it means, the status and the id of the request', async (status, code, meaning) => {
      const error = await thrown(s3Failure(status, code, { message: 'you may not' }), get)
      expect(codeOf(error)).toBe('bucket-failed')
      // What stores say of signatures repeats the key.
      const words = /Signature|InvalidAccess/.test(code) ? '' : ': you may not'
      expect(error.rawMessage).toBe(`${meaning}: the store says ${code} (${status})${words}`)
      expect([error.status, error.requestId, error.retryable]).toEqual([status, 'REQUEST-1', false])
    })

    it.each([
      [503, 'SlowDown'],
      [500, 'InternalError'],
      [429, 'TooManyRequests'],
      [400, 'RequestTimeout'],
      [403, 'RequestTimeTooSkewed'],
      [409, 'OperationAborted'],
    ])('let %i %s be tried again', async (status, code) => {
      const error = await thrown(s3Failure(status, code), list)
      expect([error.status, error.retryable, isTransient(error)]).toEqual([status, true, true])
    })

    it('never repeat keys or signatures, neither in the message nor in a cause', async () => {
      const more = `<AWSAccessKeyId>THE-ACCESS-KEY</AWSAccessKeyId><StringToSign>SIGNED</StringToSign>`
      const message = 'the signature SIGNED of THE-ACCESS-KEY does not match'
      for (const code of ['SignatureDoesNotMatch', 'InvalidAccessKeyId']) {
        const error = await thrown(s3Failure(403, code, { message, more }), get)
        const shown = inspect(error, { depth: 20, showHidden: true }).toLowerCase()
        for (const secret of ['the-access-key', 'the-secret-key', 'signed', 'authorization']) {
          expect(shown).not.toContain(secret)
        }
      }
      // It may be the secret, put in the wrong place.
      const error = await thrown(s3Failure(403, 'AccessDenied', { message: 'no such key: THE-ACCESS-KEY' }), get)
      expect(error.rawMessage).toMatch(/: no such key: THE-…$/)
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('THE-ACCESS-KEY')
    })

    it('say where the bucket is, where the store tells', async () => {
      const headers = { 'x-amz-bucket-region': 'eu-west-1' }
      const error = await thrown(s3Failure(301, 'PermanentRedirect', { headers }), list)
      expect(error.rawMessage).toBe(
        'bucket "metrics" is in eu-west-1, see options region and endpoint: the store says PermanentRedirect (301)',
      )
    })

    it('are one short line, whatever the store writes, and whatever the key is', async () => {
      const error = await thrown(s3Failure(400, 'Other', { message: `a\nb\u007f\u2028${'x'.repeat(5000)}` }), get)
      expect(error.rawMessage).toMatch(/^[^\n\u007f\u2028]{1,300}$/)
      const key = `a\nb/${'k'.repeat(1000)}`
      const long = await thrown(s3Failure(400, 'Other', { message: 'said' }), bucket => bucket.get(key, { signal }))
      expect(long.rawMessage).toMatch(/^cannot read object "a b\/k[^\n]{1,600}": the store says Other \(400\): said$/)
    })

    it.each([
      ['7', 7000],
      ['Sun, 22 Nov 2026 12:00:30 GMT', 30_000],
      ['Sun, 22 Nov 2026 11:00:00 GMT', 0],
      ['soon', undefined],
      ['soon 9999', undefined],
      ['-5', undefined],
      ['1.5', undefined],
    ])('carry the pause that the store asks for: %s is %s ms', async (retryAfter, ms) => {
      const host = fakeHost({ now: Date.UTC(2026, 10, 22, 12, 0, 0) })
      const busy = s3Failure(503, 'SlowDown', { headers: { 'retry-after': retryAfter } })
      expect((await thrown(busy, get, host)).retryAfterMs).toBe(ms)
    })

    it('of something in between have its status, with or without a body; its 404 is no missing object', async () => {
      for (const [status, body] of [
        [503, ''],
        [503, '<html><body>503 Service Unavailable</body>'],
        [404, '<html>no such page</html>'],
      ] as const) {
        const error = await thrown((_, response) => void response.writeHead(status).end(body), get)
        expect(error.rawMessage).toBe(`cannot read object "a/b": the store answered ${status}`)
        expect([error.status, error.retryable]).toEqual([status, status === 503])
      }
      expect((await asked(s3Failure(404, 'NoSuchKey'), get)).result).toBeUndefined()
    })

    const etag = { etag: 'x' }
    it.each<[number, string, 'absent' | { etag: string } | undefined, string | undefined, string]>([
      [412, 'PreconditionFailed', 'absent', undefined, 'conflict'],
      [412, 'PreconditionFailed', undefined, undefined, 'bucket-failed'],
      [409, 'ConditionalRequestConflict', etag, undefined, 'conflict'],
      [409, 'OperationAborted', etag, undefined, 'bucket-failed'],
      [404, 'NoSuchKey', etag, undefined, 'conflict'],
      [404, 'NoSuchBucket', etag, undefined, 'bucket-failed'],
      [501, 'NotImplemented', etag, undefined, 'unsupported'],
      [500, 'UnknownError', etag, undefined, 'bucket-failed'],
      [500, 'UnknownError', etag, 'UnknownError', 'conflict'],
      [500, 'InternalError', etag, 'UnknownError', 'bucket-failed'],
      [500, 'UnknownError', undefined, 'UnknownError', 'bucket-failed'],
    ])('%i %s of a put if %o with racedPutCode %s is %s', async (status, code, condition, racedPutCode, result) => {
      const put = async (bucket: Bucket) =>
        await bucket.put('a', new Uint8Array(1), { ...(condition && { if: condition }), signal }).catch(codeOf)
      expect((await asked(s3Failure(status, code), put, { racedPutCode })).result).toBe(result)
    })

    it('of a delete are none where the object is missing', async () => {
      const remove = (bucket: Bucket) => bucket.delete('a', { signal })
      expect((await asked(s3Failure(404, 'NoSuchKey'), remove)).result).toBeUndefined()
      expect((await thrown(s3Failure(404, 'NoSuchBucket'), remove)).status).toBe(404)
    })
  })

  describe('errors of the network', () => {
    it('are retryable where nothing listens, and name the endpoint', async () => {
      const store = await stubStore(s3Object(''))
      await store[Symbol.asyncDispose]()
      await using bucket = await startedS3({ endpoint: store.endpoint })
      await expect(get(bucket)).rejects.toMatchObject({
        rawMessage: `cannot reach endpoint "${store.endpoint}": connection refused (ECONNREFUSED)`,
        retryable: true,
        status: undefined,
      })
    })

    it('are retryable where the connection breaks before an answer, or the answer is no HTTP', async () => {
      const reset = await thrown(request => void request.socket.resetAndDestroy(), list)
      expect([reset.retryable, reset.status]).toEqual([true, undefined])
      expect(reset.rawMessage).toBe('cannot list prefix "a/": connection reset (ECONNRESET)')
      const ssh = await thrown(request => void request.socket.end('SSH-2.0-OpenSSH_9.2\r\n'), list)
      expect(ssh.retryable).toBe(true)
    })

    it('say where credentials were looked for in vain', async () => {
      const send = () => Promise.reject(Object.assign(new Error('none found'), { name: 'CredentialsProviderError' }))
      const bucket = s3({ bucket: 'metrics', client: { send } })
      await bucket.start?.(services({ bucket }))
      await expect(get(bucket)).rejects.toMatchObject({
        rawMessage: 'no credentials are given, or found where the SDK looks for them: none found',
        retryable: false,
      })
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

    it('is trusted by option ca, also for a large put, and refused for good without it', async () => {
      const answer: Answer = (request, response) => {
        if (request.method === 'PUT') request.resume().on('end', () => s3Object('')(request, response))
        else s3Object('hello')(request, response)
      }
      await using store = await stubStore(answer, { cert, key })
      await using trusting = await startedS3({ endpoint: store.endpoint, ca: cert })
      expect(new TextDecoder().decode(await (await get(trusting))?.bytes(5))).toBe('hello')
      expect(await trusting.put('large', new Uint8Array(3 << 20), { signal })).toBe('stored')
      await using bucket = await startedS3({ endpoint: store.endpoint })
      await expect(get(bucket)).rejects.toMatchObject({
        rawMessage: `the certificate of endpoint "${store.endpoint}" is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT), see option ca`,
        retryable: false,
      })
    })
  })
})
