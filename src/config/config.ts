/** What a config file says, and what is wrong with it: all problems at once, each with its place. */
import * as v from 'valibot'
import { bytesOf, bytesOption, checkOptions, durationOption } from '../contracts/check.ts'
import { type Duration, durationMs } from '../contracts/duration.ts'
import { BlockgateError, ErrorCode, rawMessageOf } from '../contracts/errors.ts'
import type { Bucket, Component, Instance, Problem } from '../contracts/host.ts'
import type { Interval } from '../contracts/interval.ts'
import type { Plan } from '../contracts/plan.ts'
import type { Prewarm } from '../contracts/prewarm.ts'
import { show } from '../contracts/shown-options.ts'
import type { Pipeline } from '../contracts/stage.ts'
import { ownershipOf } from '../pipeline/owned.ts'
import { planPipeline } from '../pipeline/plan.ts'
import { atLeast, checkComponent, wholeNumber } from './checks.ts'
import { LISTEN_MUST, type ListenAddress, parseListenAddress } from './listen-address.ts'
import type { ServeConfig } from './serve.ts'
import type { TracesConfig } from './traces.ts'

export interface Config {
  /** A source first, a sink last; block stages and set stages between them, and at most one `owned()` after the last set stage. Required. */
  readonly pipeline: Pipeline
  /** Where the blocks are, such as `s3({ … })`. Required where a stage reads from it, as scanBucket() does. */
  readonly bucket?: Bucket | undefined
  /** This gateway's name and zone. Default: `{ id: 'blockgate' }`. */
  readonly instance?: { readonly id?: string | undefined; readonly zone?: string | undefined } | undefined
  /** How often a run begins: a duration, or an interval that adapts, such as `adaptive({ … })`. Default '3m'. */
  readonly every?: Duration | Interval | undefined
  /**
   * Loads blocks ahead that are about to come here, such as `prewarm({ … })`, where the ownership plugin knows who is next for a block, and
   * the sink can keep it. Default: nothing.
   */
  readonly prewarm?: Prewarm | undefined
  /** How many blocks are on their way through the stages at once. Default 32. */
  readonly concurrency?: number | undefined
  /** How long one block may take through all its stages. Default '10m'. */
  readonly blockTimeout?: Duration | undefined
  /**
   * How long one answer of a plugin may take: a page of the source, `select()` of a set stage, a release, a drop. A run that
   * waits longer fails, and names the plugin. Default '5m'.
   */
  readonly stageTimeout?: Duration | undefined
  /** How long each part may take to start. Default '10m'. */
  readonly startTimeout?: Duration | undefined
  /** How long adds in flight may take at stop. A part that hangs is waited for 12 s longer at most. Default '30s'. */
  readonly stopGrace?: Duration | undefined
  /** Root of services.files and services.state on Node and Deno. Only one process may use it: `run` and `sync` lock it. Default './data'. */
  readonly dir?: string | undefined
  /**
   * What the loaded blocks may take, as the sink counts them: bytes, or '512MiB', '40GiB', '2TiB'. Loads in flight count, too.
   * A block that does not fit is not added, and waits without a request. No block is dropped to make room unless somebody else
   * serves it. Default: no limit.
   */
  readonly diskBudget?: number | string | undefined
  /** Where the HTTP server listens: 'host:port', ':port', '[::1]:port', or false for no server. Default '127.0.0.1:10902'. */
  readonly http?: string | false | undefined
  /**
   * Bearer token of the routes that change something; take it from the environment, and write it in no file. Without a token
   * these routes are allowed from this machine only.
   */
  readonly token?: string | undefined
  /** Bearer token without which nothing is answered but `/-/healthy` and `/-/ready`; `token` counts, too. Default: everybody may read. */
  readonly readToken?: string | undefined
  /** How queries are answered, and what they may take: see below. */
  readonly serve?: ServeConfig | undefined
  /** Where traces are looked at: see below. Where they are sent is said by the `OTEL_*` variables. */
  readonly traces?: TracesConfig | undefined
}

export type ConfigInput<E> = Config | ((host: { readonly env: E }) => Config | Promise<Config>)

/** Types a config; gives it back as it is. @example export default defineConfig(({ env }) => ({ pipeline: [ … ] })) */
export function defineConfig<E = Readonly<Record<string, string | undefined>>>(config: ConfigInput<E>): ConfigInput<E> {
  return config
}

/** A config that was checked, with its defaults. */
export interface ResolvedConfig {
  readonly plan: Plan
  readonly bucket: Bucket | undefined
  readonly instance: Instance
  /** The interval; of one that adapts the longest. */
  readonly everyMs: number
  /** Undefined: it is fixed. */
  readonly interval: Interval | undefined
  readonly prewarm: Prewarm | undefined
  readonly concurrency: number
  readonly blockTimeoutMs: number
  readonly stageTimeoutMs: number
  readonly startTimeoutMs: number
  readonly stopGraceMs: number
  /** Bytes; Infinity: no limit. */
  readonly diskBudget: number
  readonly dir: string
  /** Undefined: off. */
  readonly http: ListenAddress | undefined
  readonly token: string | undefined
  readonly readToken: string | undefined
  /** Checked; resolveServe() gives the defaults, where queries are answered. */
  readonly serve: ServeConfig | undefined
  /** Checked. */
  readonly traces: TracesConfig | undefined
}

/** Thrown by resolveConfig: `problems` has all of them, the message a line for each. */
export class ConfigError extends BlockgateError {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(ErrorCode.invalidConfig, problems.map(describeProblem).join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

const TOKEN = v.optional(v.pipe(v.string(), v.regex(/^[\x21-\x7e]{8,512}$/, 'be 8 to 512 visible ASCII characters')))
const ENTRIES = {
  pipeline: v.array(v.unknown(), 'be a list of stages'),
  bucket: v.optional(v.custom<Bucket>(isBucket, 'be a bucket such as s3({ … }) or fs({ … })')),
  instance: v.optional(
    v.strictObject({
      id: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9._:-]{1,128}$/, 'be 1 to 128 of A-Z a-z 0-9 . _ : -'))),
      zone: v.optional(v.string()),
    }),
  ),
  every: atLeast(100),
  prewarm: v.optional(v.custom<Prewarm>(isMaker, 'be such as prewarm({ … })')),
  concurrency: wholeNumber(1, 10_000),
  blockTimeout: atLeast(1),
  stageTimeout: atLeast(1),
  startTimeout: atLeast(1),
  stopGrace: v.optional(durationOption),
  diskBudget: bytesOption,
  dir: v.optional(v.pipe(v.string(), v.minLength(1, 'not be empty'))),
  http: v.optional(v.custom(value => value === false || listenAddress(value) !== undefined, LISTEN_MUST)),
  token: TOKEN,
  readToken: TOKEN,
  serve: v.optional(v.unknown()),
  traces: v.optional(v.unknown()),
} satisfies v.ObjectEntries

export interface ConfigHost<E> {
  /** What a config that is a function is given. */
  readonly env: E
  /** Says in a problem what was probably meant. Default: nobody does; the command line knows the names of Thanos. */
  readonly hinted?: ((problem: Problem) => readonly Problem[]) | undefined
}

/**
 * Calls a config function, checks everything and cuts the pipeline. Nothing is started.
 * @throws ConfigError with all problems; whatever a config function threw, as `invalid-config`
 */
export async function resolveConfig<E>(input: ConfigInput<E>, host: ConfigHost<E>): Promise<ResolvedConfig> {
  const config = await load(input, host)
  const interval = isMaker(config.every) ? config.every : undefined
  const problems = [...checkOptions(config, interval ? { ...ENTRIES, every: v.unknown() } : ENTRIES)]
  for (const key of ['every', 'prewarm'] as const) {
    const made = config[key]
    if (isMaker(made)) problems.push(...checkComponent(made, key, config.pipeline))
  }
  // A gateway without the section, such as a Worker, does not load its checks.
  if (config.serve !== undefined) problems.push(...(await import('./serve.ts')).checkServe(config.serve))
  if (config.traces !== undefined) problems.push(...(await import('./traces.ts')).checkTraces(config.traces))
  if (Array.isArray(config.pipeline)) problems.push(...checkPipeline(config.pipeline), ...checkNeeds(config))
  if (config.bucket !== undefined && isBucket(config.bucket)) problems.push(...checkComponent(config.bucket, 'bucket'))
  if (problems.length > 0) throw new ConfigError(host.hinted ? problems.flatMap(host.hinted) : problems)
  return {
    plan: planPipeline(config.pipeline),
    bucket: config.bucket,
    instance: { id: config.instance?.id ?? 'blockgate', zone: config.instance?.zone },
    everyMs: interval?.longestMs ?? durationMs(config.every as Duration, '3m'),
    interval,
    prewarm: config.prewarm,
    concurrency: config.concurrency ?? 32,
    blockTimeoutMs: durationMs(config.blockTimeout, '10m'),
    stageTimeoutMs: durationMs(config.stageTimeout, '5m'),
    startTimeoutMs: durationMs(config.startTimeout, '10m'),
    stopGraceMs: durationMs(config.stopGrace, '30s'),
    diskBudget: bytesOf(config.diskBudget) ?? Number.POSITIVE_INFINITY,
    dir: config.dir ?? './data',
    http: config.http === false ? undefined : listenAddress(config.http ?? '127.0.0.1:10902'),
    token: config.token,
    readToken: config.readToken,
    serve: config.serve,
    traces: config.traces,
  }
}

/** `pipeline[6].replicas: must be >= 1: current value is 0` */
export function describeProblem({ path, must, value }: Problem): string {
  return `${path === '' ? 'config' : path}: must ${must}: current value is ${show(value, path)}`
}

async function load<E>(input: ConfigInput<E>, host: { readonly env: E }): Promise<Config> {
  let config: unknown
  try {
    config = typeof input === 'function' ? await input(host) : input
  } catch (error) {
    throw new BlockgateError(ErrorCode.invalidConfig, `the config threw: ${rawMessageOf(error)}`, { cause: error })
  }
  if (typeof config === 'object' && config !== null && !Array.isArray(config)) return config as Config
  throw new ConfigError([{ path: '', must: 'be an object', value: config }])
}

type Slot = Component & Readonly<Record<string, unknown>>

function checkPipeline(pipeline: readonly unknown[]): Problem[] {
  const problems: Problem[] = []
  const report = (path: string, must: string, value: unknown) => problems.push({ path, must, value })
  const owners = [...pipeline.keys()].filter(i => isStage(pipeline[i]) && ownershipOf(pipeline[i]))
  const lastSet = pipeline.findLastIndex(stage => isStage(stage) && stage.kind === 'set')
  for (const [i, stage] of pipeline.entries()) {
    const path = `pipeline[${i}]`
    if (!isStage(stage)) {
      report(path, 'be a stage: an object with a kind and a name', stage)
      continue
    }
    if (pipeline.indexOf(stage) < i) {
      report(path, 'be a stage of its own: this object stands in the list twice', stage.name)
    }
    const expected = i === 0 ? ['source'] : i === pipeline.length - 1 ? ['sink'] : ['block', 'set']
    if (expected.includes(String(stage.kind))) problems.push(...checkShape(stage, path))
    else report(path, `be a ${expected.join(' or ')} stage`, stage.kind)
    if (owners.indexOf(i) > 0) report(path, `be the only owned(): another stands at pipeline[${owners[0]}]`, stage.name)
    problems.push(...checkComponent(stage, path))
  }
  if (pipeline.length < 2) report('pipeline', 'have a source first and a sink last', `${pipeline.length} stages`)
  const owner = owners.at(-1) ?? lastSet
  if (owner < lastSet) report(`pipeline[${owner}]`, `stand after the last set stage, pipeline[${lastSet}]`, 'owned')
  return problems
}

function isMaker(value: unknown): value is Interval & Prewarm {
  return typeof value === 'object' && value !== null && 'create' in value
}

/** A stage that reads from the bucket would only fail, run after run. */
function checkNeeds({ bucket, pipeline }: Config): Problem[] {
  const readers = pipeline.flatMap(stage =>
    isStage(stage) && [stage.needs].flat().includes('bucket') ? [`"${stage.name}"`] : [],
  )
  if (bucket !== undefined || readers.length === 0) return []
  return [{ path: 'bucket', must: `be given: ${readers.join(' and ')} cannot work without one`, value: undefined }]
}

const METHODS: Readonly<Record<string, readonly string[]>> = {
  source: ['pages'],
  block: ['handle'],
  set: ['select'],
  sink: ['loaded', 'prepare', 'drop'],
}

function checkShape(stage: Slot, path: string): Problem[] {
  const problems = (METHODS[String(stage.kind)] ?? [])
    .filter(method => typeof stage[method] !== 'function')
    .map(method => ({ path: `${path}.${method}`, must: 'be a function', value: stage[method] }))
  if (!/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(stage.name)) {
    problems.push({ path: `${path}.name`, must: 'be kebab-case', value: stage.name })
  }
  return problems
}

function isStage(value: unknown): value is Slot {
  return (
    typeof value === 'object' && value !== null && 'kind' in value && 'name' in value && typeof value.name === 'string'
  )
}

function isBucket(value: unknown): boolean {
  return typeof value === 'object' && value !== null && ['list', 'get', 'put', 'delete'].every(m => m in value)
}

function listenAddress(value: unknown): ListenAddress | undefined {
  return typeof value === 'string' ? parseListenAddress(value) : undefined
}
