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

export interface SpanQueue extends SpanProcessor {
  /**
   * Spans that never reached the collector: the queue was full, the collector refused them, or the time of `shutdown()`
   * was up. A collector that cannot be reached drops none: its batches are sent again until it is back.
   */
  readonly dropped: number
  /** Resolves when nothing waits any more, or after OTEL_BSP_EXPORT_TIMEOUT. Never rejects: what could not be sent is tried again. */
  forceFlush(): Promise<void>
  /** A last flush; what is left after it is dropped. */
  shutdown(limits?: ShutdownLimits): Promise<void>
}

/** @param background false where nothing outlives a request (Workers): then only `forceFlush()` sends */
export function spanQueue(
  { maxQueueSize, batchSize, delayMs, flushTimeoutMs }: TracingSettings,
  { encode, send }: Sender,
  host: Host,
  log: Log,
  background: boolean,
): SpanQueue {
  const waiting: ReadableSpan[] = []
  const backgroundWorkers = new Set<Promise<void>>()
  const closing = new AbortController()
  let timer: Disposable | undefined
  let closed: Promise<void> | undefined
  /** Of those that wait, so many leave also where they fill no batch: they have waited long enough, or a flush wants them sent. */
  let due = 0
  let dropped = 0
  let warnedAt = Number.NEGATIVE_INFINITY
  /** Called when the collector took or refused a batch. */
  let answered = () => {}

  const warn = (why: string) => {
    if (host.monotonic() - warnedAt < WARN_EVERY_MS) return
    warnedAt = host.monotonic()
    log.warn('spans cannot be exported', { why, dropped, waiting: waiting.length })
  }

  const drop = (count: number, why: string) => {
    dropped += count
    warn(why)
  }

  /** Sends until the collector has answered; once `signal` aborts the spans wait again. */
  const deliver = async (spans: readonly ReadableSpan[], body: Uint8Array<ArrayBuffer>, signal: AbortSignal) => {
    for (let attempt = 1; ; attempt++) {
      const sent = await send(body, signal)
      if (sent.kind !== 'retry') answered()
      if (sent.kind === 'refused') return drop(spans.length, sent.detail)
      if (sent.kind === 'delivered') {
        if (sent.rejected > 0) drop(sent.rejected, `the collector rejected spans: ${sent.detail}`)
        return
      }
      if (!signal.aborted) warn(sent.detail)
      await sleep(host, Math.max(sent.afterMs, backoffMs(host, BACKOFF, attempt)), signal).catch(() => {})
      if (signal.aborted) return void waiting.unshift(...spans)
    }
  }

  /** So many may leave now. A worker that took whatever is there would send a request for every few spans. */
  const batches = () => Math.max(Math.floor(waiting.length / batchSize), Math.ceil(due / batchSize))

  const work = async (signal: AbortSignal) => {
    // Whoever ends a span does not pay for the encoding.
    await undefined
    while (batches() > 0 && !signal.aborted) {
      const spans = waiting.splice(0, batchSize)
      due = Math.max(0, due - spans.length)
      try {
        await deliver(spans, await encode(spans), signal)
      } catch (error) {
        drop(spans.length, `the spans could not be encoded: ${rawMessageOf(error)}`)
      }
    }
  }

  /** Workers for what may leave now, up to the bound; each works until there is no more of it. */
  const startWorkers = (workers = backgroundWorkers, signal = closing.signal) => {
    const wanted = Math.min(CONCURRENCY, workers.size + batches())
    while (workers.size < wanted) {
      // Outside of any span: a request of ours is no part of the trace that happened to fill a batch.
      const worker = context.with(ROOT_CONTEXT, () => work(signal)).finally(() => workers.delete(worker))
      workers.add(worker)
    }
  }

  /** Ends when nothing waits any more, when `late` aborts, or after `maxMs`, which aborts it. */
  const flush = async (late: AbortController, maxMs: number) => {
    using _ = host.setTimer(maxMs, () => late.abort())
    // The host's timers may let the process end; a flush that somebody awaits must not be cut off between two tries.
    const keepAlive = setTimeout(() => {}, maxMs)
    // Of Workers a request may not wait for the I/O of another one, so each flush has workers of its own.
    const workers = background ? backgroundWorkers : new Set<Promise<void>>()
    const aborted = new Promise<void>(resolve => late.signal.addEventListener('abort', () => resolve()))
    while (!late.signal.aborted && (waiting.length > 0 || workers.size > 0)) {
      due = waiting.length
      startWorkers(workers, background ? closing.signal : late.signal)
      await Promise.race([...workers, aborted])
    }
    if (!background) await Promise.all(workers)
    clearTimeout(keepAlive)
  }

  const close = async ({ quietMs = flushTimeoutMs, maxMs = flushTimeoutMs }: ShutdownLimits) => {
    const late = new AbortController()
    let quiet: Disposable | undefined
    answered = () => {
      quiet?.[Symbol.dispose]()
      quiet = host.setTimer(quietMs, () => late.abort())
    }
    answered()
    await flush(late, Math.min(maxMs, flushTimeoutMs))
    answered = () => {}
    quiet?.[Symbol.dispose]()
    timer?.[Symbol.dispose]()
    closing.abort(new Error('tracing was shut down'))
    await Promise.all(backgroundWorkers)
    const left = waiting.splice(0).length
    if (left > 0) drop(left, 'the collector could not be reached before the shutdown')
    if (dropped > 0) log.warn('spans were lost', { dropped })
  }

  return {
    onStart() {},
    onEnd(span) {
      if (closed) return drop(1, 'a span ended after the shutdown')
      if (waiting.length >= maxQueueSize) return drop(1, 'the queue is full')
      waiting.push(span)
      if (!background) return
      if (waiting.length >= batchSize) startWorkers()
      timer ??= host.setTimer(delayMs, () => {
        timer = undefined
        due = waiting.length
        startWorkers()
      })
    },
    get dropped() {
      return dropped
    },
    forceFlush: () => flush(new AbortController(), flushTimeoutMs),
    shutdown: (limits = {}) => (closed ??= close(limits)),
  }
}
