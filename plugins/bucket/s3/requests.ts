/** Requests through the client: no more at once than connections, with a time-out, the caller's signal, and errors of ours. */
import { durationMs, type Host, linkSignals, orAborted, type RequestOptions } from 'blockgate'
import type { S3Session } from './client.ts'
import { answered, asked } from './details.ts'
import { S3Error, s3Error } from './errors.ts'
import { Gate } from './limit/gate.ts'
import { concurrencyOf, type S3Options } from './options.ts'
import type { S3Module } from './sdk.ts'

/** An answer whose body may still be coming; its connection is taken until it is disposed. */
export interface Flight<T> extends Disposable {
  readonly output: T
  /** Settles as the next bytes do; bytes that do not come in time are an error. */
  inTime<R>(next: () => Promise<R>): Promise<R>
}

/** What is asked for: `Key` in a bucket. */
export interface Call extends RequestOptions {
  /** Of the protocol: `GetObject`. */
  readonly method: string
  /** Undefined for a listing. */
  readonly key?: string
  /** Begins the message of an error: `cannot list prefix "a"`. */
  readonly what: string
}

export class Requests {
  readonly options: S3Options
  readonly #session: S3Session
  readonly #host: Host
  readonly #timeoutMs: number
  /**
   * The client would queue for a connection itself, with the time that a request has already running: behind bodies that take their
   * time, requests would time out that were never sent.
   */
  readonly #gate: Gate

  constructor(session: S3Session, host: Host, options: S3Options) {
    this.options = options
    this.#session = session
    this.#host = host
    this.#timeoutMs = durationMs(options.requestTimeout, '30s')
    this.#gate = new Gate(host, concurrencyOf(options))
  }

  /** Requests that there may be at once now. */
  get limit(): number {
    return this.#gate.limit
  }

  close(): void {
    this.#gate.close()
    this.#session.close()
  }

  /** Sends a command whose answer has no body. */
  async send<T>(call: Call, command: (sdk: S3Module) => unknown): Promise<T> {
    using flight = await this.open<T>(call, command)
    return flight.output
  }

  /** @throws S3Error, or the reason of the signal */
  async open<T>(call: Call, command: (sdk: S3Module) => unknown): Promise<Flight<T>> {
    const { what, signal, onDetails } = call
    onDetails?.(asked(call, this.options))
    const place = await this.#gate.take(signal)
    // Of one request: a signal that lives as long as a run must not collect a listener from each.
    const link = linkSignals(signal)
    const close = () => {
      link[Symbol.dispose]()
      place[Symbol.dispose]()
    }
    const inTime = async <R>(work: () => Promise<R>): Promise<R> => {
      using _ = this.#host.setTimer(this.#timeoutMs, () => {
        const late = `${what}: timed out after ${this.#timeoutMs / 1000} s (option requestTimeout)`
        link.abort(new S3Error(late, { retryable: true, cause: TIMED_OUT }))
      })
      try {
        return await orAborted(work(), link.signal)
      } catch (error) {
        signal.throwIfAborted()
        throw error instanceof S3Error ? error : s3Error(what, error, this.options, this.#host.now())
      }
    }
    try {
      const { client, module } = this.#session
      // The client is the SDK's, and so is what it answers to its own command.
      const output = (await inTime(() => client.send(command(module), { abortSignal: link.signal }))) as T
      // Only times of like requests can be compared: a listing takes a store longer.
      if (call.method === 'GetObject') place.answered()
      onDetails?.(answered(output))
      return { output, inTime, [Symbol.dispose]: close }
    } catch (error) {
      if (isOverload(error)) place.refused(error.retryAfterMs ?? 0)
      close()
      onDetails?.(answered(error))
      throw error
    }
  }
}

function isOverload(error: unknown): error is S3Error {
  return error instanceof S3Error && (error.status === 429 || error.status === 503 || error.cause === TIMED_OUT)
}

/** The word of Node, by which traces tell it from a connection that broke. */
const TIMED_OUT = { code: 'ETIMEDOUT' }
