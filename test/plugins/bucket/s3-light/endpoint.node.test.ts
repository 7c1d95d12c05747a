// Where the light path sends a request, and what for it is signed: the same as the SDK.
import * as sdk from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { endpointOf } from '../../../../plugins/bucket/s3/light/endpoint.ts'

const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' }

/** What the SDK itself sends for the object `a/b` of the bucket. */
async function sentBySdk(config: sdk.S3ClientConfig, bucket: string): Promise<readonly string[]> {
  const sent: string[] = []
  const requestHandler = {
    handle: async (request: {
      protocol: string
      hostname: string
      port?: number
      path: string
      headers: Record<string, string>
    }) => {
      const port = request.port === undefined ? '' : `:${request.port}`
      const scope = /Credential=id\/\d+\/([^,]+)/.exec(request.headers.authorization ?? '')?.[1] ?? ''
      sent.push(`${request.protocol}//${request.hostname}${port}${request.path}`, request.headers.host ?? '', scope)
      throw new Error('sent')
    },
  }
  const client = new sdk.S3Client({ ...config, credentials, maxAttempts: 1, requestHandler: requestHandler as never })
  await client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: 'a/b' })).catch(() => {})
  return sent
}

describe('endpointOf()', () => {
  const region = 'eu-central-1'
  it.each<[string, sdk.S3ClientConfig, string]>([
    ['AWS', { region }, 'metrics'],
    ['a region that came later', { region: 'xx-west-9' }, 'metrics'],
    ['China', { region: 'cn-north-1' }, 'metrics'],
    ['GovCloud', { region: 'us-gov-west-1' }, 'metrics'],
    ['the first region', { region: 'us-east-1' }, 'metrics'],
    ['AWS by path', { region, forcePathStyle: true }, 'metrics'],
    ['a bucket whose name has dots, which no certificate holds', { region }, 'my.metrics.prod'],
    ['a bucket whose name no host may have', { region }, 'My_Metrics'],
    ['both versions of IP', { region, useDualstackEndpoint: true }, 'metrics'],
    ['FIPS', { region, useFipsEndpoint: true }, 'metrics'],
    ['acceleration', { region, useAccelerateEndpoint: true }, 'metrics'],
    ['an endpoint by path', { region, endpoint: 'http://127.0.0.1:9000', forcePathStyle: true }, 'metrics'],
    ['an endpoint by host', { region, endpoint: 'https://s3.example.com' }, 'metrics'],
    ['an endpoint at the usual port', { region, endpoint: 'https://s3.example.com:443' }, 'metrics'],
    ['an endpoint below a path', { region, endpoint: 'https://a.example/s3/', forcePathStyle: true }, 'metrics'],
    ['IPv6', { region, endpoint: 'http://[::1]:9000', forcePathStyle: true }, 'metrics'],
  ])('of %s is where the SDK sends to', async (_, config, bucket) => {
    const client = new sdk.S3Client({ ...config, credentials })
    const { origin, host, base, region } = (await endpointOf(client, sdk, bucket)) ?? expect.fail('must be known')
    const [url, hostHeader, scope] = await sentBySdk(config, bucket)
    expect(`${origin}${base}a/b`).toBe(url?.replace(':443/', '/'))
    expect(host).toBe(hostHeader?.replace(/:443$/, ''))
    expect(`${region}/s3/aws4_request`).toBe(scope)
  })

  const scheme = { name: 'sigv4', signingName: 's3', signingRegion: 'r', disableDoubleEncoding: true }
  it.each<[string, object, object | undefined]>([
    ['a signature over all regions', { ...scheme, name: 'sigv4a' }, undefined],
    ['a signature for another service', { ...scheme, signingName: 's3-object-lambda' }, undefined],
    ['a path that is escaped twice', { ...scheme, disableDoubleEncoding: false }, undefined],
    ['a header of its own', scheme, { 'x-amz-a': ['b'] }],
  ])('that wants %s is none', async (_, authScheme, headers) => {
    const endpointProvider = () => ({
      url: new URL('https://metrics.example'),
      properties: { authSchemes: [authScheme] },
      ...(headers && { headers }),
    })
    const client = new sdk.S3Client({ region, credentials, ...({ endpointProvider } as object) })
    expect(await endpointOf(client, sdk, 'metrics')).toBeUndefined()
  })

  it('throws what the SDK throws without credentials, and sends nothing', async () => {
    const client = new sdk.S3Client({
      region,
      credentials: () => Promise.reject(Object.assign(new Error('none'), { name: 'CredentialsProviderError' })),
    })
    await expect(endpointOf(client, sdk, 'metrics')).rejects.toThrow('none')
  })
})
