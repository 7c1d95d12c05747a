/** A lock that was granted: until when it is valid, and who is told when it is not any more. */
import { type Host, LeaseLost } from 'blockgate'
import { elapsed, type Fence, type LeasedLock, type Mark, mark } from 'blockgate/members'

/** What a grant is good for. */
export interface Term {
  /** Before its request. */
  readonly sent: Mark
  /** It is valid for so long after that, ms. */
  readonly validMs: number
  /** It is to be extended after this, ms. */
  readonly renewMs: number
}

/**
 * Valid until its time is over, or it is released or lost; never again after that. Time is the larger of monotonic and wall time
 * since before the last granted request was sent.
 */
export class Lock implements LeasedLock {
  readonly resource: string
  /** What the servers have under the resource. Locks that were granted by one request have one, and can be asked for together. */
  readonly value: string
  /** Of the entry that was made for it; 0 before. */
  fence: Fence = 0
  /** The servers that did not have it when all were asked last; undefined where they must be asked for this one alone. */
  missing: string | undefined = ''
  readonly #host: Host
  readonly #controller = new AbortController()
  #term: Term
  #timer: Disposable | undefined

  constructor(resource: string, value: string, host: Host, term: Term) {
    this.resource = resource
    this.value = value
    this.#host = host
    this.#term = term
    this.#watch()
  }

  /** Aborts, with LeaseLost as the reason, when the lock ends; at the latest when somebody asks for `valid` after a pause. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** No rival can have been granted the lock yet. */
  get valid(): boolean {
    // After a pause of the process its timers may be late.
    if (this.#age >= this.#term.validMs) this.end('its time is over')
    return !this.signal.aborted
  }

  get remainingMs(): number {
    return Math.max(0, this.#term.validMs - this.#age)
  }

  /** It is time to extend it. */
  get due(): boolean {
    return this.#age >= this.#term.renewMs
  }

  /** It was extended. Where others have been told meanwhile that it is over, it stays over. */
  renew(term: Term): void {
    this.#term = term
    this.#watch()
  }

  /** It is over, at once. */
  end(why: string): void {
    this.#timer?.[Symbol.dispose]()
    if (this.signal.aborted) return
    this.#controller.abort(new LeaseLost(`the lock on ${this.resource} is no longer held: ${why}`, { at: 'redlock' }))
  }

  get #age(): number {
    return elapsed(this.#term.sent, mark(this.#host))
  }

  /** Looks again at its end. A timer may fire a little early. */
  #watch(): void {
    this.#timer?.[Symbol.dispose]()
    if (!this.valid) return
    this.#timer = this.#host.setTimer(Math.max(1, this.#term.validMs - this.#age), () => this.#watch())
  }
}
