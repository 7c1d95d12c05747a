/**
 * One error class with codes. Recognise an error by its code, not by `instanceof`: two copies of the package do occur.
 * Messages say what is and what must be, without a final period.
 */

/** Every code the engine and the built-in plugins use. A plugin of the user's own may bring others (kebab-case). */
export const ErrorCode = {
  aborted: 'aborted',
  addressInUse: 'address-in-use',
  blockTimeout: 'block-timeout',
  bodyTooLarge: 'body-too-large',
  bucketFailed: 'bucket-failed',
  corruptBlock: 'corrupt-block',
  corruptedMeta: 'corrupted-meta-json',
  dirInUse: 'dir-in-use',
  dropsNeedConfirmation: 'drops-need-confirmation',
  diskBudget: 'disk-budget',
  diskFailed: 'disk-failed',
  diskFull: 'disk-full',
  internal: 'internal',
  invalidConfig: 'invalid-config',
  invalidKey: 'invalid-key',
  invalidMember: 'invalid-member',
  invalidQuery: 'invalid-query',
  leaseLost: 'lease-lost',
  listingFailed: 'listing-failed',
  memberRefused: 'member-refused',
  notFound: 'not-found',
  nothingServed: 'nothing-served',
  ownershipUnavailable: 'ownership-unavailable',
  poison: 'poison',
  queryTooLarge: 'query-too-large',
  selectionInvalid: 'selection-invalid',
  stageFailed: 'stage-failed',
  stageMisuse: 'stage-misuse',
  stageStuck: 'stage-stuck',
  staleFence: 'stale-fence',
  startFailed: 'start-failed',
  stopped: 'stopped',
  stopFailed: 'stop-failed',
  unsupported: 'unsupported',
} as const

/** Codes that another try cannot mend: the engine does not retry a block that failed with one of them. */
const PERMANENT: ReadonlySet<string> = new Set([
  ErrorCode.corruptBlock,
  ErrorCode.corruptedMeta,
  ErrorCode.invalidKey,
  ErrorCode.invalidMember,
  ErrorCode.memberRefused,
  ErrorCode.poison,
  ErrorCode.stageMisuse,
  ErrorCode.stageStuck,
  ErrorCode.stopped,
  ErrorCode.unsupported,
])

export interface ErrorOptions {
  readonly cause?: unknown
  /** The stage or plugin that raised it. */
  readonly at?: string | undefined
}

/** The error of the project: `code` for machines, `at` for who raised it, `rawMessage` without the code in front. */
export class BlockgateError extends Error {
  readonly code: string
  readonly at: string | undefined
  readonly rawMessage: string

  constructor(code: string, message: string, options: ErrorOptions = {}) {
    super(`${code}: ${message}`, 'cause' in options ? { cause: options.cause } : undefined)
    this.name = 'BlockgateError'
    this.code = code
    this.at = options.at
    this.rawMessage = message
  }

  /** Normalises anything thrown. An error that already carries a string `code` of ours keeps it; `at` is stamped once. */
  static from(error: unknown, fallback: string = ErrorCode.internal, at?: string): BlockgateError {
    if (error instanceof BlockgateError && (error.at !== undefined || at === undefined)) return error
    const known = Object(error).at
    const stamp = typeof known === 'string' ? known : at
    return new BlockgateError(codeOf(error) ?? fallback, rawMessageOf(error), { cause: error, at: stamp })
  }
}

/** Thrown by `claim()` when the plugin cannot know who owns a block: nothing is added, nothing is dropped. */
export class OwnershipUnavailable extends BlockgateError {
  constructor(message = 'who owns the block cannot be known now', options: ErrorOptions = {}) {
    super(ErrorCode.ownershipUnavailable, message, options)
    this.name = 'OwnershipUnavailable'
  }
}

/** The reason of a lease's signal, and what `assertHeld()` throws, once the lease is gone. */
export class LeaseLost extends BlockgateError {
  constructor(message = 'the lease is no longer held', options: ErrorOptions = {}) {
    super(ErrorCode.leaseLost, message, options)
    this.name = 'LeaseLost'
  }
}

/** A write that carries an older fence than the one already seen. */
export class StaleFence extends BlockgateError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(ErrorCode.staleFence, message, options)
    this.name = 'StaleFence'
  }
}

/** The `code` of an error of ours, over two copies of the package; undefined for any other value. */
export function codeOf(error: unknown): string | undefined {
  const { code, rawMessage } = Object(error)
  return typeof code === 'string' && rawMessage !== undefined ? code : undefined
}

/** True for every OwnershipUnavailable, also one that another copy of the package made. */
export function isOwnershipUnavailable(error: unknown): boolean {
  return codeOf(error) === ErrorCode.ownershipUnavailable
}

/** False where another try cannot help: a corrupt block, a misuse of the contract, an error that says so itself. */
export function isRetryable(error: unknown): boolean {
  const code = codeOf(error)
  if (code === undefined) return true
  const { retryable = true, cause } = Object(error)
  // An error that was stamped with its stage has the one that knows as its cause.
  return retryable === true && !PERMANENT.has(code) && isRetryable(cause)
}

/** The bare text of anything thrown. */
export function rawMessageOf(error: unknown): string {
  const { rawMessage, message } = Object(error)
  return [rawMessage, message].find(text => typeof text === 'string') ?? String(error)
}

/** What a log line says of an error. */
export function errorFields(error: unknown): { readonly code: string | undefined; readonly error: string } {
  return { code: codeOf(error), error: rawMessageOf(error) }
}

/** An error chain longer than this is a mistake, perhaps a cycle. */
const MAX_CAUSES = 8

/** `error` and its causes, as far as they are objects. */
export function* causesOf(error: unknown): Generator<object> {
  let at = error
  for (let i = 0; i < MAX_CAUSES && typeof at === 'object' && at !== null; i++) {
    yield at
    at = 'cause' in at ? at.cause : undefined
  }
}
