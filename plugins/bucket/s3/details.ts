/** What is told of a request in traces: https://opentelemetry.io/docs/specs/semconv/object-stores/s3/. Never a credential. */
import type { RequestDetails } from 'blockgate'
import type { S3Options } from './options.ts'

/** What is known before the request is sent. */
export function asked(
  { method, key }: { readonly method: string; readonly key?: string | undefined },
  options: S3Options,
): RequestDetails {
  return {
    'rpc.system.name': 'aws-api',
    'rpc.method': `S3/${method}`,
    'aws.s3.bucket': options.bucket,
    'aws.s3.key': key,
    'cloud.region': options.region,
    ...serverOf(options),
  }
}

/** Where the requests go, as far as the options say it: the SDK finds the region of AWS by itself, too. */
function serverOf({ endpoint, bucket, region, pathStyle }: S3Options): RequestDetails {
  if (endpoint === undefined) {
    if (region === undefined) return {}
    const host = `s3.${region}.amazonaws.com`
    return { 'server.address': pathStyle ? host : `${bucket}.${host}`, 'server.port': 443 }
  }
  const { hostname, port, protocol } = new URL(endpoint)
  const host = hostname.replace(/^\[|\]$/g, '')
  return {
    'server.address': pathStyle === false ? `${bucket}.${host}` : host,
    'server.port': port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
  }
}

/** What is read of an answer of the SDK, of an error of it, and of an S3Error. */
interface Told {
  readonly $metadata?: {
    readonly httpStatusCode?: number
    readonly requestId?: string
    readonly extendedRequestId?: string
  }
  readonly status?: number | undefined
  readonly requestId?: string | undefined
}

/** What an answer says of the request, or the error of one that failed. */
export function answered(answer: unknown): RequestDetails {
  const { $metadata, status, requestId } = Object(answer) as Told
  return {
    'http.response.status_code': $metadata?.httpStatusCode ?? status,
    'aws.request_id': $metadata?.requestId ?? requestId,
    'aws.extended_request_id': $metadata?.extendedRequestId,
  }
}
