/** Keeps or skips blocks by the YAML of Thanos' `--selector.relabel-config`. */
import { type BlockStage, type Problem, skip } from 'blockgate'
import { type MatchLabelsOptions, matchLabels, type RelabelRule } from 'blockgate/plugins/filter/match-labels'
import { type Env, isEmpty, isRecord, readYaml, type YamlValue } from './yaml.ts'

export { type Env, isEmpty, isRecord, readYaml, type YamlResult, type YamlValue } from './yaml.ts'

export interface ThanosRelabelOptions {
  /** The text that Thanos is given as `--selector.relabel-config`, or in its file: a list of rules. Required; without a rule every block goes on. */
  readonly yaml: string | undefined
  /** Where `$(NAME)` in the YAML comes from, as in Thanos' files. Default: such a name is a problem of the config. */
  readonly env?: Env | undefined
}

/** Of a rule in YAML to the option of `matchLabels` that it is. */
const NAMES: Readonly<Record<string, keyof RelabelRule>> = {
  action: 'action',
  source_labels: 'sourceLabels',
  separator: 'separator',
  regex: 'regex',
  modulus: 'modulus',
  target_label: 'targetLabel',
}

/**
 * Skips blocks that the rules drop, as `label-excluded`: `matchLabels` for those who have the rules as YAML. The actions are those
 * that Thanos takes there: `keep`, `drop` and `hashmod`.
 *
 * @example thanosRelabel({ yaml: readFileSync('relabel.yaml', 'utf8') })
 */
export function thanosRelabel(options: ThanosRelabelOptions): BlockStage {
  const { rules, problems } = rulesOf(options)
  const stage = matchLabels({ relabel: rules })
  return {
    kind: 'block',
    name: 'thanos-relabel',
    options: { relabel: rules },
    check: () => [...problems, ...(problems.length > 0 ? [] : (stage.check?.() ?? []).map(inYaml))],
    handle: async (block, next) =>
      problems.length > 0
        ? skip('label-excluded', { until: Number.POSITIVE_INFINITY })
        : await stage.handle(block, next),
  }
}

interface Read {
  readonly rules: NonNullable<MatchLabelsOptions['relabel']>
  readonly problems: readonly Problem[]
}

function rulesOf(options: ThanosRelabelOptions): Read {
  const { yaml, env } = options ?? {}
  const read = readYaml(yaml, env)
  const problem = (path: string, must: string, value?: unknown) => ({ rules: [], problems: [{ path, must, value }] })
  if ('must' in read) return problem('yaml', read.must, typeof yaml === 'string' ? undefined : yaml)
  if (isEmpty(read.value)) return { rules: [], problems: [] }
  if (!Array.isArray(read.value)) return problem('yaml', 'be a list of relabel rules', read.value)
  const each = (read.value as readonly YamlValue[]).map((rule, i) => ruleOf(rule, `yaml[${i}]`))
  return { rules: each.map(({ rule }) => rule), problems: each.flatMap(({ problems }) => problems) }
}

function ruleOf(given: YamlValue, path: string): { readonly rule: RelabelRule; readonly problems: readonly Problem[] } {
  if (!isRecord(given)) {
    return { rule: { action: 'keep' }, problems: [{ path, must: 'be a relabel rule', value: given }] }
  }
  const rule: Record<string, unknown> = {}
  const problems: Problem[] = []
  for (const [name, value] of Object.entries(given)) {
    const option = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined
    if (option === undefined) {
      const known = Object.keys(NAMES)
      problems.push({ path: `${path}.${name}`, must: `be one of the known fields: ${known.join(', ')}`, value, known })
    } else if (value !== null) rule[option] = readValue(option, value)
  }
  return { rule: rule as unknown as RelabelRule, problems }
}

/** Prometheus takes actions in any case, and numbers are texts here. What is wrong is told by `matchLabels`. */
function readValue(option: keyof RelabelRule, value: YamlValue): unknown {
  if (option === 'action' && typeof value === 'string') return value.toLowerCase()
  if (option === 'modulus' && typeof value === 'string' && /^\d+$/.test(value)) return Number(value)
  return value
}

/** `relabel[0].sourceLabels` is `yaml[0].source_labels` there. */
function inYaml(problem: Problem): Problem {
  const path = problem.path.replace(/^relabel/, 'yaml').replace(/\.(\w+)/, (_, option: string) => {
    return `.${Object.keys(NAMES).find(name => NAMES[name] === option) ?? option}`
  })
  return { ...problem, path }
}
