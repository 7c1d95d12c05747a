/** Outcomes are made here and nowhere else. */
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'
import type { Epoch } from '../contracts/ownership.ts'
import type { Outcome, Skip } from '../contracts/stage.ts'

const KEBAB = /^[a-z0-9]+(?:-[a-z0-9]+)*$/
const MAX_REASON = 64

/** What a denial tells the engine beside its reason; not part of what a stage may say. */
export interface Denial {
  readonly epoch: Epoch
}

type Plain = Outcome extends infer O ? Omit<O, never> : never

function make(fields: object): Outcome {
  return Object.freeze(fields) as Plain as Outcome
}

export const added: Outcome = make({ kind: 'added' })
export const unchanged: Outcome = make({ kind: 'unchanged' })
export const passed: Outcome = make({ kind: 'passed' })

type Skipped = Pick<
  Extract<Outcome, { kind: 'skipped' }>,
  'kind' | 'by' | 'reason' | 'retain' | 'recheck' | 'detail' | 'expired' | 'epoch'
>
/** Most blocks of a bucket are skipped, for few reasons: one outcome for all that have one reason, and not one each. */
const shared = new Map<string, Outcome>()
const MAX_SHARED = 100

function skipped(fields: Skipped): Outcome {
  const { by, reason, retain, recheck, detail, expired, epoch } = fields
  if (detail !== undefined) return make(fields)
  const key = [by, reason, retain, recheck, expired, epoch].join('\n')
  const known = shared.get(key)
  if (known) return known
  if (shared.size >= MAX_SHARED) shared.clear()
  const outcome = make(fields)
  shared.set(key, outcome)
  return outcome
}

/** A failure, charged to the stage that raised it. */
export function failed(by: string, error: unknown): Outcome {
  return make({ kind: 'failed', by, error: BlockgateError.from(error, ErrorCode.stageFailed, by) })
}

/** A set stage's verdict, or that of a partial block. */
export function skippedBy(by: string, reason: string, detail?: string, retain = false): Outcome {
  return skipped({ kind: 'skipped', by, reason, retain, recheck: false, detail, expired: false, epoch: undefined })
}

/**
 * What a stage returned, as an outcome: its own skip, or exactly what `next()` gave it. Anything else is a misuse of the
 * contract and fails the block in the name of the stage.
 */
export function settle(by: string, verdict: unknown, below: Outcome | undefined): Outcome {
  if (below !== undefined && verdict === below) return below
  if (!isSkip(verdict)) {
    return failed(by, misuse(`must return what next() returned, or skip(reason): current value is ${show(verdict)}`))
  }
  if (!isReason(verdict.reason)) {
    return failed(by, misuse(`the reason of a skip must be kebab-case: current value is ${show(verdict.reason)}`))
  }
  return skipped({
    kind: 'skipped',
    by,
    reason: verdict.reason,
    retain: verdict.retain === true,
    recheck: verdict.recheck === 'ownership-change',
    detail: verdict.detail,
    expired: verdict.expired === true,
    epoch: (verdict as Skip & Partial<Denial>).epoch,
  })
}

/** Kebab-case of at most 64 characters: it becomes a metric label. */
export function isReason(reason: unknown): boolean {
  return typeof reason === 'string' && reason.length <= MAX_REASON && KEBAB.test(reason)
}

/** A stage broke the contract of `handle`. */
export function misuse(message: string): BlockgateError {
  return new BlockgateError(ErrorCode.stageMisuse, message)
}

function isSkip(verdict: unknown): verdict is Skip {
  return (
    typeof verdict === 'object' &&
    verdict !== null &&
    'kind' in verdict &&
    verdict.kind === 'skip' &&
    'reason' in verdict
  )
}

function show(value: unknown): string {
  if (typeof value === 'object' && value !== null) return 'an object that next() did not return'
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
