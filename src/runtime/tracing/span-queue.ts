/**
 * Ended spans wait here and leave in batches. The SDK's own BatchSpanProcessor sends one batch at a time, forgets how
 * many spans it dropped, and drops a batch for good when its export fails; on Workers its timer dies with the request.
 */
import { context, ROOT_CONTEXT } from '@opentelemetry/api'
import { backoffMs } from '../../async/backoff.ts'
import { sleep } from '../../async/signals.ts'
import { rawMessageOf } from '../../contracts/errors.ts'
import type { Host, Log } from '../../contracts/host.ts'
import type { Batch } from './batch.ts'
import type { SpanSink } from './local-trace.ts'
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

/** Why spans were lost: no room, the collector would not have them, the time of the last flush was up, or they ended after it. */
export type LossReason = 'queue-full' | 'refused' | 'not-encoded' | 'unreachable' | 'late'

export interface SpanQueue extends SpanSink {
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

export interface QueueDeps {
  readonly settings: TracingSettings
  readonly newBatch: () => Batch
  readonly sender: Sender
  readonly host: Host
  readonly log: Log
  /** False where nothing outlives a request (Workers): then only `forceFlush()` sends. */
  readonly background: boolean
  readonly onLost: (spans: number, reason: LossReason) => void
}

export function spanQueue({ settings, newBatch, sender, host, log, background, onLost }: QueueDeps): SpanQueue {
  const { maxQueueSize, batchSize, delayMs, flushTimeoutMs } = settings
  /** Full, or due: each may leave. What ends from now on goes to `filling`. */
  const ready: Batch[] = []
  let filling = newBatch()
  /** In `ready` and `filling`. */
  let waiting = 0
  let held = 0
  const backgroundWorkers = new Set<Promise<void>>()
  const closing = new AbortController()
  let timer: Disposable | undefined
  let closed: Promise<void> | undefined
  let dropped = 0
  let warnedAt = Number.NEGATIVE_INFINITY
  /** Called when the collector took or refused a batch. */
  let answered = () => {}

  const warn = (why: string) => {
    if (host.monotonic() - warnedAt < WARN_EVERY_MS) return
    warnedAt = host.monotonic()
    log.warn('spans cannot be exported', { why, dropped, waiting })
  }

  const drop = (count: number, reason: LossReason, why: string) => {
    dropped += count
    onLost(count, reason)
    warn(why)
  }

  /** A batch that is not full waits no longer. */
  const seal = () => {
    if (filling.spans === 0) return
    ready.push(filling)
    filling = newBatch()
  }

  /** Sends until the collector has answered; once `signal` aborts the batch waits again. */
  const deliver = async (batch: Batch, body: Uint8Array<ArrayBuffer>, signal: AbortSignal) => {
    for (let attempt = 1; ; attempt++) {
      const sent = await sender.send(body, signal)
      if (sent.kind !== 'retry') answered()
      if (sent.kind === 'refused') return drop(batch.spans, 'refused', sent.detail)
      if (sent.kind === 'delivered') {
        const rejected = Math.min(sent.rejected, batch.spans)
        if (rejected > 0) drop(rejected, 'refused', `the collector rejected spans: ${sent.detail}`)
        return
      }
      if (!signal.aborted) warn(sent.detail)
      await sleep(host, Math.max(sent.afterMs, backoffMs(host, BACKOFF, attempt)), signal).catch(() => {})
      if (!signal.aborted) continue
      ready.unshift(batch)
      waiting += batch.spans
      return
    }
  }

  const work = async (signal: AbortSignal) => {
    // Whoever ends a span does not pay for the request.
    await undefined
    for (let batch = ready.shift(); batch; batch = signal.aborted ? undefined : ready.shift()) {
      waiting -= batch.spans
      try {
        await deliver(batch, await sender.encode(batch), signal)
      } catch (error) {
        drop(batch.spans, 'not-encoded', `the spans could not be encoded: ${rawMessageOf(error)}`)
      }
    }
  }

  /** Workers for what may leave now, up to the bound; each works until nothing more may. */
  const startWorkers = (workers = backgroundWorkers, signal = closing.signal) => {
    const wanted = Math.min(CONCURRENCY, workers.size + ready.length)
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
    while (!late.signal.aborted && (waiting > 0 || workers.size > 0)) {
      seal()
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
    ready.length = 0
    if (waiting > 0) drop(waiting, 'unreachable', 'the collector could not be reached before the shutdown')
    waiting = 0
    if (dropped > 0) log.warn('spans were lost', { dropped })
  }

  return {
    add(span) {
      if (closed) return drop(1, 'late', 'a span ended after the shutdown')
      if (waiting >= maxQueueSize) return drop(1, 'queue-full', 'the queue is full')
      waiting++
      filling.add(span)
      if (filling.spans >= batchSize) seal()
      if (!background) return
      if (ready.length > 0) startWorkers()
      timer ??= host.setTimer(delayMs, () => {
        timer = undefined
        seal()
        startWorkers()
      })
    },
    hold: () => held < maxQueueSize && ++held > 0,
    release(spans) {
      held -= spans
    },
    lost: spans => drop(spans, 'queue-full', 'too many spans wait for the end of their traces'),
    get dropped() {
      return dropped
    },
    forceFlush: () => flush(new AbortController(), flushTimeoutMs),
    shutdown: (limits = {}) => (closed ??= close(limits)),
  }
}
