/** How a bucket says what failed, and whether another try may help. */
import { BlockgateError, causesOf, codeOf, ErrorCode, type ErrorOptions } from '../contracts/errors.ts'

export interface BucketErrorOptions extends ErrorOptions {
  /** The HTTP status of the answer, where there was one. */
  readonly status?: number | undefined
  /** Whether another try may help. Default: judged by `status`, then by `cause`. */
  readonly retryable?: boolean | undefined
  /** What the store asked for (`Retry-After`), in ms. */
  readonly retryAfterMs?: number | undefined
  /** The store's own id of the request: what its support asks for. */
  readonly requestId?: string | undefined
}

/**
 * A request to a bucket that failed: code `bucket-failed`. A bucket maps its client's errors to this one. Its message becomes
 * one short line: keys and what stores say are untrusted.
 */
export class BucketError extends BlockgateError {
  readonly status: number | undefined
  readonly retryable: boolean
  readonly retryAfterMs: number | undefined
  readonly requestId: string | undefined

  constructor(message: string, options: BucketErrorOptions = {}) {
    super(ErrorCode.bucketFailed, oneLine(message), options)
    this.name = 'BucketError'
    this.status = options.status
    this.retryable =
      options.retryable ??
      (options.status === undefined ? isTransient(options.cause) : isTransientStatus(options.status))
    this.retryAfterMs = options.retryAfterMs
    this.requestId = options.requestId
  }
}

/** Codes that Node, Deno and undici give to a connection that broke or could not be made. */
const NETWORK: ReadonlySet<string> = new Set([
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_SOCKET',
])

/**
 * True where another try may help. A `bucket-failed` error with a `retryable` of its own is believed; any other thrown
 * value is judged by the first HTTP `status` (429 or 5xx) or network `code` along its causes.
 */
export function isTransient(error: unknown): boolean {
  for (const at of causesOf(error)) {
    if (codeOf(at) === ErrorCode.bucketFailed && 'retryable' in at && typeof at.retryable === 'boolean')
      return at.retryable
    if ('status' in at && typeof at.status === 'number') return isTransientStatus(at.status)
    if ('code' in at && typeof at.code === 'string' && NETWORK.has(at.code)) return true
  }
  return false
}

/** The HTTP `status` of an error, the first along its causes. */
export function statusOf(error: unknown): number | undefined {
  for (const at of causesOf(error)) if ('status' in at && typeof at.status === 'number') return at.status
  return undefined
}

/**
 * What a request failed with, in a word of few: its HTTP status, or the code of a connection that broke (`ECONNRESET`), the first along
 * its causes.
 */
export function failureTypeOf(error: unknown): string | undefined {
  for (const at of causesOf(error)) {
    if ('status' in at && Number(at.status) >= 400) return String(at.status)
    if ('code' in at && /^[A-Z][A-Z0-9_]{2,40}$/.test(String(at.code))) return String(at.code)
  }
  return undefined
}

/** The wait that a store asked for, in ms; undefined where it named none. */
export function retryAfterOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('retryAfterMs' in error)) return undefined
  const ms = error.retryAfterMs
  return typeof ms === 'number' && Number.isFinite(ms) && ms >= 0 ? ms : undefined
}

/** Each end of a message that is too long: what must be stands at one, what is at the other. */
const END = 300

function oneLine(message: string): string {
  const line = message.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
  return line.length > 2 * END ? `${line.slice(0, END)} … ${line.slice(-END)}` : line
}

function isTransientStatus(status: number): boolean {
  // 501 Not Implemented and 505 say that the request will never be understood.
  return status === 429 || (status >= 500 && status <= 599 && status !== 501 && status !== 505)
}
