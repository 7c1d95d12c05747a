/** Keeps or skips blocks by their external labels, with Prometheus' relabel rules. */
import { type BlockMeta, type BlockStage, checkOptions, type Problem, rawMessageOf, skip } from 'blockgate'
import { hashmod } from 'blockgate/plugins/ownership/static-shard'
import { RE2JS } from 're2js'
import * as v from 'valibot'

/** One rule of Thanos' `--selector.relabel-config`, in camelCase. */
export interface RelabelRule {
  /** `keep` and `drop` decide by `regex`; `hashmod` writes a label for later rules. Nothing else is supported. */
  readonly action: 'keep' | 'drop' | 'hashmod'
  /** External labels, `__block_id`, or what `hashmod` wrote; a missing label is empty. Default []. */
  readonly sourceLabels?: readonly string[] | undefined
  /** Between the values of `sourceLabels`. Default ';'. */
  readonly separator?: string | undefined
  /** An RE2 expression that the whole joined value must match, `.` also newlines. Default '(.*)'. */
  readonly regex?: string | undefined
  /** `hashmod` only, and needed there: an integer, 1 to 2^53. */
  readonly modulus?: number | undefined
  /** `hashmod` only, and needed there. */
  readonly targetLabel?: string | undefined
}

export interface MatchLabelsOptions {
  /** Applied in order; the first that drops decides. Default []: every block goes on. */
  readonly relabel?: readonly RelabelRule[] | undefined
}

/**
 * Skips blocks that the rules drop, as `label-excluded`.
 *
 * @example matchLabels({ relabel: [{ action: 'keep', sourceLabels: ['cluster'], regex: 'eu-.*' }] })
 */
export function matchLabels(options: MatchLabelsOptions = {}): BlockStage {
  let steps: readonly Step[] | undefined
  return {
    kind: 'block',
    name: 'match-labels',
    options,
    check: () => checkRules(options),
    async handle(block, next) {
      // Compiled at the first block: a factory must not throw, and check() has passed by then.
      steps ??= (options.relabel ?? []).map(compile)
      return keeps(steps, block.meta) ? next() : skip('label-excluded', { until: Number.POSITIVE_INFINITY })
    },
  }
}

/** False drops the block; a hashmod writes into `written`. */
type Step = (label: (name: string) => string, written: Map<string, string>) => boolean

function keeps(steps: readonly Step[], meta: BlockMeta): boolean {
  const written = new Map<string, string>([['__block_id', meta.ulid]])
  const label = (name: string): string =>
    written.get(name) ?? (Object.hasOwn(meta.labels, name) ? (meta.labels[name] ?? '') : '')
  return steps.every(step => step(label, written))
}

function compile(rule: RelabelRule): Step {
  const { action, sourceLabels = [], separator = ';', regex = '(.*)', modulus = 1, targetLabel = '' } = rule
  const value = (label: (name: string) => string): string => sourceLabels.map(label).join(separator)
  if (action === 'hashmod') {
    return (label, written) => {
      written.set(targetLabel, String(hashmod(value(label), modulus)))
      return true
    }
  }
  // Not JavaScript's own engine: the values come out of a bucket, and one of them could hold the gateway up for hours.
  const expression = RE2JS.compile(regex, RE2JS.DOTALL)
  return label => expression.testExact(value(label)) === (action === 'keep')
}

const text = v.string('be a string')

const ruleSchema = v.strictObject({
  // Prometheus' default action is replace: left out means replace, which is unsupported like every other.
  action: v.optional(
    v.picklist(['keep', 'drop', 'hashmod'], 'be keep, drop or hashmod, other relabel actions are unsupported'),
    'replace' as 'keep',
  ),
  sourceLabels: v.optional(v.array(text)),
  separator: v.optional(text),
  regex: v.optional(
    v.pipe(
      text,
      v.check(
        regex => mistakeIn(regex) === undefined,
        ({ input }) => `be an RE2 expression (${mistakeIn(input)})`,
      ),
    ),
  ),
  modulus: v.optional(
    v.pipe(v.number(), v.integer('be an integer'), v.minValue(1, 'be >= 1'), v.maxValue(2 ** 53, 'be <= 2^53')),
  ),
  targetLabel: v.optional(v.pipe(text, v.nonEmpty('not be empty'))),
})

function mistakeIn(regex: string): string | undefined {
  try {
    // Without flags, so that the message quotes the expression as it was given.
    RE2JS.compile(regex)
    return undefined
  } catch (error) {
    return rawMessageOf(error)
  }
}

function checkRules(options: MatchLabelsOptions): readonly Problem[] {
  const problems = checkOptions(options, { relabel: v.optional(v.array(ruleSchema, 'be a list of relabel rules')) })
  const rules: readonly RelabelRule[] = Array.isArray(options?.relabel) ? options.relabel : []
  const missing = rules.flatMap((rule, i) =>
    (['modulus', 'targetLabel'] as const)
      .filter(field => rule?.action === 'hashmod' && rule[field] === undefined)
      .map(field => ({ path: `relabel[${i}].${field}`, must: 'be given for hashmod', value: undefined })),
  )
  return [...problems, ...missing]
}
