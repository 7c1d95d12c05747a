/** What the SDK throws, as errors of ours: what must be and what is, whether another try may help, and the request's id. */
import { BucketError, type BucketErrorOptions, isTransient } from 'blockgate'
import type { S3Options } from './options.ts'

/** A failed request; `s3Code` is the store's word for it (`NoSuchKey`), where it gave one. */
export class S3Error extends BucketError {
  readonly s3Code: string | undefined

  constructor(message: string, options: BucketErrorOptions & { readonly s3Code?: string | undefined } = {}) {
    super(message, options)
    this.s3Code = options.s3Code
  }
}

/** A store's text is untrusted. */
const MAX_TEXT = 200

/** Codes of the store that another try may mend in spite of their status. The SDK corrects its clock after a skew. */
const RETRYABLE: ReadonlySet<string> = new Set([
  'OperationAborted',
  'RequestTimeout',
  'RequestTimeTooSkewed',
  'SlowDown',
  'Throttling',
])

/** A connection that broke, in words that `isTransient` does not know. */
const BROKEN = /^(?:HPE_|ERR_STREAM_PREMATURE_CLOSE$|ERR_SOCKET_)/

/** What an operator searches for. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ENOTFOUND: 'host not found',
  ETIMEDOUT: 'connection timed out',
}

/** Certificates that Node refuses. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/

/** What is read of an error of the SDK, or of Node. */
interface SdkError {
  readonly name?: unknown
  readonly code?: unknown
  readonly message?: unknown
  /** What the store itself said: where it said nothing, the SDK puts a name of its own into `name`. */
  readonly Code?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string }
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
}

/**
 * `error` of the SDK, for a request that failed: `what` is `cannot read object "a"`. What the store says of
 * signatures repeats the access key and what was signed, so an answer of the store is never kept as a cause.
 *
 * @param now the wall clock: `Retry-After` may be a date
 */
export function s3Error(what: string, error: unknown, options: S3Options, now: number): S3Error {
  const sdk: SdkError = typeof error === 'object' && error !== null ? error : {}
  const { httpStatusCode: status, requestId } = sdk.$metadata ?? {}
  if (status === undefined) return unanswered(what, error, sdk, options)
  const headers = sdk.$response?.headers
  const code = textOf(sdk.Code)
  const answer = { status, requestId, s3Code: code, retryAfterMs: retryAfterMs(headers?.['retry-after'], now) }
  if (code !== undefined) {
    const failed = failureOf(code, what, options, headers?.['x-amz-bucket-region'])
    const said = `the store says ${code} (${status})${wordsOf(sdk, code, options)}`
    return new S3Error(`${failed}: ${said}`, { ...answer, retryable: RETRYABLE.has(code) || undefined })
  }
  // An answer without an error of S3 in it comes from something in between, or was cut short.
  const good = status < 300
  return new S3Error(`${what}: ${good ? 'the answer cannot be read' : `the store answered ${status}`}`, {
    ...answer,
    retryable: good || undefined,
  })
}

/** What the store's `code` means here. */
function failureOf(code: string, what: string, { bucket, credentials }: S3Options, region: string | undefined): string {
  const id = credentials?.accessKeyId
  const key = id === undefined ? 'accessKeyId' : `accessKeyId "${shortKey(id)}"`
  // Some stores write InvalidAccessKeyID.
  switch (code.toLowerCase()) {
    case 'nosuchbucket':
      return `bucket "${bucket}" does not exist`
    case 'invalidbucketname':
      return `the store does not take "${bucket}" as the name of a bucket`
    case 'invalidaccesskeyid':
    case 'xadminusernotfound': // versitygw
      return `the store does not know ${key}`
    case 'signaturedoesnotmatch':
      return `secretAccessKey is not the one of ${key}`
    case 'expiredtoken':
    case 'invalidtoken':
    case 'tokenrefreshrequired':
      return 'sessionToken is not valid, or has expired'
    case 'authorizationheadermalformed':
    case 'illegallocationconstraintexception':
    case 'permanentredirect':
    case 'temporaryredirect':
      return `bucket "${bucket}" is ${region ? `in ${region.slice(0, MAX_TEXT)}` : 'somewhere else'}, see options region and endpoint`
    case 'requesttimetooskewed':
    case 'requestexpired':
      return 'the clock of this machine differs from that of the store'
    case 'accessdenied':
      return `${what}: access denied to ${key}, or the store does not know it`
    default:
      return what
  }
}

/** Enough to know it by: who mixes up id and secret must not find the secret in a log. */
function shortKey(accessKeyId: string): string {
  return `${accessKeyId.slice(0, 4)}…`
}

/** The store's own words; of signatures they say nothing that helps. */
function wordsOf({ message }: SdkError, code: string, { credentials }: S3Options): string {
  // Where the store has none, the SDK puts its code, or UnknownError.
  if (typeof message !== 'string' || ['', code, 'UnknownError'].includes(message)) return ''
  if (/^(SignatureDoesNotMatch|InvalidAccessKeyId)$/i.test(code)) return ''
  const id = credentials?.accessKeyId
  return `: ${(id ? message.replaceAll(id, shortKey(id)) : message).slice(0, MAX_TEXT)}`
}

/** An error of the SDK or the network before any answer. */
function unanswered(what: string, error: unknown, sdk: SdkError, { endpoint }: S3Options): S3Error {
  const code = textOf(sdk.code) ?? ''
  const message = textOf(sdk.message) ?? String(error).slice(0, MAX_TEXT)
  if (sdk.name === 'CredentialsProviderError') {
    return new S3Error(`no credentials are given, or found where the SDK looks for them: ${message}`, {
      retryable: false,
    })
  }
  const store = endpoint === undefined ? 'the store' : `endpoint "${endpoint}"`
  if (CERTIFICATE.test(code)) {
    return new S3Error(`the certificate of ${store} is not trusted (${code}), see option ca`, {
      retryable: false,
      cause: error,
    })
  }
  const failed = code === 'ENOTFOUND' || code === 'ECONNREFUSED' ? `cannot reach ${store}` : what
  const words = WORDS[code]
  const why = words ? `${words} (${code})` : code === '' ? message : `it failed with ${code}`
  const isBroken = isTransient(error) || sdk.name === 'TimeoutError' || BROKEN.test(code)
  return new S3Error(`${failed}: ${why}`, { retryable: isBroken, cause: error })
}

/** `Retry-After` in seconds or as a date (RFC 9110 10.2.3), in ms; undefined for anything else. */
function retryAfterMs(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000
  // Date.parse takes "soon 9999" for a time, too, and such a request would never be tried again.
  const date = /:\d\d GMT$/.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, MAX_TEXT) : undefined
}
