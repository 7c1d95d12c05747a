import { trace } from '@opentelemetry/api'
import type { Bucket } from 'blockgate'
import { traced } from 'blockgate/bucket'
import { s3 } from 'blockgate/plugins/bucket/s3'
import { fakeHost, type Spans, services, spans } from 'blockgate/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { asked } from '../../support/started-s3.ts'
import { type Answer, s3Failure, s3Object } from '../../support/stub-store.ts'

const { signal } = new AbortController()

let recorded: Spans
beforeEach(() => {
  recorded = spans()
})
afterEach(() => recorded.stop())

const inSpan = <T>(work: () => Promise<T>): Promise<T> =>
  trace.getTracer('test').startActiveSpan('outer', span => work().finally(() => span.end()))

/** The attributes of the only request's span. */
async function spanOf(answer: Answer, call: (bucket: Bucket) => Promise<unknown>, options = {}) {
  const { requests } = await asked(answer, bucket => inSpan(() => call(traced(bucket))), options)
  const span = recorded.finished().find(({ name }) => name.startsWith('bucket.'))
  const told = JSON.stringify([span?.attributes, span?.events, span?.status])
  for (const secret of ['THE-ACCESS-KEY', 'the-secret-key', 'X-Amz-', 'Authorization', '?']) {
    expect(told).not.toContain(secret)
  }
  return { requests, attributes: span?.attributes ?? {} }
}

const get = (bucket: Bucket) => bucket.get('a/b', { signal }).then(body => body?.bytes(100))

describe('the span of a request to S3', () => {
  const id = { 'x-amz-request-id': 'REQUEST-1', 'x-amz-id-2': 'EXTENDED-1' }

  it('names method, bucket, whole key, server and the ids of the answer', async () => {
    const { attributes } = await spanOf(s3Object('hello', id), get, { prefix: 'team-a', region: 'eu-west-1' })
    expect(attributes).toEqual({
      'bucket.key': 'a/b',
      'bucket.bytes': 5,
      'bucket.result': 'found',
      'rpc.system.name': 'aws-api',
      'rpc.method': 'S3/GetObject',
      'aws.s3.bucket': 'metrics',
      'aws.s3.key': 'team-a/a/b',
      'aws.request_id': 'REQUEST-1',
      'aws.extended_request_id': 'EXTENDED-1',
      'cloud.region': 'eu-west-1',
      'server.address': '127.0.0.1',
      'server.port': expect.any(Number),
      'http.response.status_code': 200,
    })
  })

  it.each<[string, (bucket: Bucket) => Promise<unknown>, string, string | undefined]>([
    ['put', bucket => bucket.put('a', new Uint8Array(2), { signal }), 'PutObject', 'a'],
    ['delete', bucket => bucket.delete('a', { signal }), 'DeleteObject', 'a'],
    ['list', bucket => bucket.list('a', { signal }).catch(() => {}), 'ListObjectsV2', undefined],
  ])('of a %s has its method', async (_, call, method, key) => {
    const { attributes } = await spanOf(s3Object('', id), call)
    expect([attributes['rpc.method'], attributes['aws.s3.key']]).toEqual([`S3/${method}`, key])
    expect(attributes['aws.request_id']).toBe('REQUEST-1')
  })

  it.each([
    [503, 'SlowDown'],
    [403, 'AccessDenied'],
    [404, 'NoSuchBucket'],
  ])('of a %i has the status as its error.type, and the id of the request', async (status, code) => {
    const { attributes } = await spanOf(s3Failure(status, code), bucket => get(bucket).catch(() => {}))
    expect(attributes).toMatchObject({
      'error.type': String(status),
      'http.response.status_code': status,
      'aws.request_id': 'REQUEST-1',
    })
    const [event] = recorded.finished()[0]?.events ?? []
    expect(event?.attributes).toMatchObject({
      'exception.type': 'BucketError',
      'exception.message': expect.stringContaining(`the store says ${code} (${status})`),
    })
  })

  it('of a missing object is no error, and has the status', async () => {
    const { attributes } = await spanOf(s3Failure(404, 'NoSuchKey'), get)
    expect(attributes).toMatchObject({ 'bucket.result': 'missing', 'http.response.status_code': 404 })
    expect(attributes).not.toHaveProperty('error.type')
  })

  it('of a connection that was reset has its code', async () => {
    const reset: Answer = ({ socket }) => {
      if ('resetAndDestroy' in socket) socket.resetAndDestroy()
    }
    const { attributes } = await spanOf(reset, bucket => get(bucket).catch(() => {}))
    expect(attributes).toMatchObject({ 'error.type': 'ECONNRESET', 'aws.s3.key': 'a/b' })
  })

  it('of a body that broke has it too, with what had come', async () => {
    const cut: Answer = (_, response) => {
      response.writeHead(200, { 'content-length': '10', 'last-modified': 'Sun, 22 Nov 2026 21:10:52 GMT', etag: '"a"' })
      response.write('hello', () => response.destroy())
    }
    const { attributes } = await spanOf(cut, bucket => get(bucket).catch(() => {}))
    expect(attributes).toMatchObject({ 'bucket.bytes': 5, 'error.type': 'ECONNRESET' })
  })

  it('of a request that took too long is a time-out', async () => {
    const host = fakeHost()
    const call = (bucket: Bucket) => inSpan(() => get(traced(bucket)).catch(() => {}))
    await asked(() => void host.advance(20), call, { requestTimeout: 20 }, host)
    expect(recorded.finished()[0]?.attributes).toMatchObject({ 'error.type': 'ETIMEDOUT' })
  })

  it.each([
    [{ endpoint: undefined, region: 'eu-west-1' }, 'metrics.s3.eu-west-1.amazonaws.com', 443],
    [{ endpoint: undefined, region: 'eu-west-1', pathStyle: true }, 's3.eu-west-1.amazonaws.com', 443],
    [{ endpoint: 'https://store.example' }, 'store.example', 443],
    [{ endpoint: 'http://store.example:9000/below', pathStyle: false }, 'metrics.store.example', 9000],
    [{ endpoint: 'http://[::1]' }, '::1', 80],
  ])('of %o goes to %s:%i', async (options, address, port) => {
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
    const bucket = s3({ bucket: 'metrics', credentials, ...options })
    await bucket.start?.(services({ bucket }))
    let told = {}
    const aborted = { signal: AbortSignal.abort(), onDetails: (details: object) => Object.assign(told, details) }
    told = {}
    await bucket.get('a', aborted).catch(() => {})
    expect(told).toMatchObject({ 'server.address': address, 'server.port': port })
    await bucket.stop?.(signal)
  })
})
