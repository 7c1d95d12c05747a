/** One request after the other through the client: a slot for each, a time-out, the caller's signal, and errors of ours. */
import { type Host, linkSignals, orAborted } from 'blockgate'
import type { S3Module, S3Session } from './client.ts'
import { type Place, S3Error, s3Error } from './errors.ts'
import { Slots } from './slots.ts'

export interface RequestsOptions extends Place {
  readonly concurrency: number
  readonly timeoutMs: number
}

/** An answer whose body may still be coming; its slot is taken until it is disposed. */
export interface Flight<T> extends Disposable {
  readonly output: T
  /** Settles as the next bytes do; bytes that do not come in time are an error. */
  inTime<R>(what: string, next: () => Promise<R>): Promise<R>
}

export class Requests {
  readonly #session: S3Session
  readonly #host: Host
  readonly #options: RequestsOptions
  readonly #slots: Slots

  constructor(session: S3Session, host: Host, options: RequestsOptions) {
    this.#session = session
    this.#host = host
    this.#options = options
    this.#slots = new Slots(options.concurrency)
  }

  get bucket(): string {
    return this.#options.bucket
  }

  /** Sends a command whose answer has no body. `what` must be, for the message of an error. */
  async send<T>(what: string, command: (sdk: S3Module) => unknown, signal: AbortSignal): Promise<T> {
    using flight = await this.open<T>(what, command, signal)
    return flight.output
  }

  /** @throws S3Error, or the reason of the signal */
  async open<T>(what: string, command: (sdk: S3Module) => unknown, signal: AbortSignal): Promise<Flight<T>> {
    const slot = await this.#slots.take(signal)
    // Of one request: a signal that lives as long as a run must not collect a listener from each.
    const link = linkSignals(signal)
    const close = () => {
      link[Symbol.dispose]()
      slot[Symbol.dispose]()
    }
    const inTime = async <R>(what: string, work: () => Promise<R>): Promise<R> => {
      using _ = this.#host.setTimer(this.#options.timeoutMs, () => link.abort(this.#late(what)))
      try {
        return await orAborted(work(), link.signal)
      } catch (error) {
        signal.throwIfAborted()
        throw error instanceof S3Error ? error : this.error(what, error)
      }
    }
    try {
      const { client, module } = this.#session
      const sent = () => client.send(command(module), { abortSignal: link.signal })
      // The client is the SDK's, and so is what it answers to its own command.
      const output = (await inTime(what, sent)) as T
      return { output, inTime, [Symbol.dispose]: close }
    } catch (error) {
      close()
      throw error
    }
  }

  error(what: string, error: unknown): S3Error {
    return s3Error(what, error, this.#options, this.#host.now())
  }

  #late(what: string): S3Error {
    const { timeoutMs } = this.#options
    return new S3Error(`${what}: nothing came for ${timeoutMs} ms (option requestTimeout)`, { retryable: true })
  }
}
