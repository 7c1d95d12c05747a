// What the light path does beside sending: clocks, credentials that change, and what it leaves to the SDK.
import * as sdk from '@aws-sdk/client-s3'
import { fakeHost } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { LightClient } from '../../../../plugins/bucket/s3/light/client.ts'
import { fetchTransport } from '../../../../plugins/bucket/s3/light/fetch.ts'
import {
  type AnswerBody,
  type SignedGet,
  type Transport,
  textOf,
} from '../../../../plugins/bucket/s3/light/transport.ts'
import { s3Failure, s3Object, stubStore } from '../../../support/stub-store.ts'

const { signal } = new AbortController()
const get = (key: string) => new sdk.GetObjectCommand({ Bucket: 'metrics', Key: key })
const NOW = Date.UTC(2026, 10, 30, 12)

interface Scripted {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly text?: string
}

/** A transport that keeps what it is asked, and answers as it is told. */
function scripted(
  answer: (n: number) => Scripted,
): Transport & { readonly sent: SignedGet[]; readonly destroyed: number } {
  const sent: SignedGet[] = []
  let destroyed = 0
  return {
    sent,
    get destroyed() {
      return destroyed
    },
    async send(request) {
      const { status = 200, headers = {}, text = '' } = answer(sent.push(request))
      const chunks = text === '' ? [] : [new TextEncoder().encode(text)]
      const body: AnswerBody = { read: async () => chunks.shift(), destroy: () => void destroyed++ }
      return { status, header: name => headers[name], body }
    },
    close() {},
  }
}

function world(answer: (n: number) => Scripted, config: sdk.S3ClientConfig = {}) {
  const host = fakeHost({ now: NOW })
  const transport = scripted(answer)
  const client = new sdk.S3Client({
    region: 'eu-central-1',
    credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    maxAttempts: 1,
    ...config,
  })
  const light = new LightClient(client, sdk, 'metrics', transport, host)
  const send = (command: unknown) => light.send(command, { abortSignal: signal })
  return { host, transport, client, send }
}

const skewed = (date: string): Scripted => ({
  status: 403,
  headers: { date },
  text: '<Error><Code>RequestTimeTooSkewed</Code><Message>m</Message></Error>',
})

describe('the light path', () => {
  it('signs by the clock of the host, and after an error by that of the store, where they differ by minutes', async () => {
    const { transport, host, send } = world(n => (n === 1 ? skewed('Mon, 30 Nov 2026 14:00:00 GMT') : {}))
    await expect(send(get('a'))).rejects.toMatchObject({
      Code: 'RequestTimeTooSkewed',
      $metadata: { httpStatusCode: 403 },
    })
    await host.advance(1000)
    await send(get('a'))
    expect(transport.sent.map(({ headers }) => headers['x-amz-date'])).toEqual(['20261130T120000Z', '20261130T140001Z'])
  })

  it.each(['Mon, 30 Nov 2026 12:03:00 GMT', 'soon'])('keeps to its own clock where the store says %s', async date => {
    const { transport, send } = world(n => (n === 1 ? skewed(date) : {}))
    await expect(send(get('a'))).rejects.toThrow()
    await send(get('a'))
    expect(transport.sent[1]?.headers['x-amz-date']).toBe('20261130T120000Z')
  })

  it('takes new credentials as the SDK gets them, with their token', async () => {
    let n = 0
    const credentials = async () => {
      n++
      return { accessKeyId: `id-${n}`, secretAccessKey: 's', sessionToken: `t-${n}`, expiration: new Date(0) }
    }
    const { transport, send } = world(() => ({}), { credentials })
    await send(get('a'))
    await send(get('a'))
    const [one, two] = transport.sent.map(({ headers }) => headers)
    expect(one?.authorization).not.toBe(two?.authorization)
    expect(two?.authorization).toContain(`Credential=id-${n}/`)
    expect(two?.['x-amz-security-token']).toBe(`t-${n}`)
  })

  it('asks again for credentials that were not there', async () => {
    let isThere = false
    const credentials = async () => {
      if (!isThere) throw Object.assign(new Error('none'), { name: 'CredentialsProviderError' })
      return { accessKeyId: 'id', secretAccessKey: 's' }
    }
    const { transport, send } = world(() => ({}), { credentials })
    await expect(send(get('a'))).rejects.toThrow('none')
    isThere = true
    await send(get('a'))
    expect(transport.sent).toHaveLength(1)
  })

  it('leaves to the SDK what is no listing and no read, and every endpoint that it does not know', async () => {
    const seen: string[] = []
    const requestHandler = {
      handle: async (request: { method: string; path: string }) => {
        seen.push(`${request.method} ${request.path}`)
        throw new Error('sent')
      },
    } as never
    const { transport, send } = world(() => ({}), { requestHandler })
    await expect(send(new sdk.DeleteObjectCommand({ Bucket: 'metrics', Key: 'a' }))).rejects.toThrow('sent')
    const other = world(() => ({}), {
      requestHandler,
      endpointProvider: () => ({
        url: new URL('https://a.example'),
        properties: {
          authSchemes: [{ name: 'sigv4', signingName: 'other', signingRegion: 'r', disableDoubleEncoding: true }],
        },
      }),
    } as never)
    await expect(other.send(get('a'))).rejects.toThrow('sent')
    expect(seen).toEqual(['DELETE /a', 'GET /a'])
    expect([transport.sent, other.transport.sent]).toEqual([[], []])
  })

  it('reads no more than it needs of an error, and keeps its status', async () => {
    const { transport, send } = world(() => ({
      status: 500,
      text: `<Error><Code>A</Code>${' '.repeat(70_000)}</Error>`,
    }))
    await expect(send(get('a'))).rejects.toMatchObject({ Code: undefined, $metadata: { httpStatusCode: 500 } })
    expect(transport.destroyed).toBe(1)
  })

  it('takes an error of the store in the place of a page for that error', async () => {
    const { send } = world(() => ({ text: '<Error><Code>SlowDown</Code></Error>' }))
    await expect(send(new sdk.ListObjectsV2Command({ Bucket: 'metrics' }))).rejects.toMatchObject({ Code: 'SlowDown' })
  })

  it('sends the query in the order of its names, all of it escaped', async () => {
    const { transport, send } = world(() => ({ text: '<ListBucketResult/>' }))
    const input = {
      Bucket: 'metrics',
      Prefix: 'a b/',
      StartAfter: "01+'é",
      Delimiter: '/',
      ContinuationToken: 'x=/',
      EncodingType: 'url' as const,
    }
    await send(new sdk.ListObjectsV2Command(input))
    expect(transport.sent[0]?.path).toBe(
      '/?continuation-token=x%3D%2F&delimiter=%2F&encoding-type=url&list-type=2&prefix=a%20b%2F&start-after=01%2B%27%C3%A9',
    )
    expect(transport.sent[0]?.origin).toBe('https://metrics.s3.eu-central-1.amazonaws.com')
  })
})

describe('fetchTransport()', () => {
  const request = (origin: string) => ({
    origin,
    path: '/metrics/a',
    headers: { host: 'x', 'x-amz-date': 'd' },
    signal,
  })

  it('gives status, headers and body, and follows no redirect', async () => {
    await using store = await stubStore(s3Object('hello'))
    const answer = await fetchTransport().send(request(store.endpoint))
    expect([answer.status, answer.header('content-length'), answer.header('none')]).toEqual([200, '5', undefined])
    expect(await textOf(answer.body, 5)).toBe('hello')
    await using other = await stubStore(s3Failure(301, 'PermanentRedirect', { headers: { location: store.endpoint } }))
    expect((await fetchTransport().send(request(other.endpoint))).status).toBe(301)
    expect(store.requests).toHaveLength(1)
  })

  it('asks for bodies as they are: a compressed one comes without its size', async () => {
    await using store = await stubStore((request, response) => void response.end(request.headers['accept-encoding']))
    const { body } = await fetchTransport().send(request(store.endpoint))
    expect(await textOf(body, 100)).toBe('identity')
  })

  it('tells a connection that failed or broke by a code, and an abort by its reason', async () => {
    const broken = await stubStore((_, response) => {
      response.writeHead(200, { 'content-length': '10' })
      response.write('hello', () => response.socket?.destroy())
    })
    const answer = await fetchTransport().send(request(broken.endpoint))
    await expect(textOf(answer.body, 10)).rejects.toMatchObject({ code: 'ECONNRESET' })
    await broken[Symbol.asyncDispose]()
    await expect(fetchTransport().send(request(broken.endpoint))).rejects.toMatchObject({
      code: expect.stringMatching(/^ECONN/),
    })
    const reason = new Error('enough')
    const aborted = { ...request(broken.endpoint), signal: AbortSignal.abort(reason) }
    await expect(fetchTransport().send(aborted)).rejects.toBe(reason)
  })

  it('closes the connection of a body that is let go', async () => {
    await using store = await stubStore((_, response) => {
      response.writeHead(200, { 'content-length': '100000000' })
      response.write('x'.repeat(100_000))
    })
    const answer = await fetchTransport().send(request(store.endpoint))
    await answer.body.read()
    answer.body.destroy()
    await store.idle()
  })
})
