/**
 * Tracing is configured by OpenTelemetry's own variables:
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/. A number that cannot be read is ignored with a
 * warning, as that page demands. Where or in which form spans go is an error when it cannot be followed: every span would be lost.
 */
import { BlockgateError, ErrorCode } from '../../contracts/errors.ts'
import type { Log } from '../../contracts/host.ts'
import { VERSION } from '../../version.ts'
import type { Sampling } from './sampling.ts'
import { type TracingEnv, type Variable, Variables } from './variables.ts'

export interface TracingSettings {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly encoding: 'protobuf' | 'json'
  readonly gzip: boolean
  /** For each request, in ms. */
  readonly timeoutMs: number
  /** Its attributes. */
  readonly resource: Readonly<Record<string, string>>
  readonly sampling: Sampling
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

/** Four times that of the SDKs: a request costs as much as a hundred spans, and on Workers few are allowed. It has some 400 kB. */
const BATCH_SIZE = 2048

const GENERAL = 'OTEL_EXPORTER_OTLP_'
const TRACES = 'OTEL_EXPORTER_OTLP_TRACES_'

/**
 * The settings, or undefined where nothing is to be exported: no endpoint is given, OTEL_SDK_DISABLED is true or
 * OTEL_TRACES_EXPORTER is none. Unlike the specification there is no default endpoint: nobody exports unasked.
 *
 * @throws BlockgateError `invalid-config` naming every variable that cannot be followed
 */
export function tracingSettings(env: TracingEnv, log: Log): TracingSettings | undefined {
  const variables = new Variables(env, log)
  if (variables.read(false, 'be true or false', flag, 'OTEL_SDK_DISABLED')) return undefined
  const endpoint = variables.get(`${TRACES}ENDPOINT`, `${GENERAL}ENDPOINT`)
  if (!endpoint) {
    const exporter = variables.get('OTEL_TRACES_EXPORTER')
    if (exporter && exporter.value.toLowerCase() !== 'none') {
      log.warn(`${exporter.name} is "${exporter.value}", but nothing is exported: ${GENERAL}ENDPOINT is not set`)
    }
    return undefined
  }
  if (variables.oneOf(['otlp', 'none'], 'OTEL_TRACES_EXPORTER') === 'none') return undefined

  const protocol = variables.oneOf(['http/protobuf', 'http/json'], `${TRACES}PROTOCOL`, `${GENERAL}PROTOCOL`)
  const compression = variables.oneOf(['none', 'gzip'], `${TRACES}COMPRESSION`, `${GENERAL}COMPRESSION`)
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
      'service.version': VERSION,
      ...variables.attributes('OTEL_RESOURCE_ATTRIBUTES'),
      ...(service && { 'service.name': service.value }),
    },
    sampling: samplingOf(variables),
    maxQueueSize,
    batchSize: Math.min(variables.count(BATCH_SIZE, 1, 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE'), maxQueueSize),
    delayMs: variables.count(5000, 0, 'OTEL_BSP_SCHEDULE_DELAY'),
    flushTimeoutMs: variables.count(30_000, 1, 'OTEL_BSP_EXPORT_TIMEOUT'),
  }
  if (variables.problems.length > 0) throw new BlockgateError(ErrorCode.invalidConfig, variables.problems.join('; '))
  return settings
}

function flag(text: string): boolean | undefined {
  const value = text.toLowerCase()
  return value === 'true' || value === 'false' ? value === 'true' : undefined
}

/** A signal's own endpoint is taken as it is; below the general one stands `v1/traces`. */
function endpointUrl({ name, value }: Variable, { problems }: Variables): string {
  const url = URL.parse(value)
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    problems.push(`${name} must be an http or https URL: current value is ${JSON.stringify(value)}`)
    return ''
  }
  if (url.username !== '' || url.password !== '') {
    // fetch() refuses such a URL. The value is not shown: it holds a secret.
    problems.push(`${name} must have no user and no password: give them in ${GENERAL}HEADERS`)
    return ''
  }
  if (name === `${GENERAL}ENDPOINT`) url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/traces`
  return url.href
}

const ROOTS = ['always_on', 'always_off', 'traceidratio'] as const
const SAMPLERS = [...ROOTS, ...ROOTS.map(name => `parentbased_${name}` as const)]

function samplingOf(variables: Variables): Sampling {
  const known = (text: string) => SAMPLERS.find(sampler => sampler === text.toLowerCase())
  const must = `be one of ${SAMPLERS.join(', ')}`
  const name = variables.read('parentbased_always_on', must, known, 'OTEL_TRACES_SAMPLER')
  const number = (text: string) => (Number(text) >= 0 && Number(text) <= 1 ? Number(text) : undefined)
  const ratio = name.endsWith('ratio')
    ? variables.read(1, 'be a number from 0 to 1', number, 'OTEL_TRACES_SAMPLER_ARG')
    : Number(name.endsWith('on'))
  return { ratio, never: name.endsWith('off'), asksParent: name.startsWith('parentbased_') }
}
