/** What a query that failed is answered. */
import { codeOf, ErrorCode, rawMessageOf } from '../contracts/errors.ts'
import { QueryCode } from '../query/refused.ts'
import { HttpError } from './errors.ts'

const RETRY_AFTER_S = '5'

const STATUS: Readonly<Record<string, 400 | 422 | 429 | 503>> = {
  [ErrorCode.invalidQuery]: 400,
  [ErrorCode.queryTooLarge]: 422,
  [ErrorCode.unsupported]: 422,
  [QueryCode.tooMany]: 429,
  [QueryCode.memory]: 503,
  [QueryCode.timeout]: 503,
}

/** The same query may be answered later. */
const RETRYABLE: ReadonlySet<string> = new Set([QueryCode.tooMany, QueryCode.memory])

export function queryError(error: unknown): HttpError {
  if (error instanceof HttpError) return error
  const code = codeOf(error) ?? ErrorCode.internal
  const headers = RETRYABLE.has(code) ? { 'retry-after': RETRY_AFTER_S } : {}
  return new HttpError(STATUS[code] ?? 500, code, rawMessageOf(error), headers)
}
