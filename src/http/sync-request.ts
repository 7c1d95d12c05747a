/** The body of `POST /api/v1/sync`. */
import * as v from 'valibot'
import { describeProblem } from '../config/config.ts'
import { checkOptions } from '../contracts/check.ts'
import type { SyncRequest } from '../sync/runner.ts'
import { badRequest, HttpError } from './errors.ts'

const MAX_BODY = 1_024
const ENTRIES = { confirmDrops: v.optional(v.boolean()) }

/**
 * An empty body asks for a plain run.
 * @throws HttpError 400, 413 or 415 that says what must be
 */
export async function syncRequest(request: Request): Promise<SyncRequest> {
  const bytes = await bodyOf(request)
  if (bytes.length === 0) return {}
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

/** Read here and not by Hono's body limit, which makes a new Request of one: those of node-server cannot be copied. */
async function bodyOf({ headers, body }: Request): Promise<Uint8Array> {
  const tooLong = () => new HttpError(413, 'invalid-request', `the body must have <= ${MAX_BODY} bytes`)
  if (Number(headers.get('content-length')) > MAX_BODY) throw tooLong()
  const bytes = new Uint8Array(MAX_BODY)
  if (body === null) return bytes.subarray(0, 0)
  const reader = body.getReader()
  let size = 0
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw badRequest('the body must arrive whole: it broke off')
    })
    if (done) return bytes.subarray(0, size)
    if (size + value.length > MAX_BODY) throw tooLong()
    bytes.set(value, size)
    size += value.length
  }
}
