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

/** What is asked of the lock servers for one lock. */
export interface LockRequests {
  /** Of a request that is sent now. */
  term(): Term
  /** False: a majority does not have the lock any more. @throws OwnershipUnavailable where a majority says neither */
  extend(): Promise<boolean>
  /** Never rejects: what the servers could not be told ends with its TTL. */
  release(): Promise<void>
}

/**
 * Valid until its time is over, or it is released or lost; never again after that. Time is the larger of monotonic and wall time
 * since before the last granted request was sent.
 */
export class Lock implements LeasedLock {
  /** Of the entry that was made for it; 0 before. */
  fence: Fence = 0
  readonly #resource: string
  readonly #host: Host
  readonly #requests: LockRequests
  readonly #controller = new AbortController()
  #term: Term
  #timer: Disposable | undefined

  constructor(resource: string, host: Host, term: Term, requests: LockRequests) {
    this.#resource = resource
    this.#host = host
    this.#requests = requests
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
    if (this.#age >= this.#term.validMs) this.#end('its time is over')
    return !this.signal.aborted
  }

  get remainingMs(): number {
    return Math.max(0, this.#term.validMs - this.#age)
  }

  /** It is time to extend it. */
  get due(): boolean {
    return this.#age >= this.#term.renewMs
  }

  /**
   * Makes it valid for another term. False: it is over.
   * @throws OwnershipUnavailable where that is not known: it stays valid until its end, and may be extended again
   */
  async extend(): Promise<boolean> {
    if (!this.valid) return false
    const term = this.#requests.term()
    if (!(await this.#requests.extend())) this.#end('the lock servers do not have it any more')
    // Where others have been told meanwhile that it is over, it stays over.
    this.#term = term
    this.#watch()
    return this.valid
  }

  /** Ends it at once. Resolves when the servers were told. Never rejects. */
  release(): Promise<void> {
    this.#end('it was released')
    return this.#requests.release()
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

  #end(why: string): void {
    this.#timer?.[Symbol.dispose]()
    if (this.signal.aborted) return
    this.#controller.abort(new LeaseLost(`the lock on ${this.#resource} is no longer held: ${why}`, { at: 'redlock' }))
  }
}
