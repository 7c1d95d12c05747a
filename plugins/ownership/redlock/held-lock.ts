/** A lock that was granted: until when it is valid, and who is told when it is not any more. */
import { type Host, LeaseLost } from 'blockgate'
import { elapsed, type Mark, mark } from 'blockgate/members'
import type { Lock } from './lock.ts'

/** What is asked of the lock servers for one lock. */
export interface LockRequests {
  /** @throws OwnershipUnavailable where a majority says neither */
  extend(): Promise<'extended' | 'lost'>
  /** Never rejects. */
  release(): Promise<void>
}

export interface HeldLockOptions {
  readonly host: Host
  readonly resource: string
  readonly requests: LockRequests
  readonly first: Term
  /** Asked before each request that extends it: for how many ms from now on it is valid if it is granted. */
  readonly validMs: () => number
}

/** A grant is valid for `lasts` ms since just before its request was sent. */
export interface Term {
  readonly sent: Mark
  readonly lasts: number
}

/**
 * valid → over: at the end of its validity, when it is released, or when it is lost. It never is valid again.
 */
export class HeldLock implements Lock {
  readonly resource: string
  readonly #host: Host
  readonly #requests: LockRequests
  readonly #validMs: () => number
  readonly #controller = new AbortController()
  #term: Term
  #over = false
  #timer: Disposable | undefined
  #extending: Promise<'extended' | 'lost'> | undefined
  #released: Promise<void> | undefined

  constructor({ host, resource, requests, first, validMs }: HeldLockOptions) {
    this.resource = resource
    this.#host = host
    this.#requests = requests
    this.#validMs = validMs
    this.#term = first
    this.#watch()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get valid(): boolean {
    // After a pause of the process its timers may be late.
    if (!this.#over && this.#left() <= 0) this.#end('its time is over')
    return !this.#over
  }

  /** One at a time: whoever asks meanwhile gets the same answer. */
  extend(): Promise<'extended' | 'lost'> {
    this.#extending ??= this.#extend().finally(() => {
      this.#extending = undefined
    })
    return this.#extending
  }

  release(): Promise<void> {
    this.#end('it was released')
    this.#released ??= this.#requests.release()
    return this.#released
  }

  async #extend(): Promise<'extended' | 'lost'> {
    if (!this.valid) return 'lost'
    const term = { sent: mark(this.#host), lasts: this.#validMs() }
    const answer = await this.#requests.extend()
    if (answer === 'lost') this.#end('the lock servers do not have it any more')
    // Also where the answer came after its end: whoever was told that it is lost cannot be told otherwise.
    if (this.valid) {
      this.#term = term
      this.#watch()
    }
    if (this.valid) return 'extended'
    void this.release()
    return 'lost'
  }

  #left(): number {
    return this.#term.lasts - elapsed(this.#term.sent, mark(this.#host))
  }

  /** Asks for itself at its end. A timer may fire a little early. */
  #watch(): void {
    this.#timer?.[Symbol.dispose]()
    if (this.valid) this.#timer = this.#host.setTimer(Math.max(1, this.#left()), () => this.#watch())
  }

  #end(why: string): void {
    if (this.#over) return
    this.#over = true
    this.#timer?.[Symbol.dispose]()
    this.#controller.abort(new LeaseLost(`the lock on ${this.resource} is no longer held: ${why}`, { at: 'redlock' }))
  }
}
