/** Loads blocks ahead that this gateway would get if a member went: it is next for them, so they are here when they come. */
import { checkOptions, type Prewarm, type Problem } from 'blockgate'
import * as v from 'valibot'
import { type Budget, budgetOf } from './budget.ts'
import { Warmer } from './warmer.ts'

export interface PrewarmOptions {
  /**
   * Bytes that blocks loaded ahead may take: a number, `'2GiB'`, or a share such as `'10%'` of `diskBudget`; where there is none, of what is
   * free on the disk and what the sink has there. `diskBudget` counts them, and they go first when it is short. Default '10%'.
   */
  readonly budget?: number | string | undefined
  /** Blocks that are loaded ahead at once. Default 2. */
  readonly concurrency?: number | undefined
}

/**
 * What `prewarm` of a config may be. The ownership plugin must know who is next for a block, as `hashRing()` and `redlock()` do, and the sink
 * must be able to keep a block that does not show, as `indexHeaders()` can.
 *
 * @example prewarm({ budget: '10%', concurrency: 2 })
 */
export function prewarm(options: PrewarmOptions = {}): Prewarm {
  const budget: Budget = budgetOf(options?.budget ?? '10%') ?? { share: 0.1 }
  return {
    name: 'prewarm',
    options,
    check: pipeline => [
      ...checkOptions(options, {
        budget: v.optional(
          v.custom(
            value => budgetOf(value) !== undefined,
            "be a number of bytes > 0, '2GiB', or a share such as '10%'",
          ),
        ),
        concurrency: v.optional(
          v.pipe(v.number(), v.integer('be an integer'), v.minValue(1, 'be >= 1'), v.maxValue(64, 'be <= 64')),
        ),
      }),
      ...together(pipeline),
    ],
    create: services => new Warmer({ budget, concurrency: options?.concurrency ?? 2 }, services),
  }
}

/** What the pipeline must be able to do. What is wrong with the pipeline itself is told elsewhere. */
function together(pipeline: unknown): readonly Problem[] {
  if (!Array.isArray(pipeline) || pipeline.length === 0) return []
  const problems: Problem[] = []
  const stages = pipeline.map(stage => Object(stage))
  const plugin = Object(stages.find(({ ownership }) => ownership)?.ownership)
  const sink = stages.at(-1)
  const leftOut = (why: string, value: unknown) => problems.push({ path: '', must: `be left out: ${why}`, value })
  if (typeof plugin.handover?.next !== 'function')
    leftOut('the pipeline has no owned() whose plugin knows who is next for a block', plugin.name)
  if (!sink.warm) leftOut(`the sink ${sink.name} cannot keep a block that does not show`, sink.name)
  return problems
}
