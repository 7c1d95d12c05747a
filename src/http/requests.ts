/** Checks what a request asks for: the parameters of the list of blocks, the ULID of one block, the body of a sync. */
import * as v from 'valibot'
import { joined } from '../async/bytes.ts'
import { BLOCK_STATES, type BlockState } from '../catalogue/catalogue.ts'
import { describeProblem } from '../config/config.ts'
import { type BlockId, isBlockId } from '../contracts/block.ts'
import { checkOptions } from '../contracts/check.ts'
import { show } from '../contracts/shown-options.ts'
import { isReason } from '../pipeline/outcome.ts'
import type { SyncRequest } from '../sync/runner.ts'
import { badRequest, HttpError } from './errors.ts'
import { type Notified, notified } from './notified.ts'
import { syncEntries } from './schema/answers.ts'

export const MAX_LIMIT = 10_000
export const DEFAULT_LIMIT = 1_000

export interface BlocksQuery {
  readonly state: BlockState | undefined
  readonly reason: string | undefined
  /** A part of the labels as they are shown: `cluster="eu"`. */
  readonly label: string | undefined
  /** Only blocks with samples behind `from` and before `to`, ms since the epoch. */
  readonly from: number | undefined
  readonly to: number | undefined
  readonly limit: number
  /** Blocks behind this one, in the order of their ULIDs. */
  readonly after: BlockId | undefined
}

const isLimit = (text: unknown) => /^\d{1,6}$/.test(String(text)) && Number(text) >= 1 && Number(text) <= MAX_LIMIT

const MAX_LABEL = 1_000
const TIME_MUST = 'be a time such as 2026-10-01T02:30:00Z, or milliseconds since the epoch'
const timeOf = (text: string) => (/^-?\d{5,16}$/.test(text) ? Number(text) : Date.parse(text))
const isTime = (text: unknown) => Number.isFinite(timeOf(String(text)))

const QUERY = {
  state: v.optional(v.picklist(BLOCK_STATES, `be one of ${BLOCK_STATES.join(', ')}`)),
  reason: v.optional(v.custom<string>(isReason, 'be kebab-case of at most 64 characters')),
  label: v.optional(v.pipe(v.string(), v.maxLength(MAX_LABEL, `have at most ${MAX_LABEL} characters`))),
  from: v.optional(v.custom<string>(isTime, TIME_MUST)),
  to: v.optional(v.custom<string>(isTime, TIME_MUST)),
  limit: v.optional(v.custom<string>(isLimit, `be a whole number from 1 to ${MAX_LIMIT}`)),
  after: v.optional(v.custom<BlockId>(text => isBlockId(String(text)), 'be a ULID')),
}

/**
 * The same in the API and on the page. A field of a form that was left empty counts as absent.
 * @throws HttpError 400
 */
export function blocksQuery(given: Readonly<Record<string, readonly string[]>>, defaultLimit: number): BlocksQuery {
  const twice = Object.entries(given).find(([, values]) => values.length > 1)
  if (twice) throw badRequest(`${twice[0]} must be given once: it is given ${twice[1].length} times`)
  const query = Object.fromEntries(Object.entries(given).map(([name, [text]]) => [name, text || undefined]))
  const { state, reason, label, from, to, limit, after } = checked(query, QUERY)
  const time = (text: string | undefined) => (text === undefined ? undefined : timeOf(text))
  return { state, reason, label, from: time(from), to: time(to), limit: Number(limit ?? defaultLimit), after }
}

/** @throws HttpError 400 */
export function blockId(text: string): BlockId {
  if (isBlockId(text)) return text
  throw badRequest(`a block must be named by its ULID, in upper case: current value is ${show(text)}`)
}

const MAX_SYNC = 1_024
/** A batch of a hundred messages of R2 has at most 256 kB, and so has a notification of S3. */
const MAX_NOTIFICATION = 1024 * 1024

/**
 * The body of a sync; an empty one asks for a plain run.
 * @throws HttpError 400, 413 or 415
 */
export async function syncRequest(request: Request): Promise<SyncRequest> {
  const value = await jsonBody(request, MAX_SYNC)
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badRequest('the body must be a JSON object')
  }
  return checked(value, syncEntries)
}

/**
 * The body of a notification.
 * @param prefix as in notified()
 * @throws HttpError 400, 413 or 415
 */
export async function notification(request: Request, prefix: string | undefined): Promise<Notified> {
  const named = notified(await jsonBody(request, MAX_NOTIFICATION), prefix)
  if (named) return named
  throw badRequest(
    'the body must be {"blocks":["<ULID>"]}, or a notification of S3, EventBridge or R2: its shape is none of these',
  )
}

/** Undefined for an empty body. @throws HttpError 400, 413 or 415 */
async function jsonBody({ headers, body }: Request, max: number): Promise<unknown> {
  const tooLong = new HttpError(413, 'invalid-request', `the body must have <= ${max} bytes`)
  if (Number(headers.get('content-length')) > max) throw tooLong
  // Not Hono's body limit, which makes a new Request: those of node-server cannot be copied.
  const bytes = await limitedBytes(body, max).catch(() => {
    throw badRequest('the body must arrive whole: the connection was closed')
  })
  if (!bytes) throw tooLong
  if (bytes.length === 0) return undefined
  // A page of another site can send a form without asking first; it cannot send JSON.
  if (!/^application\/json(?:\s*;|$)/i.test(headers.get('content-type') ?? '')) {
    throw new HttpError(415, 'invalid-request', 'the body must be JSON, with content-type: application/json')
  }
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    throw badRequest('the body must be JSON: it cannot be parsed')
  }
}

/** The bytes of a body that has at most `max`; undefined where it has more. Rejects where it breaks off. */
export async function limitedBytes(
  body: ReadableStream<Uint8Array> | null,
  max: number,
): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of body ?? []) {
    size += part.length
    if (size > max) return undefined
    parts.push(part)
  }
  return joined(parts, size)
}

function checked<const E extends v.ObjectEntries>(
  value: object,
  entries: E,
): v.InferOutput<v.StrictObjectSchema<E, undefined>> {
  const problems = checkOptions(value, entries)
  if (problems.length > 0) throw badRequest(problems.map(describeProblem).join('; '))
  return value as never
}
