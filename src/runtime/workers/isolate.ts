/** The gateway of an isolate: made by the first event that needs it, and run by one event at a time. */
import { type ConfigInput, type ResolvedConfig, resolveConfig } from '../../config/config.ts'
import { BlockgateError, codeOf, ErrorCode, rawMessageOf } from '../../contracts/errors.ts'
import type { Host } from '../../contracts/host.ts'
import type { Metrics } from '../../contracts/metrics.ts'
import { memoryState } from '../../contracts/state.ts'
import { type Gateway, gateway } from '../../gateway.ts'
import { createApp } from '../../http/app.ts'
import type { Pages } from '../../http/pages/pages.ts'
import type { RunResult } from '../../sync/run-result.ts'
import type { SyncRequest } from '../../sync/runner.ts'
import { VERSION } from '../../version.ts'
import { setupMetrics } from '../metrics.ts'

/**
 * A run is stopped after `stopMs`. After `goneMs` the platform has ended its event, and nothing of it will settle: 15 minutes for a
 * cron, 30 seconds for a request (https://developers.cloudflare.com/workers/platform/limits/).
 */
const CRON = { stopMs: 14 * 60_000, goneMs: 16 * 60_000 }
const REQUEST = { stopMs: 20_000, goneMs: 40_000 }

/** A cron comes each minute or more rarely: a listing that is due before the next one is made now. */
const CRON_SLACK_MS = 30_000

interface Live {
  readonly gateway: Gateway
  readonly app: ReturnType<typeof createApp>
  readonly adapts: boolean
  readonly metrics: Metrics
  /** Of the run that goes on: when it is gone at the latest, in the host's monotonic ms. */
  goneAt: number | undefined
  runs: number
  /** Where the interval adapts: when the next listing is due, in the host's monotonic ms. */
  dueAt: number | undefined
}

/**
 * What one event begins must end in it, for timers and requests belong to their event: so no event waits for what another
 * has begun, and a run that did not end with its event takes the gateway with it.
 *
 *   (none) → idle ⇄ running → (none), where the run did not end, was stopped, or could not begin
 */
export class Isolate<E> {
  readonly #input: ConfigInput<E>
  readonly #host: Host
  readonly #pages: Pages | undefined
  #live: Live | undefined

  constructor(input: ConfigInput<E>, host: Host, pages?: Pages) {
    this.#input = input
    this.#host = host
    this.#pages = pages
  }

  /** What answers requests. @throws ConfigError; the next event tries again */
  async app(env: E): Promise<Live['app']> {
    return (await this.#open(env)).app
  }

  /**
   * Makes one run; none where another event is at it, or where an interval that adapts says that it is not yet time. Rejects
   * where the gateway cannot start.
   */
  async run(env: E): Promise<RunResult | 'already-running' | 'not-due'> {
    const live = await this.#open(env)
    if (live.goneAt !== undefined) return 'already-running'
    if (live.dueAt !== undefined && this.#host.monotonic() < live.dueAt - CRON_SLACK_MS) return 'not-due'
    return await this.#run(live, { reason: live.runs === 0 ? 'startup' : 'interval' }, CRON)
  }

  /** Into the metrics of the gateway that is there; before the first one there are none. */
  spansLost(spans: number, reason: string): void {
    this.#live?.metrics.spansLost?.(spans, reason)
  }

  async #run(live: Live, request: SyncRequest, { stopMs, goneMs }: typeof CRON): Promise<RunResult> {
    live.runs++
    live.goneAt = this.#host.monotonic() + goneMs
    let closed: Promise<void> | undefined
    const limit = this.#host.setTimer(stopMs, () => {
      this.#host.log.warn('the run is stopped: the platform would end its event soon', { ms: stopMs })
      closed = this.#close(live)
    })
    try {
      const result = await live.gateway.sync(request)
      const isDone = live.adapts && result.status === 'done'
      live.dueAt = isDone ? this.#host.monotonic() + live.gateway.pace.ms : undefined
      return result
    } catch (error) {
      closed ??= this.#close(live)
      throw error
    } finally {
      live.goneAt = undefined
      limit[Symbol.dispose]()
      await closed
    }
  }

  async #open(env: E): Promise<Live> {
    const goneAt = this.#live?.goneAt
    if (goneAt !== undefined && this.#host.monotonic() > goneAt) {
      this.#host.log.warn('the platform ended the event of a run: a new gateway is made')
      this.#live = undefined
    }
    if (this.#live) return this.#live
    const config = await resolveConfig(this.#input, { env })
    // Of two events that came here at once the later one takes what the earlier one made.
    this.#live ??= this.#make(config)
    return this.#live
  }

  #make(config: ResolvedConfig): Live {
    const host = this.#host
    const metrics = setupMetrics()
    const made = gateway(config, { host, state: memoryState(), metrics: metrics.metrics })
    const sync = async (request: SyncRequest = {}): Promise<RunResult> => {
      if (live.goneAt === undefined) return await this.#run(live, request, REQUEST)
      throw new BlockgateError(
        ErrorCode.unsupported,
        'a run is still going on, and on Workers a request does not wait for it',
      )
    }
    const app = createApp({
      gateway: Object.create(made, { sync: { value: sync } }),
      config,
      host,
      version: VERSION,
      metrics,
      pages: this.#pages,
      background: (c, work) => c.executionCtx.waitUntil(work),
    })
    const live: Live = {
      gateway: made,
      app,
      metrics: metrics.metrics,
      goneAt: undefined,
      runs: 0,
      dueAt: undefined,
      adapts: config.interval !== undefined,
    }
    return live
  }

  async #close(live: Live): Promise<void> {
    if (this.#live === live) this.#live = undefined
    try {
      await live.gateway.stop()
    } catch (error) {
      this.#host.log.warn('the gateway did not stop', { code: codeOf(error), error: rawMessageOf(error) })
    }
  }
}
