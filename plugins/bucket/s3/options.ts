/** What an s3() may be told, and what is wrong with it. */
import { checkOptions, type Duration, durationMs, durationOption, type Problem } from 'blockgate'
import * as v from 'valibot'
import type { LimitOptions } from './limit/adaptive.ts'

/** What is used of the SDK's S3Client: such a client may be handed over. */
export interface S3Sender {
  send(command: unknown, options: { readonly abortSignal: AbortSignal }): Promise<unknown>
}

export interface S3Options {
  /** The bucket's name. Required. */
  readonly bucket: string | undefined
  /** The folder of the blocks in the bucket, such as 'team-a/blocks'. Default: the whole bucket. */
  readonly prefix?: string | undefined
  /** `http://` or `https://` with host and port. Default: AWS, by the region. */
  readonly endpoint?: string | undefined
  /** Default: where the SDK looks for it (`AWS_REGION`, shared files); with an endpoint 'us-east-1'. */
  readonly region?: string | undefined
  /** The bucket is in the path, not in the host's name. Default: true with an endpoint, false without. */
  readonly pathStyle?: boolean | undefined
  /** Default: where the SDK looks for them (environment, shared files, web identity, container, instance). */
  readonly credentials?: S3Credentials | undefined
  /** Certificates (PEM) that an https endpoint may be signed by, instead of the public ones. Default: the public ones. */
  readonly ca?: string | undefined
  /** How long to wait for the head of an answer, and for each next bytes of a body. Default '30s'. */
  readonly requestTimeout?: Duration | undefined
  /** Requests at once, each on a connection of its own; further ones wait. Default 128: four files each of 32 blocks. */
  readonly concurrency?: number | undefined
  /**
   * Requests at once follow what the endpoint can do: between 4 and four times `concurrency`, which they start with. Default true; with
   * a `client` false.
   */
  readonly adaptive?: boolean | undefined
  /** How objects are listed: 1 for a store that knows no ListObjectsV2. Default 2. */
  readonly listVersion?: 1 | 2 | undefined
  /** Sends the etag of a conditional put without quotes, as radosgw 16 wants it. Default false. */
  readonly unquotedIfMatch?: boolean | undefined
  /**
   * What the store says, beside 412 and 409, to a conditional put that lost a race: radosgw 16 says 'UnknownError'. Default:
   * nothing; such an answer is then an error.
   */
  readonly racedPutCode?: string | undefined
  /**
   * What the members of a cluster compare: two that have different ones do not work together. Give all of them the same where they
   * reach one bucket by different endpoints. Default: endpoint and bucket; none with a `client`.
   */
  readonly identity?: string | undefined
  /** Sends listings and reads through the SDK, too: several times the CPU time of a request. Default false. */
  readonly sdkOnly?: boolean | undefined
  /** A client of the SDK, instead of one that is made of the options above. It is not closed at stop. */
  readonly client?: S3Sender | undefined
}

export interface S3Credentials {
  readonly accessKeyId: string | undefined
  readonly secretAccessKey: string | undefined
  readonly sessionToken?: string | undefined
}

/** How many requests there may be at once: at the start, at least and at most. */
export function concurrencyOf({ concurrency = 128, adaptive = true, client }: S3Options): LimitOptions {
  // A client of the user's own has a number of connections of its own.
  if (!adaptive || client) return { start: concurrency, least: concurrency, most: concurrency }
  return { start: concurrency, least: Math.min(4, concurrency), most: concurrency * 4 }
}

/** Bucket names of AWS are unique over its regions: which of its endpoints leads to one says nothing. */
const AWS = /(^|\.)amazonaws\.com$/

/**
 * What tells whether two gateways read the same bucket: `s3://<host>/<bucket>`, without the host for AWS. Two spellings of
 * an endpoint (`HTTP://A:80/`, `http://a`) are one. Undefined where it cannot be known: a client of the user's own has an
 * endpoint of its own.
 */
export function identityOf(options: S3Options): string | undefined {
  const { identity, bucket, endpoint, client } = options ?? {}
  if (identity !== undefined) return typeof identity === 'string' ? identity : undefined
  if (typeof bucket !== 'string' || client !== undefined) return undefined
  if (endpoint === undefined) return `s3://${bucket}`
  if (typeof endpoint !== 'string' || !URL.canParse(endpoint)) return undefined
  const { hostname, host, pathname } = new URL(endpoint)
  return AWS.test(hostname) ? `s3://${bucket}` : `s3://${host}${pathname.replace(/\/+$/, '')}/${bucket}`
}

/** All that is wrong with `options`. */
export function problemsOf(options: S3Options): readonly Problem[] {
  return [...checkOptions(options, ENTRIES), ...besideClient(options)]
}

const text = v.pipe(v.string(), v.minLength(1, 'not be empty'))

const ENTRIES = {
  bucket: v.pipe(
    v.string(),
    v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{2,254}$/, "be a bucket's name: 3 to 255 of A-Z a-z 0-9 . _ -"),
  ),
  prefix: v.optional(v.any()), // prefixed() checks it
  endpoint: v.optional(
    v.pipe(v.string(), v.check(isEndpoint, 'be an http or https URL without user, query and fragment')),
  ),
  region: v.optional(text),
  pathStyle: v.optional(v.boolean()),
  credentials: v.optional(v.strictObject({ accessKeyId: text, secretAccessKey: text, sessionToken: v.optional(text) })),
  ca: v.optional(v.pipe(v.string(), v.includes('-----BEGIN CERTIFICATE-----', 'be certificates in PEM'))),
  requestTimeout: v.optional(
    v.pipe(
      durationOption,
      v.check(d => durationMs(d, 0) >= 1, 'be >= 1 ms'),
    ),
  ),
  concurrency: v.optional(
    v.pipe(v.number(), v.integer('be a whole number'), v.minValue(1, 'be >= 1'), v.maxValue(10_000, 'be <= 10000')),
  ),
  adaptive: v.optional(v.boolean()),
  listVersion: v.optional(v.picklist([1, 2], 'be 1 or 2')),
  unquotedIfMatch: v.optional(v.boolean()),
  racedPutCode: v.optional(text),
  identity: v.optional(text),
  sdkOnly: v.optional(v.boolean()),
  client: v.optional(v.looseObject({ send: v.function() })),
} satisfies v.ObjectEntries

/** A client comes as it is: what the options say of it would have no effect. */
function besideClient(options: S3Options): readonly Problem[] {
  if (!options?.client) return []
  const { endpoint, region, pathStyle, credentials, ca } = options
  return Object.entries({ endpoint, region, pathStyle, credentials, ca })
    .filter(([, value]) => value !== undefined)
    .map(([path, value]) => ({ path, must: 'be left out: the client has its own', value }))
}

function isEndpoint(value: string): boolean {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') return false
  return url.username === '' && url.password === '' && url.search === '' && url.hash === ''
}
