/** The gateway of an isolate: made by the first event that needs it, and run by one event at a time. */
import { type ConfigInput, resolveConfig } from '../../config.ts'
import { codeOf, rawMessageOf } from '../../errors.ts'
import { type Gateway, gateway } from '../../gateway.ts'
import type { Host } from '../../host.ts'
import type { RunResult } from '../../run.ts'
import { memoryState } from '../../state.ts'

/** A cron may take 15 minutes (https://developers.cloudflare.com/workers/platform/limits/). */
const RUN_LIMIT_MS = 14 * 60_000
/** After this a run is gone with the event that made it: the platform ended that event, and nothing of it will settle. */
const GONE_AFTER_MS = 16 * 60_000

interface Live {
  readonly gateway: Gateway
  /** When the run that goes on began, in the host's monotonic ms. */
  since: number | undefined
  runs: number
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
  #live: Live | undefined

  constructor(input: ConfigInput<E>, host: Host) {
    this.#input = input
    this.#host = host
  }

  /** @throws ConfigError; the next event tries again */
  async gateway(env: E): Promise<Gateway> {
    return (await this.#open(env)).gateway
  }

  /** Makes one run, or none where another event is at it. Rejects where the gateway cannot start. */
  async run(env: E): Promise<RunResult | 'already-running'> {
    const live = await this.#open(env)
    if (live.since !== undefined) return 'already-running'
    live.since = this.#host.monotonic()
    let late: Promise<void> | undefined
    const limit = this.#host.setTimer(RUN_LIMIT_MS, () => {
      this.#host.log.warn('the run must end: a cron has no more time')
      late = this.#close(live)
    })
    try {
      return await live.gateway.sync({ reason: live.runs++ === 0 ? 'startup' : 'interval' })
    } catch (error) {
      late ??= this.#close(live)
      throw error
    } finally {
      live.since = undefined
      limit[Symbol.dispose]()
      await late
    }
  }

  async #open(env: E): Promise<Live> {
    const since = this.#live?.since
    if (since !== undefined && this.#host.monotonic() - since > GONE_AFTER_MS) {
      this.#host.log.warn('a run did not end with its event: the gateway is made anew')
      this.#live = undefined
    }
    if (this.#live) return this.#live
    const config = await resolveConfig(this.#input, { env })
    // Of two events that came here at once the later one takes what the earlier one made.
    this.#live ??= {
      gateway: gateway(config, { host: this.#host, state: memoryState() }),
      since: undefined,
      runs: 0,
    }
    return this.#live
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
