/** An interval that follows the blocks: short while they come, long while none does, within a budget of requests. */
import { checkOptions, type Duration, durationMs, durationOption, type Interval, type Problem } from 'blockgate'
import * as v from 'valibot'
import { AdaptiveController } from './controller.ts'

export interface AdaptiveOptions {
  /** No interval is shorter. Default '30s'. */
  readonly from?: Duration | undefined
  /** No interval is longer. It must be shorter than the time from when a block is hidden until it is deleted: see deleteDelay. Default '15m'. */
  readonly to?: Duration | undefined
  /** 99 of 100 new blocks are to be found within this time, as far as the budget allows. Default '2m'. */
  readonly staleness?: Duration | undefined
  /** List requests that this gateway may make in a day; only an interval of `to` may cost more. Default 20000. */
  readonly requestsPerDay?: number | undefined
  /** When the compactor deletes a block after its mark. Default '48h', as in Thanos. */
  readonly deleteDelay?: Duration | undefined
}

const DAY = 86_400_000

/**
 * The interval for `every`. It learns when blocks come, and lists more often then: as the square root of their rate.
 *
 * @example adaptive({ from: '30s', to: '15m', staleness: '2m', requestsPerDay: 20_000 })
 */
export function adaptive(options: AdaptiveOptions = {}): Interval {
  const limits = {
    from: durationMs(options?.from, '30s'),
    to: durationMs(options?.to, '15m'),
    staleness: durationMs(options?.staleness, '2m'),
    requestsPerDay: options?.requestsPerDay ?? 20_000,
  }
  const deleteDelay = durationMs(options?.deleteDelay, '48h')
  return {
    name: 'adaptive',
    options,
    longestMs: limits.to,
    firstMs: limits.staleness,
    check(pipeline) {
      const problems = checkOptions(options, {
        from: v.optional(durationOption),
        to: v.optional(durationOption),
        staleness: v.optional(durationOption),
        requestsPerDay: v.optional(v.pipe(v.number('be a number'), v.minValue(1, 'be >= 1'))),
        deleteDelay: v.optional(durationOption),
      })
      return problems.length > 0 ? problems : together(limits, deleteDelay, pipeline)
    },
    create: services => new AdaptiveController(limits, services),
  }
}

type Limits = ConstructorParameters<typeof AdaptiveController>[0]

function together({ from, to, staleness, requestsPerDay }: Limits, deleteDelay: number, pipeline: unknown) {
  const problems: Problem[] = []
  if (from < 1_000) problems.push({ path: 'from', must: 'be >= 1s', value: `${from} ms` })
  if (staleness < from) problems.push({ path: 'staleness', must: `be >= from (${text(from)})`, value: text(staleness) })
  if (to < staleness) problems.push({ path: 'to', must: `be >= staleness (${text(staleness)})`, value: text(to) })
  if (requestsPerDay * to < DAY) {
    const must = `be >= ${Math.ceil(DAY / to)}: a listing each ${text(to)} (to) takes at least that`
    problems.push({ path: 'requestsPerDay', must, value: requestsPerDay })
  }
  const { delay, name, full } = hiding(pipeline)
  if (to >= deleteDelay - delay - full) {
    const lists = full > 0 ? `, and scan-bucket lists all of them only each ${text(full)} (fullEvery)` : ''
    const must = `be < ${text(Math.max(0, deleteDelay - delay - full))}: blocks are deleted ${text(deleteDelay)} (deleteDelay) after their mark, ${name} lets go of them ${text(delay)} after it${lists}`
    problems.push({ path: 'to', must, value: text(to) })
  }
  return problems
}

/**
 * When a run lets go of a marked block: the delay of the filter for it. Without one, when the block is gone. `full`: how long its mark may stay
 * unseen, because runs look at new blocks alone.
 */
function hiding(pipeline: unknown): { readonly delay: number; readonly name: string; readonly full: number } {
  const found = { delay: 0, name: 'nothing', full: 0 }
  // What is wrong with the pipeline itself is told elsewhere.
  for (const [i, stage] of (Array.isArray(pipeline) ? pipeline : []).entries()) {
    const { name, options } = (stage ?? {}) as { readonly name?: unknown; readonly options?: PluginOptions }
    if (name === 'not-deleted') {
      found.delay = durationMs(options?.delay, '24h')
      found.name = `not-deleted (pipeline[${i}], delay)`
    }
    if (name === 'scan-bucket' && options?.listing !== 'delimited') found.full = durationMs(options?.fullEvery, '1h')
  }
  return found
}

interface PluginOptions {
  readonly delay?: Duration
  readonly listing?: string
  readonly fullEvery?: Duration
}

function text(ms: number): string {
  for (const [unit, size] of [
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ] as const) {
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`
  }
  return `${ms}ms`
}
