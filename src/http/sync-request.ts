/** The body of `POST /api/v1/sync`. */
import * as v from 'valibot'
import { checkOptions } from '../check.ts'
import { describeProblem } from '../config.ts'
import type { SyncRequest } from '../runner.ts'
import { badRequest, HttpError } from './errors.ts'

export const MAX_BODY = 1_024
const ENTRIES = { confirmDrops: v.optional(v.boolean()) }

/**
 * An empty body asks for a plain run.
 * @throws HttpError 400 or 415 that says what must be
 */
export async function syncRequest(request: Request): Promise<SyncRequest> {
  const bytes = await request.arrayBuffer()
  if (bytes.byteLength === 0) return {}
  // A form of another site can be sent without asking first; JSON cannot.
  if (!/^application\/json(?:\s*;|$)/i.test(request.headers.get('content-type') ?? '')) {
    throw new HttpError(415, 'invalid-request', 'the body must be JSON, with content-type: application/json')
  }
  let body: unknown
  try {
    body = JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    throw badRequest('the body must be JSON: it cannot be parsed')
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw badRequest('the body must be a JSON object')
  const problems = checkOptions(body, ENTRIES)
  if (problems.length > 0) throw badRequest(problems.map(describeProblem).join('; '))
  return body
}
