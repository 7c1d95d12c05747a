/** What the SDK throws, as errors of ours: what must be and what is, whether another try may help, and the request's id. */
import { BucketError, type BucketErrorOptions, isTransient } from 'blockgate'

/** A failed request; `s3Code` is the store's word for it (`NoSuchKey`), where it gave one. */
export class S3Error extends BucketError {
  readonly s3Code: string | undefined

  constructor(message: string, options: BucketErrorOptions & { readonly s3Code?: string | undefined } = {}) {
    super(message, options)
    this.s3Code = options.s3Code
  }
}

/** What an error message may name of the configuration. */
export interface Place {
  readonly bucket: string
  readonly endpoint: string | undefined
  readonly accessKeyId: string | undefined
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

/** Certificates that Node refuses. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/

/**
 * `error` of the SDK, for a request of which `what` must be (`object "a" must be readable`). What the store says of
 * signatures repeats the access key and what was signed, so an answer of the store is never kept as a cause.
 *
 * @param now the wall clock: `Retry-After` may be a date
 */
export function s3Error(what: string, error: unknown, place: Place, now: number): S3Error {
  const { status, requestId, retryAfter, code, region } = answerOf(error)
  if (status === undefined) return unanswered(what, error, place)
  const options = { status, requestId, s3Code: code, retryAfterMs: retryAfterMs(retryAfter, now) }
  if (code !== undefined) {
    const must = mustOf(code, what, place, region)
    const retryable = RETRYABLE.has(code) || undefined
    return new S3Error(`${must}: the store says ${code} (${status})${words(error, code, place)}`, {
      ...options,
      retryable,
    })
  }
  // An answer without an error of S3 in it comes from something in between, or was cut short.
  const good = status < 300
  return new S3Error(`${what}: ${good ? 'the answer cannot be read' : `the store answered ${status}`}`, {
    ...options,
    retryable: good || undefined,
  })
}

interface Answer {
  readonly status?: number | undefined
  readonly requestId?: string | undefined
  readonly retryAfter?: string | undefined
  readonly code?: string | undefined
  /** Where the bucket is, which AWS tells whoever asks elsewhere. */
  readonly region?: string | undefined
}

function answerOf(error: unknown): Answer {
  const metadata = field(error, '$metadata')
  const status = field(metadata, 'httpStatusCode')
  if (typeof status !== 'number') return {}
  // Only what the store itself said: where it said nothing, the SDK puts names of its own.
  const code = text(field(error, 'Code'))
  const headers = field(field(error, '$response'), 'headers')
  return {
    status,
    requestId: text(field(metadata, 'requestId')),
    retryAfter: text(field(headers, 'retry-after')),
    region: text(field(headers, 'x-amz-bucket-region')),
    code: code === undefined || code === '' ? undefined : clean(code),
  }
}

function mustOf(code: string, what: string, place: Place, region: string | undefined): string {
  // Some stores write InvalidAccessKeyID.
  switch (code.toLowerCase()) {
    case 'nosuchbucket':
      return `bucket "${place.bucket}" must exist`
    case 'invalidbucketname':
      return `bucket must be a name that the store takes: current value is "${place.bucket}"`
    case 'invalidaccesskeyid':
    case 'xadminusernotfound': // versitygw
      return `${keyOf(place)} must be one that the store knows`
    case 'signaturedoesnotmatch':
      return `secretAccessKey must be the one of ${keyOf(place)}`
    case 'expiredtoken':
    case 'invalidtoken':
    case 'tokenrefreshrequired':
      return 'sessionToken must be valid'
    case 'authorizationheadermalformed':
    case 'illegallocationconstraintexception':
    case 'permanentredirect':
    case 'temporaryredirect':
      return `region and endpoint must be those of bucket "${place.bucket}"${region === undefined ? '' : `, which is in ${clean(region)}`}`
    case 'requesttimetooskewed':
    case 'requestexpired':
      return 'the clock of this machine must agree with that of the store'
    case 'accessdenied':
      return `${keyOf(place)} must be one that the store knows, and ${what} with it`
    default:
      return what
  }
}

function keyOf({ accessKeyId }: Place): string {
  return accessKeyId === undefined ? 'accessKeyId' : `accessKeyId "${shortKey(accessKeyId)}"`
}

/** Enough to know it by: who mixes up id and secret must not find the secret in a log. */
function shortKey(accessKeyId: string): string {
  return `${accessKeyId.slice(0, 4)}…`
}

function without(message: string, accessKeyId: string | undefined): string {
  return accessKeyId ? message.replaceAll(accessKeyId, shortKey(accessKeyId)) : message
}

/** The store's own words; of signatures they say nothing that helps. */
function words(error: unknown, code: string, { accessKeyId }: Place): string {
  const message = text(field(error, 'message'))
  // Where the store has none, the SDK puts this one.
  if (message === undefined || message === '' || message === code || message === 'UnknownError') return ''
  return /^(SignatureDoesNotMatch|InvalidAccessKeyId)$/i.test(code) ? '' : `: ${clean(without(message, accessKeyId))}`
}

function unanswered(what: string, error: unknown, { endpoint }: Place): S3Error {
  const name = text(field(error, 'name'))
  const code = text(field(error, 'code'))
  if (name === 'CredentialsProviderError') {
    return new S3Error(`credentials must be given, or found where the SDK looks for them: ${wordsOf(error)}`, {
      retryable: false,
    })
  }
  const store = endpoint === undefined ? 'the store' : `endpoint "${endpoint}"`
  if (code !== undefined && CERTIFICATE.test(code)) {
    return new S3Error(`certificate of ${store} must be one that is trusted, see option ca: it failed with ${code}`, {
      retryable: false,
      cause: error,
    })
  }
  const broken = isTransient(error) || name === 'TimeoutError' || (code !== undefined && BROKEN.test(code))
  const which = code === 'ENOTFOUND' || code === 'ECONNREFUSED' ? `${store} must be reachable` : what
  return new S3Error(`${which}: it failed with ${code ?? wordsOf(error)}`, { retryable: broken, cause: error })
}

/** `Retry-After` in seconds or as a date (RFC 9110 10.2.3), in ms; undefined for anything else. */
function retryAfterMs(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

function wordsOf(error: unknown): string {
  return clean(text(field(error, 'message')) ?? String(error))
}

function clean(value: string): string {
  return value.slice(0, MAX_TEXT)
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined
}
