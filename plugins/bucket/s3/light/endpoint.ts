/** Where the SDK would send requests for the bucket, and what it would sign them for. */
import type { S3Client } from '@aws-sdk/client-s3'
import type { S3Module } from '../sdk.ts'

/** An endpoint that the light path can talk to. */
export interface LightEndpoint {
  /** `https://host:port`, without a path. */
  readonly origin: string
  readonly host: string
  /** What stands before a key: `/bucket/`, or `/` where the bucket is in the host's name. */
  readonly base: string
  readonly region: string
}

/** What the SDK notes of an endpoint; that of `S3Client`'s middleware is not in its types. */
interface Noted {
  readonly endpointV2?: { readonly headers?: Readonly<Record<string, unknown>> }
  readonly authSchemes?: readonly {
    readonly name?: string
    readonly signingName?: string
    readonly signingRegion?: string
    readonly disableDoubleEncoding?: boolean
  }[]
}

interface SdkRequest {
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly path: string
}

/**
 * The SDK makes a request for the bucket, with all that it knows of endpoints, regions, shared files and variables, and it is taken from
 * it before it is signed. Undefined for what takes more than a host, a path and Signature Version 4: directory buckets, access
 * points of several regions.
 *
 * @throws what the SDK throws without credentials or a region
 */
export async function endpointOf(client: S3Client, sdk: S3Module, bucket: string): Promise<LightEndpoint | undefined> {
  const command = new sdk.GetObjectCommand({ Bucket: bucket, Key: KEY })
  let made: { readonly request: SdkRequest; readonly noted: Noted } | undefined
  command.middlewareStack.add(
    (_, context) => async args => {
      made = { request: args.request as SdkRequest, noted: context as Noted }
      return { response: undefined, output: { $metadata: {} } }
    },
    { step: 'build', priority: 'low', name: 'blockgateEndpoint' },
  )
  await client.send(command)
  return made && lightEndpoint(made.request, made.noted)
}

const KEY = 'k'

function lightEndpoint({ protocol, hostname, port, path }: SdkRequest, noted: Noted): LightEndpoint | undefined {
  const [scheme] = noted.authSchemes ?? []
  if (scheme?.name !== 'sigv4' || scheme.signingName !== 's3' || !scheme.disableDoubleEncoding) return undefined
  if (!scheme.signingRegion || Object.keys(noted.endpointV2?.headers ?? {}).length > 0) return undefined
  if (!path.endsWith(`/${KEY}`)) return undefined
  const url = `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`
  if (!URL.canParse(url)) return undefined
  const { origin, host } = new URL(url)
  return { origin, host, base: path.slice(0, -KEY.length), region: scheme.signingRegion }
}
