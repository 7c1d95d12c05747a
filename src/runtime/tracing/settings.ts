/**
 * Tracing is configured by OpenTelemetry's own variables, so that what a platform injects into each of its programs
 * works here unchanged: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 *
 * A value that says how much or how often, and that cannot be read, is ignored with a warning, as that page demands.
 * One that says where or in which form spans go is an error when it cannot be followed: to ignore it loses every span.
 */
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace'
import { BlockgateError, ErrorCode } from '../../contracts/errors.ts'
import type { Log } from '../../contracts/host.ts'
import { type TracingEnv, type Variable, Variables } from './variables.ts'

export interface TracingSettings {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly encoding: 'protobuf' | 'json'
  readonly gzip: boolean
  /** For each request, in ms. */
  readonly timeoutMs: number
  /** Attributes of the resource, `service.name` among them. */
  readonly resource: Readonly<Record<string, string>>
  readonly sampler: Sampler
  /** Spans that may wait for their turn; one more is dropped and counted. */
  readonly maxQueueSize: number
  readonly batchSize: number
  /** The longest that a span waits before its batch is sent, in ms. */
  readonly delayMs: number
  /** The longest that a flush waits, in ms. */
  readonly flushTimeoutMs: number
}

/** Holds 5,000 blocks of 8 spans, with room, while the collector is away. */
const MAX_QUEUE_SIZE = 50_000

const GENERAL = 'OTEL_EXPORTER_OTLP_'
const TRACES = 'OTEL_EXPORTER_OTLP_TRACES_'

type MakeSampler = (ratio: () => number) => Sampler

const SAMPLERS: ReadonlyMap<string, MakeSampler> = new Map<string, MakeSampler>([
  ['always_on', () => new AlwaysOnSampler()],
  ['always_off', () => new AlwaysOffSampler()],
  ['traceidratio', ratio => new TraceIdRatioBasedSampler(ratio())],
  ['parentbased_always_on', () => new ParentBasedSampler({ root: new AlwaysOnSampler() })],
  ['parentbased_always_off', () => new ParentBasedSampler({ root: new AlwaysOffSampler() })],
  ['parentbased_traceidratio', ratio => new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio()) })],
])

/**
 * The settings, or undefined where nothing is to be exported: no endpoint is given, OTEL_SDK_DISABLED is true or
 * OTEL_TRACES_EXPORTER is none. Unlike the specification there is no default endpoint: nobody exports unasked.
 *
 * @throws BlockgateError `invalid-config` naming every variable that cannot be followed
 */
export function tracingSettings(env: TracingEnv, log: Log): TracingSettings | undefined {
  const variables = new Variables(env, log)
  if (variables.flag('OTEL_SDK_DISABLED')) return undefined
  const exporter = variables.get('OTEL_TRACES_EXPORTER')
  const endpoint = variables.get(`${TRACES}ENDPOINT`, `${GENERAL}ENDPOINT`)
  if (!endpoint) {
    if (exporter && exporter.value.toLowerCase() !== 'none') {
      log.warn(`${exporter.name} is "${exporter.value}", but nothing is exported: ${GENERAL}ENDPOINT is not set`)
    }
    return undefined
  }
  if (variables.oneOf('otlp', ['otlp', 'none'], 'OTEL_TRACES_EXPORTER') === 'none') return undefined

  const protocols = ['http/protobuf', 'http/json'] as const
  const protocol = variables.oneOf('http/protobuf', protocols, `${TRACES}PROTOCOL`, `${GENERAL}PROTOCOL`)
  const compressions = ['none', 'gzip'] as const
  const compression = variables.oneOf('none', compressions, `${TRACES}COMPRESSION`, `${GENERAL}COMPRESSION`)
  const service = variables.get('OTEL_SERVICE_NAME')
  const maxQueueSize = variables.count(MAX_QUEUE_SIZE, 1, 'OTEL_BSP_MAX_QUEUE_SIZE')
  const settings: TracingSettings = {
    url: endpointUrl(endpoint, variables),
    headers: { ...variables.headers(`${GENERAL}HEADERS`), ...variables.headers(`${TRACES}HEADERS`) },
    encoding: protocol === 'http/json' ? 'json' : 'protobuf',
    gzip: compression === 'gzip',
    timeoutMs: variables.count(10_000, 1, `${TRACES}TIMEOUT`, `${GENERAL}TIMEOUT`),
    resource: {
      'service.name': 'blockgate',
      ...variables.attributes('OTEL_RESOURCE_ATTRIBUTES'),
      ...(service ? { 'service.name': service.value } : {}),
    },
    sampler: samplerOf(variables),
    maxQueueSize,
    batchSize: Math.min(variables.count(512, 1, 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE'), maxQueueSize),
    delayMs: variables.count(5000, 0, 'OTEL_BSP_SCHEDULE_DELAY'),
    flushTimeoutMs: variables.count(30_000, 1, 'OTEL_BSP_EXPORT_TIMEOUT'),
  }
  if (variables.problems.length > 0) throw new BlockgateError(ErrorCode.invalidConfig, variables.problems.join('; '))
  return settings
}

/** A signal's own endpoint is taken as it is; below the general one stands `v1/traces`. */
function endpointUrl(endpoint: Variable, variables: Variables): string {
  const url = URL.canParse(endpoint.value) ? new URL(endpoint.value) : undefined
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    variables.problems.push(
      `${endpoint.name} must be an http or https URL: current value is ${JSON.stringify(endpoint.value)}`,
    )
    return ''
  }
  if (url.username !== '' || url.password !== '') {
    // fetch() refuses such a URL. The value is not shown: it holds a secret.
    variables.problems.push(`${endpoint.name} must have no user and no password: give them in ${GENERAL}HEADERS`)
    return ''
  }
  if (endpoint.name === `${GENERAL}ENDPOINT`) url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/traces`
  return url.href
}

function samplerOf(variables: Variables): Sampler {
  const ratio = (): number => {
    const argument = variables.get('OTEL_TRACES_SAMPLER_ARG')
    if (!argument) return 1
    const value = Number(argument.value)
    if (value >= 0 && value <= 1) return value
    variables.ignore(argument, 'be a number from 0 to 1', '1')
    return 1
  }
  const name = variables.get('OTEL_TRACES_SAMPLER')
  const make = SAMPLERS.get(name?.value.toLowerCase() ?? 'parentbased_always_on')
  if (make) return make(ratio)
  if (name) variables.ignore(name, `be one of ${[...SAMPLERS.keys()].join(', ')}`, 'parentbased_always_on')
  return new ParentBasedSampler({ root: new AlwaysOnSampler() })
}
