/** A query that takes more than it may: each limit has a code, and a text that names its option. */
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'

/** The key below `serve.limits`; of `queued` also where too many run. */
export type LimitName = 'series' | 'chunks' | 'samples' | 'bytes' | 'duration' | 'queued' | 'memory'

/** Codes of queries that may be sent again; those of all other limits are `query-too-large`. */
export const QueryCode = { timeout: 'query-timeout', tooMany: 'too-many-queries', memory: 'out-of-memory' } as const

export class QueryRefused extends BlockgateError {
  readonly limit: LimitName
  /** Whether the same query may be answered later. */
  readonly retryable: boolean

  /** @param code of QueryCode where it may be sent again, else `query-too-large` */
  constructor(limit: LimitName, message: string, code: string = ErrorCode.queryTooLarge) {
    super(code, message)
    this.name = 'QueryRefused'
    this.limit = limit
    this.retryable = code !== ErrorCode.queryTooLarge
  }
}
