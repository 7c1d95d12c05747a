/** Requests wait here until the endpoint may be given another one: first come, first served. */
import type { Host } from 'blockgate'
import { Places } from 'blockgate/bucket'
import { AdaptiveLimit, type LimitOptions } from './adaptive.ts'

/** A place of a request, until it is disposed; safe twice. */
export interface Place extends Disposable {
  /** The head of an answer came. Only times of like requests can be compared. */
  answered(): void
  /** The endpoint has too much to do. It may say how long it wants none, in ms. */
  refused(pauseMs: number): void
}

/** What an endpoint may ask of all: one answer must not stop a gateway for long. */
const LONGEST_PAUSE_MS = 10_000

export class Gate {
  readonly #host: Pick<Host, 'monotonic' | 'setTimer'>
  readonly #limit: AdaptiveLimit
  /** A limit that stays as it is takes no notice of what the endpoint asks for. */
  readonly #isFixed: boolean
  readonly #places: Places
  /** By the monotonic clock. */
  #closedUntil = Number.NEGATIVE_INFINITY
  /** While it is there nothing is sent. */
  #reopening: Disposable | undefined

  constructor(host: Pick<Host, 'monotonic' | 'setTimer'>, options: LimitOptions) {
    this.#host = host
    this.#limit = new AdaptiveLimit(options)
    this.#isFixed = options.least === options.most
    this.#places = new Places(() => (this.#reopening ? 0 : this.limit))
  }

  /** How many there may be at once now. */
  get limit(): number {
    return this.#limit.limit
  }

  /** Rejects with the signal's reason when it aborts first. */
  async take(signal: AbortSignal): Promise<Place> {
    const place = await this.#places.take(signal)
    const limit = this.#limit
    const { round } = limit
    const begun = this.#host.monotonic()
    const inFlight = this.#places.taken
    return {
      answered: () => {
        limit.answered(round, inFlight, this.#host.monotonic() - begun)
        this.#places.grant()
      },
      refused: pauseMs => {
        limit.refused(round, this.#host.monotonic())
        if (!this.#isFixed) this.#close(Math.min(pauseMs, LONGEST_PAUSE_MS))
      },
      [Symbol.dispose]: () => place[Symbol.dispose](),
    }
  }

  #close(ms: number): void {
    const until = this.#host.monotonic() + ms
    if (ms <= 0 || until <= this.#closedUntil) return
    this.#closedUntil = until
    this.#reopening?.[Symbol.dispose]()
    this.#reopening = this.#host.setTimer(ms, () => {
      this.#reopening = undefined
      this.#places.grant()
    })
  }

  /** Lets go of the timer. What waits is not told: it has a signal of its own. */
  close(): void {
    this.#reopening?.[Symbol.dispose]()
    this.#reopening = undefined
  }
}
