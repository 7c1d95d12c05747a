/** Outcomes are made here and nowhere else. */
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'
import type { Epoch } from '../contracts/ownership.ts'
import { show } from '../contracts/shown-options.ts'
import type { Outcome, Skip } from '../contracts/stage.ts'

const KEBAB = /^[a-z0-9]+(?:-[a-z0-9]+)*$/
const MAX_REASON = 64

/** What a denial tells the engine beside its reason; not part of what a stage may say. */
export interface Denial {
  readonly epoch: Epoch
}

type SkippedOutcome = Extract<Outcome, { kind: 'skipped' }>
/** Without the brand, which only this file gives. */
type Skipped = { readonly [K in keyof SkippedOutcome & string]: SkippedOutcome[K] }

function make(fields: object): Outcome {
  return Object.freeze(fields) as Outcome
}

export const added: Outcome = make({ kind: 'added' })
export const unchanged: Outcome = make({ kind: 'unchanged' })
export const passed: Outcome = make({ kind: 'passed' })

/** A failure, charged to the stage that raised it. */
export function failed(by: string, error: unknown): Outcome {
  return make({ kind: 'failed', by, error: BlockgateError.from(error, ErrorCode.stageFailed, by) })
}

/** A set stage's verdict, or that of a partial block. */
export function skippedBy(by: string, reason: string, detail?: string, retain = false): Outcome {
  const until = Number.POSITIVE_INFINITY
  return skipped({
    kind: 'skipped',
    by,
    reason,
    retain,
    recheck: false,
    detail,
    expired: false,
    until,
    epoch: undefined,
  })
}

/** Most blocks of a bucket are skipped, for few reasons: one outcome for all that have one reason, and not one each. */
const shared = new Map<string, Outcome>()
const MAX_SHARED = 100

function skipped(fields: Skipped): Outcome {
  if (fields.detail !== undefined) return make(fields)
  const key = JSON.stringify(fields)
  const known = shared.get(key)
  if (known) return known
  if (shared.size >= MAX_SHARED) shared.clear()
  const outcome = make(fields)
  shared.set(key, outcome)
  return outcome
}

/**
 * What a stage returned, as an outcome: its own skip, or exactly what `next()` gave it. Anything else is a misuse of the
 * contract and fails the block in the name of the stage.
 */
export function verdictOf(by: string, verdict: unknown, below: Outcome | undefined): Outcome {
  if (below !== undefined && verdict === below) return below
  const { kind, reason, retain, recheck, detail, expired, until, epoch } = Object(verdict) as Partial<
    Skip & Denial & { kind: string }
  >
  if (kind !== 'skip') return failed(by, wrong('must return what next() returned, or skip(reason)', verdict))
  if (!isReason(reason)) return failed(by, wrong('the reason of a skip must be kebab-case', reason))
  return skipped({
    kind: 'skipped',
    by,
    reason,
    retain: retain === true,
    recheck: recheck === 'ownership-change',
    detail,
    expired: expired === true,
    until,
    epoch,
  })
}

/** Kebab-case of at most 64 characters: it becomes a metric label. */
export function isReason(reason: unknown): reason is string {
  return typeof reason === 'string' && reason.length <= MAX_REASON && KEBAB.test(reason)
}

/** A stage broke the contract of `handle`. */
export function misuse(message: string): BlockgateError {
  return new BlockgateError(ErrorCode.stageMisuse, message)
}

/** `what` must hold of an answer, and `value` was given. */
export function wrong(what: string, value: unknown): BlockgateError {
  return misuse(`${what}: current value is ${show(value)}`)
}
