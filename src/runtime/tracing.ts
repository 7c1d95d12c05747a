/** Traces on every runtime: spans leave by OTLP/HTTP. Only this entry loads packages of the OpenTelemetry SDK; the engine does not. */
import { context, trace } from '@opentelemetry/api'
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources'
import type { Host, Log } from '../contracts/host.ts'
import { useTraces } from '../pipeline/traces.ts'
import { blockTraces } from '../traces/run.ts'
import { AsyncContextManager } from './context-manager.ts'
import { quietHost } from './host/web.ts'
import { batchMaker } from './tracing/batch.ts'
import { createSender, type Fetch } from './tracing/sender.ts'
import { type TracingSettings, tracingSettings } from './tracing/settings.ts'
import { type LossReason, type ShutdownLimits, spanQueue } from './tracing/span-queue.ts'
import { tracerProvider } from './tracing/tracer.ts'
import type { TracingEnv } from './tracing/variables.ts'

export interface TracingOptions {
  /** Where warnings go. Default: the log of `host`, or the console. */
  readonly log?: Log | undefined
  /** For tests. Default: the runtime's own, with timers that keep no process alive. */
  readonly host?: Host | undefined
  /** Default: the global fetch. */
  readonly fetch?: Fetch | undefined
  /** Whether batches leave by themselves. Default true; false on Workers: there call `ctx.waitUntil(tracing.forceFlush())`. */
  readonly background?: boolean | undefined
  /** Called when spans are lost: for a metric, such as `Metrics.spansLost`. */
  readonly onLost?: ((spans: number, reason: LossReason) => void) | undefined
}

export interface Tracing {
  /** False where nothing is exported: then no provider is set, and the API's spans record nothing. */
  readonly enabled: boolean
  /** Spans that were lost so far: the queue was full, the collector refused them, or the time of shutdown() was up. */
  readonly dropped: number
  /** Resolves when every ended span was sent, or after OTEL_BSP_EXPORT_TIMEOUT (default 30 s). Never rejects. */
  forceFlush(): Promise<void>
  /** A last flush, then the provider is taken away again. Never rejects: spans that are left after the limits count as dropped. */
  shutdown(limits?: ShutdownLimits): Promise<void>
}

export type { Fetch, LossReason, ShutdownLimits, TracingEnv }

/**
 * Sets the global tracer provider and context manager up as the standard `OTEL_*` variables say; docs/traces.md names them.
 * Without an endpoint it does nothing. Workerd needs the compatibility flag `nodejs_als`.
 *
 * @throws BlockgateError `invalid-config` where an endpoint, a protocol, a compression, a header or an exporter cannot
 * be followed; a number or a sampler that cannot be read is logged, and its default is used
 * @example const tracing = setupTracing(process.env); …; await tracing.shutdown()
 */
export function setupTracing(env: TracingEnv, options: TracingOptions = {}): Tracing {
  useTraces(blockTraces)
  const host = options.host ?? quietHost(options.log)
  const log = options.log ?? host.log
  const settings = tracingSettings(env, log)
  if (!settings) return OFF
  const sender = createSender(settings, host, options.fetch ?? ((url, init) => fetch(url, init)))
  const newBatch = batches(settings)
  const { background = !isWorker(), onLost = () => {} } = options
  const queue = spanQueue({ settings, newBatch, sender, host, log, background, onLost })
  if (!trace.setGlobalTracerProvider(tracerProvider(settings.sampling, queue))) {
    // Deno's own (OTEL_DENO), or the user's SDK: its exporter is the one that was asked for first.
    log.warn('a tracer provider is already set: it is kept, and the variables of the exporter are not followed')
    return OFF
  }
  const managed = context.setGlobalContextManager(new AsyncContextManager())
  const close = async (limits?: ShutdownLimits) => {
    await queue.shutdown(limits)
    trace.disable()
    if (managed) context.disable()
  }
  let closed: Promise<void> | undefined
  return {
    enabled: true,
    get dropped() {
      return queue.dropped
    },
    forceFlush: () => queue.forceFlush(),
    shutdown: limits => (closed ??= close(limits)),
  }
}

/** Which gateway it is, is known when the first one begins. */
function batches({ encoding, resource }: TracingSettings): ReturnType<typeof batchMaker> {
  let instance: string | undefined
  let make: ReturnType<typeof batchMaker> | undefined
  return () => {
    if (!make || instance !== blockTraces.instance) {
      instance = blockTraces.instance
      const known = instance === undefined ? resource : { 'service.instance.id': instance, ...resource }
      make = batchMaker(encoding, defaultResource().merge(resourceFromAttributes(known)).attributes)
    }
    return make()
  }
}

const OFF: Tracing = { enabled: false, dropped: 0, forceFlush: async () => {}, shutdown: async () => {} }

function isWorker(): boolean {
  return globalThis.navigator?.userAgent === 'Cloudflare-Workers'
}
