/** What went wrong with a request, in one shape: `{"error":{"code","message"}}`. */
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'

/** Thrown by handlers; the app answers it. The message is for whoever sent the request. */
export class HttpError extends Error {
  readonly status: ContentfulStatusCode
  readonly code: string
  readonly headers: Readonly<Record<string, string>>

  constructor(status: ContentfulStatusCode, code: string, message: string, headers = {}) {
    super(message)
    this.name = 'HttpError'
    this.status = status
    this.code = code
    this.headers = headers
  }
}

export function badRequest(message: string): HttpError {
  return new HttpError(400, 'invalid-request', message)
}

export function answerError(c: Context, { status, code, message, headers }: HttpError): Response {
  return c.json({ error: { code, message } }, status, headers)
}
