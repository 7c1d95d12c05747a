/** What may be asked of the list of blocks: the same in the API and on the page. */

import type { BlockState } from '../catalogue/catalogue.ts'
import { type BlockId, isBlockId } from '../contracts/block.ts'
import { isReason } from '../pipeline/outcome.ts'
import { badRequest, shown } from './errors.ts'

export const STATES: readonly BlockState[] = [
  'pending',
  'loading',
  'serving',
  'pending-hand-off',
  'last-copy',
  'skipped',
  'failed',
  'partial',
]

export const MAX_LIMIT = 10_000
export const DEFAULT_LIMIT = 1_000

export interface BlocksQuery {
  readonly state: BlockState | undefined
  readonly reason: string | undefined
  readonly limit: number
  /** Blocks behind this one, in the order of their ULIDs. */
  readonly after: BlockId | undefined
}

const NAMES = ['state', 'reason', 'limit', 'after'] as const

/**
 * Of a form, a field that was left empty counts as absent.
 * @throws HttpError 400 that says what must be
 */
export function blocksQuery(given: Readonly<Record<string, readonly string[]>>, defaultLimit: number): BlocksQuery {
  for (const [name, values] of Object.entries(given)) {
    if (!(NAMES as readonly string[]).includes(name)) {
      throw badRequest(`a parameter must be one of ${NAMES.join(', ')}: current value is ${shown(name)}`)
    }
    if (values.length > 1) throw badRequest(`${name} must be given once: it is given ${values.length} times`)
  }
  const [state, reason, limit, after] = NAMES.map(name => given[name]?.[0] || undefined)
  if (state !== undefined && !isState(state)) throw mustBe('state', `one of ${STATES.join(', ')}`, state)
  if (reason !== undefined && !isReason(reason)) throw mustBe('reason', 'kebab-case of at most 64 characters', reason)
  if (after !== undefined && !isBlockId(after)) throw mustBe('after', 'a ULID', after)
  const count = limit === undefined ? defaultLimit : /^\d{1,6}$/.test(limit) ? Number(limit) : 0
  if (count < 1 || count > MAX_LIMIT) throw mustBe('limit', `a whole number from 1 to ${MAX_LIMIT}`, limit ?? '')
  return { state, reason, limit: count, after }
}

function isState(text: string): text is BlockState {
  return (STATES as readonly string[]).includes(text)
}

function mustBe(name: string, must: string, value: string): Error {
  return badRequest(`${name} must be ${must}: current value is ${shown(value)}`)
}
