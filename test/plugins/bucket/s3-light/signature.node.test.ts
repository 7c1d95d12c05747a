// The signer against the SDK's own: whatever is signed, the two must agree on every header.
import { createHash, createHmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { encoded, encodedKey, Signer } from '../../../../plugins/bucket/s3/light/signature.ts'

class Sha256 {
  readonly #hash: { update(data: Uint8Array | string): unknown; digest(): Uint8Array }

  constructor(secret?: Uint8Array | string) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret)
  }

  update(data: Uint8Array | string): void {
    this.#hash.update(data)
  }

  async digest(): Promise<Uint8Array> {
    return new Uint8Array(this.#hash.digest())
  }

  reset(): void {}
}

const EMPTY = createHash('sha256').digest('hex')

interface Case {
  readonly key: string
  readonly query: Readonly<Record<string, string>>
  readonly range: string | undefined
  readonly host: string
  readonly credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
  readonly now: number
}

async function bySdk(region: string, { key, query, range, host, credentials, now }: Case) {
  const signer = new SignatureV4({
    credentials,
    region,
    service: 's3',
    sha256: Sha256 as never,
    uriEscapePath: false,
  })
  const signed = await signer.sign(
    {
      method: 'GET',
      protocol: 'https:',
      hostname: host,
      path: `/${encodedKey(key)}`,
      query,
      headers: { host, 'x-amz-content-sha256': EMPTY, ...(range !== undefined && { range }) },
    },
    { signingDate: new Date(now) },
  )
  return signed.headers
}

function byUs(signer: Signer, { key, query, range, host, credentials, now }: Case) {
  const text = Object.keys(query)
    .sort((a, b) => (encoded(a) < encoded(b) ? -1 : 1))
    .map(name => `${encoded(name)}=${encoded(query[name] ?? '')}`)
    .join('&')
  return signer.sign({ host, path: `/${encodedKey(key)}`, query: text, range }, credentials, now)
}

const wellFormed = (maxLength: number) =>
  fc.oneof(
    fc.string({ maxLength }),
    fc.string({ maxLength, unit: 'binary' }).filter(text => text.isWellFormed()),
  )
/** What a header may hold, with the spaces that a signature folds. */
const token = fc.string({ minLength: 1, maxLength: 60, unit: fc.constantFrom(...'aZ0/+= \t') })
const cases = fc.record({
  key: wellFormed(60),
  query: fc.dictionary(
    fc.constantFrom('prefix', 'list-type', 'continuation-token', 'delimiter', 'start-after', 'marker', 'A', '~é'),
    wellFormed(30),
  ),
  range: fc.option(fc.constantFrom('bytes=0-1', 'bytes=-1024', 'bytes=5-18446744073709551615'), { nil: undefined }),
  host: fc.constantFrom('127.0.0.1:9000', 'bucket.s3.eu-central-1.amazonaws.com', '[::1]:9000', 'a'),
  credentials: fc
    .record({ accessKeyId: token, secretAccessKey: fc.oneof(token, fc.string({ minLength: 1 })) })
    .chain(({ accessKeyId, secretAccessKey }) =>
      fc
        .option(token, { nil: undefined })
        .map(sessionToken => ({ accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) })),
    ),
  // Around midnights, where the day's key changes.
  now: fc
    .tuple(fc.integer({ min: 0, max: 40_000 }), fc.integer({ min: -2000, max: 2000 }))
    .map(([day, ms]) => Math.max(0, day * 86_400_000 + ms)),
})

it('the signer signs as the SDK does, with one key for many requests, days and credentials', async () => {
  const property = fc.asyncProperty(
    fc.string({ minLength: 1, maxLength: 20 }),
    fc.array(cases, { minLength: 1, maxLength: 4 }),
    async (region, given) => {
      const signer = new Signer(region)
      // The same again, in between others: what was kept of the one must not be taken for the other.
      const later = given.map(one => ({ ...one, now: one.now + 86_400_000 }))
      for (const one of [...given.flatMap((one, i) => [one, later[i] ?? one]), ...given])
        expect(byUs(signer, one)).toEqual(await bySdk(region, one))
    },
  )
  await fc.assert(property, { numRuns: 150 })
})

it('a key with nothing to escape is sent as it is, and any other as its parts are', () => {
  expect(encodedKey('01ARZ3NDEKTSV4RRFFQ69G5FAV/chunks/000001')).toBe('01ARZ3NDEKTSV4RRFFQ69G5FAV/chunks/000001')
  expect(encodedKey("a b/ü+!'()*~/\u0001")).toBe('a%20b/%C3%BC%2B%21%27%28%29%2A~/%01')
})
