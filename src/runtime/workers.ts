/** Cloudflare Workers: a cron makes the runs, and requests are answered by the same isolate. */
import type { ConfigInput } from '../config/config.ts'
import { codeOf, rawMessageOf } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { Pages } from '../http/pages/pages.ts'
import { workersHost } from './host/web.ts'
import { type Fetch, setupTracing, type Tracing, type TracingEnv } from './tracing.ts'
import { Isolate } from './workers/isolate.ts'

export { type WorkersHostOptions, workersHost } from './host/web.ts'

/** What is used of a Worker's `ExecutionContext`. */
export interface WorkerContext {
  waitUntil(work: Promise<unknown>): void
}

/** What is used of a `ScheduledController`. */
export interface CronEvent {
  readonly cron: string
}

/** The handlers of a Worker: its `export default`. */
export interface Worker<E> {
  fetch(request: Request, env: E, context: WorkerContext): Promise<Response>
  /** One run. Rejects where it could not begin, or failed: the event then counts as failed. */
  scheduled(event: CronEvent, env: E, context: WorkerContext): Promise<void>
}

export interface WorkerOptions {
  /** The pages for people: `pages` of `blockgate/http`. Default: none, which keeps the Worker smaller. */
  readonly pages?: Pages | undefined
  /** For tests. Default: workersHost(). */
  readonly host?: Host | undefined
  /** For tests: what sends spans. Default: the global fetch. */
  readonly fetch?: Fetch | undefined
}

/**
 * A gateway as a Worker. The config is resolved at the first event of each isolate, with the Worker's bindings and variables as
 * its `env`; as a function it makes a gateway that could not start anew. Its `dir` means nothing here, and nor does an `every` that is
 * fixed: each cron makes a run. An interval that adapts decides which of the crons do.
 *
 * Requests are answered by the HTTP app of `blockgate/http`. Nobody counts as being on this machine: `POST /api/v1/sync` needs
 * the config's `token`.
 *
 * One run at a time: a cron or a request that comes during a run is logged and starts none. A run that has not ended after 14
 * minutes of a cron (20 seconds of a request) is stopped, and the gateway with it, before the platform ends it. Spans leave
 * at the end of each event, as the `OTEL_*` variables of `env` say; workerd needs the compatibility flag `nodejs_als`.
 *
 * @example export default createWorker(config)
 */
export function createWorker<E extends object>(config: ConfigInput<E>, options: WorkerOptions = {}): Worker<E> {
  const host = options.host ?? workersHost()
  const isolate = new Isolate(config, host, options.pages)
  let tracing: Tracing | undefined
  /** Nothing outlives an event, so its spans leave with it: after its work, also what goes on after the answer. */
  const traced = async <T>(env: E, context: WorkerContext, work: (inner: WorkerContext) => Promise<T>): Promise<T> => {
    const onLost = (spans: number, reason: string) => isolate.spansLost(spans, reason)
    tracing ??= setupTracing(env as TracingEnv, { host, fetch: options.fetch, background: false, onLost })
    const { forceFlush } = tracing
    const after: Promise<unknown>[] = []
    try {
      return await work({ waitUntil: promise => void after.push(promise) })
    } finally {
      context.waitUntil(Promise.allSettled(after).then(forceFlush))
    }
  }
  return {
    async fetch(request, env, context) {
      try {
        return await traced(env, context, async inner => {
          const app = await isolate.app(env)
          return await app.fetch(request, {}, { ...inner, passThroughOnException() {}, props: {} })
        })
      } catch (error) {
        // What is wrong with a config is for its owner's log, not for whoever asks.
        host.log.error('the gateway cannot answer', { code: codeOf(error), error: rawMessageOf(error) })
        return Response.json({ error: 'the gateway cannot answer: see its log' }, { status: 500 })
      }
    },
    async scheduled({ cron }, env, context) {
      const result = await traced(env, context, () => isolate.run(env))
      if (result === 'already-running') host.log.warn('a run is still going on: this cron starts none', { cron })
      else if (result !== 'not-due' && result.status === 'failed') throw result.error
    },
  }
}
