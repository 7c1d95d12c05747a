/** The store's clock: a signature counts for 15 minutes around it. */
import type { Host } from 'blockgate'
import type { Answer } from './transport.ts'

/** Less is what a request and an answer may take. */
const SKEW_MS = 240_000

export class StoreClock {
  readonly #host: Pick<Host, 'now'>
  #offset = 0

  constructor(host: Pick<Host, 'now'>) {
    this.#host = host
  }

  /** Ms since the epoch. */
  now(): number {
    return this.#host.now() + this.#offset
  }

  /** Takes the time of an answer that is an error: the next try is signed for the store's clock. */
  see(answer: Answer): void {
    const date = Date.parse(answer.header('date') ?? '')
    if (Math.abs(date - this.now()) >= SKEW_MS) this.#offset = date - this.#host.now()
  }
}
