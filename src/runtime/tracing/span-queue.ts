/**
 * Ended spans wait here and leave in batches. The SDK's own BatchSpanProcessor sends one batch at a time, forgets how
 * many spans it dropped, and drops a batch for good when its export fails; on Workers its timer dies with the request.
 */
import { context, ROOT_CONTEXT } from '@opentelemetry/api'
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace'
import { backoffMs } from '../../async/backoff.ts'
import { sleep } from '../../async/signals.ts'
import { rawMessageOf } from '../../contracts/errors.ts'
import type { Host, Log } from '../../contracts/host.ts'
import type { Sender } from './sender.ts'
import type { TracingSettings } from './settings.ts'

/** Requests at the same time. Workers allow six connections, and blocks are read over them too. */
const CONCURRENCY = 4

const BACKOFF = { base: 500, max: 10_000 } as const

/** A collector that is away is logged once a minute, not once a batch. */
const WARN_EVERY_MS = 60_000

/** How long a last flush may take, in ms; never longer than OTEL_BSP_EXPORT_TIMEOUT, which is the default of both. */
export interface ShutdownLimits {
  /** Without an answer of the collector that takes or refuses a batch: for one that is dead. */
  readonly quietMs?: number | undefined
  /** In all: for one that is slow, too. */
  readonly maxMs?: number | undefined
}

export class SpanQueue implements SpanProcessor {
  readonly #settings: TracingSettings
  readonly #sender: Sender
  readonly #host: Host
  readonly #log: Log
  readonly #background: boolean
  /** In the background: those that send now. */
  readonly #workers = new Set<Promise<void>>()
  readonly #closing = new AbortController()
  #waiting: ReadableSpan[] = []
  #timer: Disposable | undefined
  #warnedAt = Number.NEGATIVE_INFINITY
  #dropped = 0
  /** Called when a batch was taken or refused. */
  #answered: () => void = () => {}
  #shutdown: Promise<void> | undefined

  /** @param background false where nothing outlives a request (Workers): then only `forceFlush()` sends */
  constructor(settings: TracingSettings, sender: Sender, host: Host, log: Log, background: boolean) {
    this.#settings = settings
    this.#sender = sender
    this.#host = host
    this.#log = log
    this.#background = background
  }

  /**
   * Spans that never reached the collector: the queue was full, the collector refused them, or the time of `shutdown()`
   * was up. A collector that cannot be reached drops none: its batches are sent again until it is back.
   */
  get dropped(): number {
    return this.#dropped
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if (this.#shutdown) this.#drop(1, 'a span ended after the shutdown')
    else if (this.#waiting.length >= this.#settings.maxQueueSize) this.#drop(1, 'the queue is full')
    else {
      this.#waiting.push(span)
      if (this.#background) this.#schedule()
    }
  }

  #schedule(): void {
    const start = () => {
      this.#timer = undefined
      this.#startWorkers(this.#workers, this.#closing.signal)
    }
    if (this.#waiting.length >= this.#settings.batchSize) this.#startWorkers(this.#workers, this.#closing.signal)
    else this.#timer ??= this.#host.setTimer(this.#settings.delayMs, start)
  }

  /**
   * Sends what has ended; resolves when nothing waits any more, or after OTEL_BSP_EXPORT_TIMEOUT. Never rejects: what
   * could not be sent stays and is tried again.
   */
  async forceFlush(): Promise<void> {
    await this.#flush(new AbortController(), this.#settings.flushTimeoutMs)
  }

  /** A last flush; what is left after it is dropped. */
  shutdown(limits: ShutdownLimits = {}): Promise<void> {
    this.#shutdown ??= this.#close(limits)
    return this.#shutdown
  }

  async #close({ quietMs, maxMs }: ShutdownLimits): Promise<void> {
    const { flushTimeoutMs } = this.#settings
    const late = new AbortController()
    let quiet: Disposable | undefined
    this.#answered = () => {
      quiet?.[Symbol.dispose]()
      quiet = this.#host.setTimer(quietMs ?? flushTimeoutMs, () => late.abort())
    }
    this.#answered()
    await this.#flush(late, Math.min(maxMs ?? flushTimeoutMs, flushTimeoutMs))
    this.#answered = () => {}
    quiet?.[Symbol.dispose]()
    this.#timer?.[Symbol.dispose]()
    this.#closing.abort(new Error('tracing was shut down'))
    await Promise.all(this.#workers)
    const left = this.#waiting.splice(0).length
    if (left > 0) this.#drop(left, 'the collector could not be reached before the shutdown')
    if (this.#dropped > 0) this.#log.warn('spans were lost', { dropped: this.#dropped })
  }

  /** Ends when nothing waits any more, when `late` aborts, or after `maxMs`, which aborts it. */
  async #flush(late: AbortController, maxMs: number): Promise<void> {
    using _ = this.#host.setTimer(maxMs, () => late.abort())
    // The host's timers may let the process end; a flush that somebody awaits must not be cut off between two tries.
    const keepAlive = setTimeout(() => {}, maxMs)
    // Of Workers a request may not wait for the I/O of another one, so each flush has workers of its own.
    const workers = this.#background ? this.#workers : new Set<Promise<void>>()
    const signal = this.#background ? this.#closing.signal : late.signal
    const given = new Promise<void>(resolve => late.signal.addEventListener('abort', () => resolve()))
    while (!late.signal.aborted && (this.#waiting.length > 0 || workers.size > 0)) {
      this.#startWorkers(workers, signal)
      await Promise.race([...workers, given])
    }
    if (!this.#background) await Promise.all(workers)
    clearTimeout(keepAlive)
  }

  /** Workers for what waits now, up to the bound; each works until nothing waits. */
  #startWorkers(workers: Set<Promise<void>>, signal: AbortSignal): void {
    const wanted = Math.min(CONCURRENCY, workers.size + Math.ceil(this.#waiting.length / this.#settings.batchSize))
    while (workers.size < wanted) {
      // Outside of any span: a request of ours is no part of the trace that happened to fill a batch.
      const worker = context.with(ROOT_CONTEXT, () => this.#work(signal)).finally(() => workers.delete(worker))
      workers.add(worker)
    }
  }

  async #work(signal: AbortSignal): Promise<void> {
    // Whoever ends a span does not pay for the encoding.
    await undefined
    while (this.#waiting.length > 0 && !signal.aborted) {
      const spans = this.#waiting.splice(0, this.#settings.batchSize)
      try {
        await this.#deliver(spans, await this.#sender.encode(spans), signal)
      } catch (error) {
        this.#drop(spans.length, `the spans could not be encoded: ${rawMessageOf(error)}`)
      }
    }
  }

  /** Sends until the collector has answered; once `signal` aborts the spans wait again. */
  async #deliver(spans: readonly ReadableSpan[], body: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const sent = await this.#sender.send(body, signal)
      if (sent.kind !== 'retry') this.#answered()
      if (sent.kind === 'refused') return this.#drop(spans.length, sent.detail)
      if (sent.kind === 'delivered') {
        if (sent.rejected > 0) this.#drop(sent.rejected, `the collector rejected spans: ${sent.detail}`)
        return
      }
      if (!signal.aborted) this.#warn(sent.detail)
      const wait = Math.max(sent.afterMs, backoffMs(this.#host, BACKOFF, attempt))
      await sleep(this.#host, wait, signal).catch(() => {})
      if (signal.aborted) return void this.#waiting.unshift(...spans)
    }
  }

  #drop(count: number, why: string): void {
    this.#dropped += count
    this.#warn(why)
  }

  #warn(why: string): void {
    const now = this.#host.monotonic()
    if (now - this.#warnedAt < WARN_EVERY_MS) return
    this.#warnedAt = now
    this.#log.warn('spans cannot be exported', { why, dropped: this.#dropped, waiting: this.#waiting.length })
  }
}
