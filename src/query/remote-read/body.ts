/** The body of an answer that is made while it is sent. */
import { BlockgateError, ErrorCode } from '../../contracts/errors.ts'

/** What is sent of an answer, part by part. */
export type Parts = AsyncGenerator<Uint8Array, void, undefined>

/** An answer whose first part is made: an error of that one is no error of the body. */
export class Body {
  readonly #parts: Parts
  readonly #signal: AbortSignal
  readonly #onEnd: ((error?: unknown) => void) | undefined
  readonly #onUnused: (() => void) | undefined
  #first: Uint8Array | undefined
  #isOver = false
  #onBreak: (reason: unknown) => void = () => {}

  private constructor(first: Uint8Array | undefined, parts: Parts, options: BodyOptions) {
    this.#first = first
    this.#parts = parts
    this.#signal = options.signal
    this.#onEnd = options.onEnd
    this.#onUnused = options.onUnused
    if (this.#signal.aborted) this.#broken()
    else this.#signal.addEventListener('abort', this.#broken, { once: true })
  }

  /** @throws what the first part does: what is wrong with a query is an answer of its own */
  static async begun(parts: Parts, options: BodyOptions): Promise<Body> {
    try {
      const { value } = await parts.next()
      return new Body(value ?? undefined, parts, options)
    } catch (error) {
      options.onUnused?.()
      throw error
    }
  }

  /** Called with the reason where the signal breaks it off: also while nobody asks for a part. */
  onBreak(told: (reason: unknown) => void): void {
    this.#onBreak = told
    if (this.#isOver && this.#signal.aborted) told(this.#signal.reason)
  }

  /**
   * The next part, and undefined behind the last. It may be overwritten by the part after the next one: that may be asked for when this
   * one was sent.
   */
  async next(): Promise<Uint8Array | undefined> {
    this.#signal.throwIfAborted()
    const first = this.#first
    this.#first = undefined
    if (first) return first
    try {
      const { value } = await this.#parts.next()
      this.#signal.throwIfAborted()
      if (!value) this.#end()
      return value ?? undefined
    } catch (error) {
      this.#end(error)
      throw error
    }
  }

  /** Nobody reads on. */
  async cancel(): Promise<void> {
    this.#end(new BlockgateError(ErrorCode.aborted, 'nobody reads on'))
    await this.#parts.return()
  }

  /** To be called once nothing of what `next` gave is in use any more, and no more is asked for. */
  unused(): void {
    this.#onUnused?.()
  }

  readonly #broken = () => {
    this.#end(this.#signal.reason)
    void this.#parts.return().catch(() => {})
    this.#onBreak(this.#signal.reason)
  }

  #end(error?: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#signal.removeEventListener('abort', this.#broken)
    this.#onEnd?.(error)
  }
}

export interface BodyOptions {
  /** Breaks it off: somebody who takes nothing more would hold its blocks for ever. */
  readonly signal: AbortSignal
  /** Called once, when all was taken, with the error that breaks it off, or where nobody reads on. */
  readonly onEnd?: ((error?: unknown) => void) | undefined
  /** Called when the memory of the parts is free again. */
  readonly onUnused?: (() => void) | undefined
}

/** As a stream, one part ahead of the client. Nobody tells it when a part has been sent: no part may be overwritten. */
export function streamOf(body: Body): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        body.onBreak(reason => controller.error(reason))
      },
      async pull(controller) {
        const part = await body.next()
        if (part) controller.enqueue(part)
        else controller.close()
      },
      cancel: () => body.cancel(),
    },
    { highWaterMark: 1 },
  )
}
