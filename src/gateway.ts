/** A gateway: a checked config on a platform. What a runtime starts, watches and stops. */

import { ROOT_CONTEXT } from '@opentelemetry/api'
import { allEnded, orAborted, within } from './async/signals.ts'
import { type RetriedOptions, retried } from './bucket/wrappers/retried.ts'
import { wrapped } from './bucket/wrappers/wrapped.ts'
import type { Catalogue } from './catalogue/catalogue.ts'
import type { ResolvedConfig } from './config/config.ts'
import type { BlockId } from './contracts/block.ts'
import { BlockgateError, ErrorCode, errorFields, rawMessageOf } from './contracts/errors.ts'
import type { Bucket, Health, Host, LocalFiles, StateStore } from './contracts/host.ts'
import type { Metrics } from './contracts/metrics.ts'
import type { Plan } from './contracts/plan.ts'
import type { Prewarmer, PrewarmServices } from './contracts/prewarm.ts'
import { inSpan } from './contracts/spans.ts'
import { scopedState } from './contracts/state.ts'
import { Attribute, SpanName } from './contracts/telemetry.ts'
import type { Explanation } from './explain/explain.ts'
import { END_MS, Lifecycle, type Part, withinGrace } from './pipeline/lifecycle.ts'
import { currentTraces } from './pipeline/traces.ts'
import { createEngine, type Engine } from './sync/engine.ts'
import { Pace } from './sync/pace.ts'
import { type Readiness, ReadyLatch } from './sync/readiness.ts'
import type { RunProgress, RunReport, RunResult } from './sync/run-result.ts'
import { Runner, type SyncRequest } from './sync/runner.ts'

/** What a runtime provides. */
export interface Platform {
  readonly host: Host
  /** A disk, where there is one. */
  readonly files?: LocalFiles | undefined
  readonly state: StateStore
  /** Where the engine counts; of this gateway alone. Without it nothing is measured. */
  readonly metrics?: Metrics | undefined
  /** Only `explain()` will be asked: the parts start as observers, and nothing is joined, claimed or written. Default false. */
  readonly observer?: boolean | undefined
  /** Called with each run's result. */
  readonly onResult?: ((result: RunResult) => void) | undefined
}

export interface Gateway {
  readonly plan: Plan
  readonly catalogue: Catalogue
  /** When the bucket is listed next. */
  readonly pace: Pace
  /** What loads blocks ahead; undefined where the config has none. */
  readonly prewarm: Prewarmer | undefined
  /**
   * Starts every part, and then run after run. Resolves with the first run's result. Where a part cannot start it rejects,
   * nothing is left running, and it may be called again; after a stop it rejects with `stopped`.
   */
  start(): Promise<RunResult>
  /** Starts the parts where needed, and makes one run. */
  sync(request?: SyncRequest): Promise<RunResult>
  /**
   * Starts the parts where needed, and walks one block through the pipeline without an add: see `Explanation`. It lists the
   * whole bucket. Rejects where the source or a set stage fails.
   */
  explain(id: BlockId, signal: AbortSignal): Promise<Explanation>
  /**
   * A query waits for these blocks: while a run goes on, 64 at most are taken before all others that wait in it. Who may load them stays.
   * Of a run that still lists, all that is left of the listing is read at once, also for none.
   */
  want(ids: Iterable<BlockId>): void
  /** Of the run that goes on now. */
  readonly progress: RunProgress | undefined
  /** The last runs, oldest first. */
  readonly results: readonly RunReport[]
  readonly health: readonly Health[]
  readonly readiness: Readiness
  /** What a plugin keeps throwing at calls that must not throw, three runs in a row; undefined while all is well. */
  readonly fault: string | undefined
  /** Ends a start, lets adds in flight finish within the grace, then stops every part; what hangs is named, and not waited for. Safe twice, and without a start. */
  stop(): Promise<void>
}

/** Puts a gateway together; nothing is started yet. */
export function gateway(config: ResolvedConfig, platform: Platform): Gateway {
  const { plan, stopGraceMs } = config
  const { host, files, metrics } = platform
  const pace = new Pace(host, config)
  const engine = createEngine(plan, host, scopedState(platform.state, 'engine'), { ...config, pace }, metrics)
  const onResult = (result: RunResult, current: boolean) => {
    latch.runEnded(result, current)
    return platform.onResult?.(result)
  }
  const runner = new Runner(engine, { stopGraceMs, onResult })
  const span: PrewarmServices['span'] = (id, work) =>
    inSpan(SpanName.warm, { [Attribute.blockId]: id }, ROOT_CONTEXT, work)
  const prewarm = config.prewarm?.create({ ...engine, files, runner, span })
  const latch = new ReadyLatch(engine, () => runner.offers)
  const { faults } = engine
  const lifecycle = new Lifecycle(parts(config, platform, pace), config.startTimeoutMs)
  const ending = new AbortController()
  const { signal } = ending
  let starting: Promise<void> | undefined
  let opening: Promise<void> | undefined
  const started = async (): Promise<void> => {
    signal.throwIfAborted()
    starting ??= lifecycle.start(signal).catch(error => {
      starting = undefined
      throw error
    })
    await starting
  }
  const opened = async (): Promise<void> => {
    signal.throwIfAborted()
    const begun = async () => {
      if (prewarm?.join) {
        // Loaded where somebody asks for it.
        const { joinAhead } = await import('./explain/join-ahead.ts')
        await joinAhead({ ...engine, ...config, parts: parts(config, platform, pace), prewarm }, signal)
      }
      await started()
    }
    opening ??= open(engine, begun, signal, config.startTimeoutMs).catch(async error => {
      // Whoever stops the gateway stops its parts, too.
      if (!signal.aborted) {
        host.log.error('the start failed', errorFields(error))
        if (starting) await withinGrace(host, END_MS, late => lifecycle.stop(late)).catch(() => {})
        opening = starting = undefined
      }
      throw error
    })
    await opening
  }
  metrics?.observe({
    host,
    files,
    plan,
    instance: config.instance,
    guard: (call, work) => faults.guard(call, work),
    blocks: () => engine.catalogue.all(),
    block: id => engine.catalogue.get(id),
    pace,
    loaded: () => plan.sink.stage.loaded(),
    prewarm: () => prewarm?.stats,
    inFlight: () => runner.progress?.inFlight ?? 0,
    deaths: () => engine.journal.allCrashes,
    unconfirmed: () => engine.asked.size,
    health: () => lifecycle.health,
    ready: () => latch.state(runner.results.at(-1)).ready,
  })
  let stopping: Promise<void> | undefined
  return {
    plan,
    catalogue: engine.catalogue,
    pace,
    prewarm,
    async start() {
      await opened()
      if (prewarm) prewarm.start()
      else plan.sink.stage.warm?.shrink(0)
      latch.watch()
      return await runner.start()
    },
    async sync(request) {
      // Who asks over HTTP has an answer before the run begins.
      const asker = currentTraces()?.asker()
      await opened()
      runner.watch()
      return runner.sync(request, asker)
    },
    async explain(id, signal) {
      await started()
      // Loaded when somebody asks: an engine at work does not need it.
      const { explain } = await import('./explain/explain.ts')
      return explain(engine, id, signal)
    },
    want(ids) {
      runner.want(ids)
    },
    get progress() {
      return runner.progress
    },
    get results() {
      return runner.results
    },
    get health() {
      return lifecycle.health
    },
    get readiness() {
      return latch.state(runner.results.at(-1))
    },
    get fault() {
      return faults.persistent
    },
    stop() {
      stopping ??= (async () => {
        const begun = host.monotonic()
        ending.abort(new BlockgateError(ErrorCode.stopped, 'the gateway is stopping'))
        latch.stop()
        await runner.stop()
        engine.advertised.stop()
        const graceMs = Math.max(END_MS, stopGraceMs - (host.monotonic() - begun))
        await withinGrace(host, graceMs, async late => {
          await prewarm?.stop(late)
          const ended = lifecycle.stop(late)
          // A start that fails stops its parts itself.
          const rest = ended
            .catch(() => {})
            .then(() => orAborted(Promise.allSettled([starting, opening, engine.journal.written()]), late))
            .catch(error => {
              throw new BlockgateError(ErrorCode.stopFailed, `the journal of loads: ${rawMessageOf(error)}`)
            })
          await allEnded([ended, rest])
        })
      })()
      return stopping
    },
  }
}

/**
 * The parts are running, what is held is served and told, and the journal knows which blocks were in flight at the last crash. Each
 * step may take `ms`; once `signal` has aborted nothing more is begun.
 */
async function open(
  { journal, advertised, plan, host, absences, asked, state, catalogue, instance }: Engine,
  started: () => Promise<void>,
  signal: AbortSignal,
  ms: number,
): Promise<void> {
  const step = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const late = () =>
      new BlockgateError(
        ErrorCode.startFailed,
        `Cannot start: ${what} timed out after ${ms / 1000} s (option startTimeout)`,
      )
    signal.throwIfAborted()
    return await within(host, ms, signal, late, work())
  }
  const left = await step('reading the journal of loads', () => journal.open())
  await step('reading what a person is asked', async () => {
    for (const ids of [absences, asked]) await ids.load(state, host)
  })
  await currentTraces()?.recall(catalogue, state, instance.id)
  plan.ownership.handover?.ready(false)
  await started()
  await step('writing the journal of loads', () => journal.forgive(plan.sink.stage.loaded()))
  currentTraces()?.died({ host, instance, journal, memory: catalogue }, left)
  if (journal.suspects > 0) host.log.warn('blocks were in flight when the process died', { blocks: journal.suspects })
  await step('telling what is served', () => advertised.publish(plan.sink.stage.loaded().keys()))
}

/** The parts of a gateway, none of them started: bucket, source, stages in list order, sink. */
export function parts(
  { plan, bucket, instance }: ResolvedConfig,
  { host, files, state, metrics, observer = false }: Platform,
  lists?: RetriedOptions['lists'],
): Part[] {
  const raw = bucket ?? noBucket
  // Every try is counted: that is what the store sees, and bills.
  const tried = retried(metrics ? metrics.measured(raw, host) : raw, host, { lists })
  const traced = wrapped(tried, (call, make) => currentTraces()?.bucket(call, make) ?? make())
  const tracedFiles = files && (currentTraces()?.files(files) ?? files)
  // An observer keeps no copy of a cache that nobody will read.
  const kept = observer ? { get: (key: string) => state.get(key), async set() {}, async delete() {} } : state
  const part = (name: string, component: Part['component']): Part => ({
    name,
    component,
    services: { host, bucket: traced, instance, files: tracedFiles, state: scopedState(kept, name), observer },
  })
  return [
    part('bucket', raw),
    part(plan.source.name, plan.source.stage),
    ...plan.segments.flatMap(({ stages, barrier }) =>
      [...stages, ...(barrier ? [barrier] : [])].map(({ name, stage }) => part(name, stage)),
    ),
    part(plan.sink.name, plan.sink.stage),
  ]
}

const missing = () =>
  Promise.reject(new BlockgateError(ErrorCode.invalidConfig, 'bucket: must be given: a stage reads from it'))

/** A pipeline may do without a bucket; a stage that does not learns so at its first read. */
const noBucket: Bucket = { name: 'no-bucket', list: missing, get: missing, put: missing, delete: missing }
