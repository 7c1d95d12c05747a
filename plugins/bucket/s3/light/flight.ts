/** One request of undici: its answer, and the bytes that came and were not read yet. */
import type { Dispatcher } from 'undici'
import type { Answer, AnswerBody, SignedGet } from './transport.ts'

/** Bytes of a body that may wait for their reader; then the connection is held back. */
const HELD = 256 * 1024

export class Flight implements Dispatcher.DispatchHandler, AnswerBody {
  readonly #request: SignedGet
  readonly #done: (isOpen: boolean) => void
  readonly #answer = Promise.withResolvers<Answer>()
  readonly #onAbort: () => void
  #controller: Dispatcher.DispatchController | undefined
  readonly #chunks: Uint8Array[] = []
  #held = 0
  #state: 'comes' | 'came' | 'failed' = 'comes'
  #error: unknown
  #reader: PromiseWithResolvers<Uint8Array | undefined> | undefined

  /** `done` is called once, when the connection is free again, or is closed and no longer open. */
  constructor(request: SignedGet, done: (isOpen: boolean) => void) {
    this.#request = request
    this.#done = done
    this.#onAbort = () => this.#fail(request.signal.reason)
  }

  /** @throws what undici says of a connection that failed; the signal's reason */
  begin(client: Dispatcher): Promise<Answer> {
    const { origin, path, headers, signal } = this.#request
    if (signal.aborted) this.#onAbort()
    else {
      signal.addEventListener('abort', this.#onAbort, { once: true })
      try {
        client.dispatch({ origin, path, method: 'GET', headers }, this)
      } catch (error) {
        this.#fail(error)
      }
    }
    return this.#answer.promise
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    // Aborted while it waited for the connection.
    if (this.#state === 'failed') controller.abort(asError(this.#error))
  }

  onResponseStart(_: unknown, status: number, headers: Readonly<Record<string, string | string[] | undefined>>): void {
    if (status < 200) return
    this.#answer.resolve({
      status,
      header(name) {
        const value = headers[name]
        return Array.isArray(value) ? value[0] : value
      },
      body: this,
    })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    // A Buffer is a view of a pool that others write to; as a plain array it is compared and logged as one.
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const reader = this.#reader
    if (reader) {
      this.#reader = undefined
      reader.resolve(bytes)
    } else {
      this.#chunks.push(bytes)
      this.#held += bytes.length
      if (this.#held > HELD) controller.pause()
    }
  }

  onResponseEnd(): void {
    if (!this.#end('came')) return
    this.#reader?.resolve(undefined)
  }

  onResponseError(_: unknown, error: unknown): void {
    this.#fail(withCode(error))
  }

  async read(): Promise<Uint8Array | undefined> {
    const chunk = this.#chunks.shift()
    if (chunk !== undefined) {
      this.#held -= chunk.length
      if (this.#held <= HELD && this.#controller?.paused) this.#controller.resume()
      return chunk
    }
    if (this.#state === 'failed') throw this.#error
    if (this.#state === 'came') return undefined
    this.#reader = Promise.withResolvers()
    return await this.#reader.promise
  }

  destroy(): void {
    this.#fail(new Error('the body was let go'))
  }

  /** Closes the connection of what has not ended. */
  #fail(error: unknown): void {
    this.#error ??= error
    if (!this.#end('failed')) return
    this.#chunks.length = 0
    this.#answer.reject(error)
    this.#reader?.reject(error)
    this.#controller?.abort(asError(error))
  }

  /** False where it had ended before. */
  #end(state: 'came' | 'failed'): boolean {
    if (this.#state !== 'comes') return false
    this.#state = state
    this.#request.signal.removeEventListener('abort', this.#onAbort)
    this.#done(state === 'came')
    return true
  }
}

/** Codes of Node for what undici has a word of its own for. */
const CODES: Readonly<Record<string, string>> = {
  UND_ERR_SOCKET: 'ECONNRESET',
  UND_ERR_INFO: 'ECONNRESET',
  UND_ERR_CONNECT_TIMEOUT: 'ETIMEDOUT',
  UND_ERR_HEADERS_OVERFLOW: 'HPE_HEADER_OVERFLOW',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'HPE_INVALID_CONTENT_LENGTH',
}

function withCode(error: unknown): unknown {
  const { code, name, message } = Object(error) as { code?: string; name?: string; message?: string }
  const known = code === undefined && name === 'HTTPParserError' ? 'HPE_INVALID' : CODES[code ?? '']
  return known === undefined ? error : Object.assign(new Error(message, { cause: error }), { code: known })
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
