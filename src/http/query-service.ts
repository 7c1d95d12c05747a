/** Queries from their begin to their end: their turn, their time, what is told of them. */
import type { Context } from '@opentelemetry/api'
import type { ResolvedServe } from '../config/serve.ts'
import { codeOf, ErrorCode, rawMessageOf } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { QueryApi, QueryMetrics, QueryOutcome } from '../contracts/metrics.ts'
import type { Gateway } from '../gateway.ts'
import { QueryGate } from '../query/gate.ts'
import { matcherText } from '../query/matchers.ts'
import { QueryMemory } from '../query/memory.ts'
import type { Selection } from '../query/querier.ts'
import { QueryRun } from '../query/query-run.ts'
import { QuerySpans } from '../query/query-spans.ts'
import { QueryCode, QueryRefused } from '../query/refused.ts'
import { HttpError } from './errors.ts'
import { missingBlocks } from './missing-blocks.ts'
import { noticesOf } from './notices.ts'
import { queryError } from './query-errors.ts'

export interface QueryServiceOptions {
  readonly gateway: Gateway
  readonly serve: ResolvedServe
  readonly host: Host
  readonly metrics?: QueryMetrics | undefined
}

/** A query that goes on. */
export interface OpenQuery {
  readonly run: QueryRun
  /** Called with each part of it, before anything is read: for the log. */
  asks(selection: Selection): void
  /** Once, with what it failed with; later calls count for nothing. */
  end(error?: unknown): void
}

/** A warning that comes again within this time is not logged again, ms. */
const QUIET_MS = 60_000
const MAX_LOGGED = 500

export class QueryService {
  readonly #options: QueryServiceOptions
  readonly #gate: QueryGate
  readonly #memory: QueryMemory
  readonly #warned = new Map<string, number>()
  readonly #runs = new Set<QueryRun>()
  #isClosed = false
  #idle = () => {}

  constructor(options: QueryServiceOptions) {
    this.#options = options
    const { limits } = options.serve
    this.#gate = new QueryGate(limits)
    this.#memory = new QueryMemory(limits.memory)
    const observed = {
      running: () => this.#gate.running,
      queued: () => this.#gate.waiting,
      memory: () => this.#memory.held,
    }
    options.metrics?.observeQueries?.(observed)
    options.gateway.prewarm?.observeQueries(observed, limits.concurrent)
  }

  /**
   * No query begins from now on, and those that run may end: to be awaited before what they read with is stopped. After `ms` the others
   * are refused.
   */
  async close(ms: number): Promise<void> {
    this.#isClosed = true
    if (this.#runs.size === 0) return
    const idle = Promise.withResolvers<void>()
    this.#idle = idle.resolve
    using _ = this.#options.host.setTimer(ms, () => {
      for (const run of this.#runs) run.abort(stopping())
      idle.resolve()
    })
    await idle.promise
  }

  /**
   * Waits for the query's turn.
   * @param signal of its client
   * @param parent where its spans belong
   * @returns the query, whose run refuses with 503 where blocks are missing, unless the config says that what is here is answered, with
   * a warning
   * @throws HttpError 501 where the sink keeps no data; QueryRefused where too many wait; the reason of `signal`
   */
  async begin(api: QueryApi, signal: AbortSignal, parent: Context): Promise<OpenQuery> {
    const { gateway, serve, host } = this.#options
    if (this.#isClosed) throw stopping()
    const { name, stage } = gateway.plan.sink
    if (!stage.open) throw new HttpError(501, 'unsupported', `the sink ${name} keeps no data that can be queried`)
    const { limits, badBlock } = serve
    // Not earlier: what is here then may have been dropped when its part is read.
    const onSelect = (selection: Selection) => {
      const { notHere, pending, isRetried, coarse } = missingBlocks(gateway, selection)
      if (coarse !== undefined) run.warn('downsampled', coarse)
      if (notHere === undefined) return
      // So that it is answered soon when it is asked again.
      gateway.want(pending)
      if (isRetried && !gateway.progress) noticesOf(gateway, host).ask('query')
      if (serve.partial === 'refuse' || !run.tells(notHere))
        throw new HttpError(503, gateway.readiness.ready ? 'incomplete' : 'not-ready', notHere)
      run.warn('missing-blocks', notHere)
    }
    const run: QueryRun = new QueryRun(signal, { limits, memory: this.#memory, badBlock, host, onSelect })
    this.#runs.add(run)
    const timer = host.setTimer(limits.durationMs, () => run.abort(late(limits.durationMs)))
    const spans = new QuerySpans(api, host, parent)
    const asked: Selection[] = []
    let place: Disposable | undefined
    let isOver = false
    const end = (error?: unknown) => {
      if (isOver) return
      isOver = true
      timer[Symbol.dispose]()
      place?.[Symbol.dispose]()
      // A client that goes ends the reading of its answer, which fails with nothing.
      const failure = error ?? (run.signal.aborted ? run.signal.reason : undefined)
      run[Symbol.dispose]()
      this.#runs.delete(run)
      if (this.#runs.size === 0) this.#idle()
      this.#told(api, run, spans, failure, asked)
    }
    const asks = (selection: Selection) => {
      asked.push(selection)
      // Of what is answered short all is told before the answer begins.
      if (serve.partial === 'answer') onSelect(selection)
    }
    run.times.enter('queue')
    try {
      place = await this.#gate.enter(run.signal)
    } catch (error) {
      end(error)
      throw error
    }
    run.times.enter('request')
    return { run, asks, end }
  }

  /** What a query that failed is answered. What it reads with may have been stopped under it, and says so in its own words. */
  failure(error: unknown): HttpError {
    const failure = queryError(error)
    return failure.status === 500 && this.#options.gateway.readiness.stopping ? stopping() : failure
  }

  #told(api: QueryApi, run: QueryRun, spans: QuerySpans, failure: unknown, asked: readonly Selection[]): void {
    const { serve, host, metrics } = this.#options
    const { taken, cached } = run.budget
    const outcome = outcomeOf(run, failure)
    const limit = failure instanceof QueryRefused ? failure.limit : undefined
    spans.end(run, outcome, failure)
    const warnings = run.warnings.map(({ reason }) => reason)
    metrics?.query?.({ api, outcome, ms: spans.ms, span: spans.context, limit, warnings, cached, ...taken })
    const { ids } = spans
    const fields = { api, outcome, ...ids, ...taken, blocks: run.times.blocks.size }
    if (spans.ms > serve.slowMs) {
      const query = asked
        .map(({ matchers }) => matcherText(matchers))
        .join(' ')
        .slice(0, MAX_LOGGED)
      const [from, to] = [Math.min(...asked.map(each => each.from)), Math.max(...asked.map(each => each.to))]
      host.log.warn('a slow query', {
        ms: Math.round(spans.ms),
        ...fields,
        ...(asked.length > 0 && { query, from, to }),
      })
    }
    for (const { reason, text } of run.warnings) {
      if (this.#isNew(text)) host.log.warn('an answer may be short', { api, ...ids, reason, why: text })
    }
    if (outcome === 'failed')
      host.log.error('a query failed', { ...fields, code: codeOf(failure), error: rawMessageOf(failure) })
  }

  #isNew(text: string): boolean {
    const now = this.#options.host.monotonic()
    for (const [known, at] of this.#warned) if (now - at >= QUIET_MS) this.#warned.delete(known)
    if (this.#warned.has(text)) return false
    this.#warned.set(text, now)
    return true
  }
}

function stopping(): HttpError {
  return new HttpError(503, 'not-ready', 'the gateway is stopping')
}

function late(ms: number): QueryRefused {
  const text = `a query must take at most ${ms / 1000} s (serve.limits.duration): ask for fewer series, or a shorter time`
  return new QueryRefused('duration', text, QueryCode.timeout)
}

function outcomeOf({ warnings, signal }: QueryRun, failure: unknown): QueryOutcome {
  if (failure === undefined) return warnings.length > 0 ? 'warned' : 'ok'
  if (failure instanceof QueryRefused) return 'refused'
  if (signal.aborted || codeOf(failure) === ErrorCode.aborted) return 'aborted'
  if (failure instanceof HttpError) return failure.status >= 500 ? 'incomplete' : 'invalid'
  const code = codeOf(failure)
  return code === ErrorCode.invalidQuery || code === ErrorCode.unsupported ? 'invalid' : 'failed'
}
