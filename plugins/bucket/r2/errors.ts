/** What an R2 binding throws, as errors of ours. R2 puts its code at the end of the message: `get: … (10001)`. */
import { BucketError, orAborted, rawMessageOf } from 'blockgate'

/** A range that has no bytes of the object. */
const INVALID_RANGE = 10039
/** Where an answer has no code: the local R2 says so of a range that starts at the end. */
const UNSPECIFIED = 0

/** The statuses that R2 gives to its codes: https://developers.cloudflare.com/r2/api/error-codes/ */
const STATUS: ReadonlyMap<number, number> = new Map([
  [10001, 500],
  [10002, 401],
  [10003, 403],
  [10005, 400],
  [10006, 404],
  [10007, 404],
  [10013, 400],
  [10020, 400],
  [10031, 412],
  [INVALID_RANGE, 416],
  [10042, 403],
  [10043, 503],
  [10054, 400],
  [10058, 429],
  [10069, 403],
  [100100, 400],
])

/** A request or a connection that broke off: in spite of their status another try may mend these. */
const BROKEN: ReadonlySet<number> = new Set([10013, 10054])

/** The runtime's words, where the connection to R2 broke: they have no code. */
const NETWORK = /network connection lost|internal error; reference/i

/** A message is one line, and no longer than this. */
const MAX_TEXT = 200

/**
 * The answer to `request`; `what` begins the message of an error: `cannot read object "a"`. R2 takes no signal: after an abort it goes
 * on, and nobody waits.
 *
 * @throws BucketError for whatever the binding threw; the signal's reason
 */
export async function call<T>(what: string, request: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await orAborted(request, signal)
  } catch (error) {
    signal.throwIfAborted()
    throw r2Error(what, error)
  }
}

/** `error` of the binding as one of ours. */
export function r2Error(what: string, error: unknown): BucketError {
  const message = rawMessageOf(error)
  const text = message.replaceAll(/\s+/g, ' ').slice(0, MAX_TEXT)
  const code = codeIn(message)
  const isBroken = (code !== undefined && BROKEN.has(code)) || NETWORK.test(text) || saysRetry(error)
  return new BucketError(`${what}: R2 says: ${text}`, {
    status: code === undefined ? undefined : STATUS.get(code),
    cause: error,
    retryable: isBroken || undefined,
  })
}

/** True where `error` of a call may be that of a range which has no bytes of the object. */
export function mayBeRange(error: unknown): boolean {
  const code = error instanceof BucketError ? codeIn(rawMessageOf(error.cause)) : undefined
  return code === INVALID_RANGE || code === UNSPECIFIED
}

function codeIn(message: string): number | undefined {
  const [, code] = /\((\d{1,6})\)$/.exec(message) ?? []
  return code === undefined ? undefined : Number(code)
}

/** Workerd marks errors of its own that are gone with the next try. */
function saysRetry(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'retryable' in error && error.retryable === true
}
