/** The fields of Thanos' S3 configuration as options of `s3()`. Source: `providers/s3` and `exthttp` of github.com/thanos-io/objstore. */
import { type Problem, parseDuration } from 'blockgate'
import { type S3Options, s3 } from 'blockgate/plugins/bucket/s3'
import { isEmpty, isRecord, type YamlValue } from 'blockgate/plugins/filter/thanos-relabel'

/** Of a value that is not empty, what completes "must …". */
type Field = (value: string) => string | undefined

const TRUE = /^(true|yes|on|y)$/i
const FALSE = /^(false|no|off|n)$/i

const text: Field = () => undefined
const flag: Field = value => (TRUE.test(value) || FALSE.test(value) ? undefined : 'be true or false')
const time: Field = value => (parseDuration(value) === undefined ? "be a time such as '2m'" : undefined)
const count: Field = value => (/^\d{1,6}$/.test(value) ? undefined : 'be a whole number')
const off = (why: string): Field => {
  return value => (TRUE.test(value) ? `be false: ${why}` : flag(value))
}
const refused = (why: string): Field => {
  return () => `be left out: ${why}`
}
const oneOf = (...words: readonly string[]): Field => {
  return value => (words.includes(value) ? undefined : `be ${words.join(' or ')}`)
}
/** Of uploads, of connections as Go keeps them, or of what the gateway does by itself. */
const noEffect: Field = () => undefined

const CERTIFICATES = 'certificates are always verified, by those of option ca where it is given'
const KEYS = 'objects under a key of your own (SSE-C) cannot be read'

const FIELDS: Readonly<Record<string, Field>> = {
  bucket: text,
  endpoint: value => {
    if (/^[^/?#@\s]+$/.test(value)) return undefined
    return "be a host, as Thanos has it: 's3.eu-west-1.amazonaws.com', 'minio:9000'"
  },
  region: text,
  insecure: flag,
  access_key: text,
  secret_key: text,
  session_token: text,
  aws_sdk_auth: flag,
  bucket_lookup_type: oneOf('auto', 'virtual-hosted', 'path'),
  list_objects_version: oneOf('v1', 'v2'),
  signature_version2: off('requests are signed with version 4'),
  // The endpoint is asked as it is written.
  disable_dualstack: noEffect,
  max_retries: noEffect,
  send_content_md5: noEffect,
  disable_multipart: noEffect,
  part_size: noEffect,
  sts_endpoint: refused('AWS_ENDPOINT_URL_STS in the environment says it'),
  'trace.enable': off('traces of each request go where OTEL_EXPORTER_OTLP_ENDPOINT says'),
  'sse_config.type': value => (/^SSE-(S3|KMS)$/.test(value) ? undefined : `be SSE-S3 or SSE-KMS: ${KEYS}`),
  'sse_config.kms_key_id': noEffect,
  'sse_config.encryption_key': refused(KEYS),
  'http_config.response_header_timeout': time,
  'http_config.max_conns_per_host': count,
  'http_config.idle_conn_timeout': noEffect,
  'http_config.tls_handshake_timeout': noEffect,
  'http_config.expect_continue_timeout': noEffect,
  'http_config.max_idle_conns': noEffect,
  'http_config.max_idle_conns_per_host': noEffect,
  'http_config.disable_compression': noEffect,
  'http_config.insecure_skip_verify': off(CERTIFICATES),
  'http_config.tls_config.ca_file': text,
  'http_config.tls_config.cert_file': refused('there are no certificates of clients'),
  'http_config.tls_config.key_file': refused('there are no certificates of clients'),
  'http_config.tls_config.server_name': refused('the certificate must be of the host in endpoint'),
  'http_config.tls_config.insecure_skip_verify': off(CERTIFICATES),
}
/** Records of any names, of uploads alone. */
const ANY_RECORD = ['put_user_metadata', 'sse_config.kms_encryption_context']

const TIMEOUT = 'http_config.response_header_timeout'
const CONNECTIONS = 'http_config.max_conns_per_host'
const CA_FILE = 'http_config.tls_config.ca_file'

/** Where an option of `s3()` stands in the YAML. */
const PLACES: Readonly<Record<string, string>> = {
  bucket: 'yaml.config.bucket',
  endpoint: 'yaml.config.endpoint',
  prefix: 'yaml.prefix',
  requestTimeout: `yaml.config.${TIMEOUT}`,
  concurrency: `yaml.config.${CONNECTIONS}`,
}

export interface S3Found {
  readonly options: S3Options
  readonly problems: readonly Problem[]
}

/** @param ca what the file of `ca_file` holds */
export function s3Of(
  config: { readonly [name: string]: YamlValue },
  prefix: string | undefined,
  ca: string | undefined,
): S3Found {
  const given = new Map<string, string>()
  const wrong = [...readFields(config, '', given)]
  // What is wrong by itself is told once.
  const problems = wrong.length > 0 ? wrong : [...together(given, ca)]
  const options = optionsOf(given, prefix, ca)
  if (problems.length > 0) return { options, problems }
  const last = s3(options).check?.() ?? []
  return { options, problems: last.map(problem => ({ ...problem, path: PLACES[problem.path] ?? problem.path })) }
}

function optionsOf(given: ReadonlyMap<string, string>, prefix: string | undefined, ca: string | undefined): S3Options {
  const [endpoint = '', accessKey, timeout] = ['endpoint', 'access_key', TIMEOUT].map(name => given.get(name))
  const [lookup, region] = ['bucket_lookup_type', 'region'].map(name => given.get(name))
  const isPlain = TRUE.test(given.get('insecure') ?? '')
  const connections = Number(given.get(CONNECTIONS) ?? 0)
  return {
    bucket: given.get('bucket'),
    prefix,
    endpoint: `${isPlain ? 'http' : 'https'}://${endpoint}`,
    region: region ?? regionOf(endpoint),
    pathStyle: lookup === 'path' || (lookup !== 'virtual-hosted' && !isInHost(endpoint, given.get('bucket'), isPlain)),
    ...(accessKey !== undefined && {
      credentials: {
        accessKeyId: accessKey,
        secretAccessKey: given.get('secret_key'),
        sessionToken: given.get('session_token'),
      },
    }),
    ca,
    // 0 stands for no limit there.
    ...(timeout !== undefined && parseDuration(timeout) !== 0 && { requestTimeout: timeout }),
    ...(connections > 0 && { concurrency: connections }),
    ...(given.get('list_objects_version') === 'v1' && { listVersion: 1 }),
  }
}

/** Puts what is good into `given`, by its path. */
function* readFields(
  record: { readonly [name: string]: YamlValue },
  place: string,
  given: Map<string, string>,
): Generator<Problem> {
  for (const [name, value] of Object.entries(record)) {
    const path = `${place}${name}`
    if (isEmpty(value) || ANY_RECORD.includes(path)) continue
    const field = Object.hasOwn(FIELDS, path) ? FIELDS[path] : undefined
    if (isRecord(value) && Object.keys(FIELDS).some(each => each.startsWith(`${path}.`))) {
      yield* readFields(value, `${path}.`, given)
    } else if (!field || typeof value !== 'string') {
      const must = field ? 'be one value' : "be left out: Thanos' S3 has no such field"
      yield { path: `yaml.config.${path}`, must, value }
    } else {
      const must = field(value)
      if (must === undefined) given.set(path, value)
      else yield { path: `yaml.config.${path}`, must, value }
    }
  }
}

/** What Thanos demands of several fields together. */
function* together(given: ReadonlyMap<string, string>, ca: string | undefined): Generator<Problem> {
  const problem = (field: string, must: string, value?: unknown) => ({ path: `yaml.config.${field}`, must, value })
  const has = (field: string) => given.has(field)
  if (!has('endpoint')) yield problem('endpoint', 'be given: Thanos demands it, too')
  if (TRUE.test(given.get('aws_sdk_auth') ?? '') && has('access_key'))
    yield problem('aws_sdk_auth', 'be false where access_key is given', true)
  if (has('access_key') && !has('secret_key')) yield problem('secret_key', 'be given where access_key is')
  if (!has('access_key') && has('secret_key')) yield problem('access_key', 'be given where secret_key is')
  if (has(CA_FILE) && ca === undefined)
    yield problem(CA_FILE, 'come with option ca, the text of that file: it is not read here', given.get(CA_FILE))
}

/** Whether the bucket is in the host's name, as minio's client, which Thanos uses, decides where nothing is said. */
function isInHost(endpoint: string, bucket = '', isPlain = false): boolean {
  // No certificate is of two labels before the host.
  if (bucket.includes('.') && !isPlain) return false
  const host = endpoint.replace(/:\d+$/, '')
  return /(^|\.)amazonaws\.com(\.cn)?$|(^|\.)aliyuncs\.com$|^storage\.googleapis\.com$/.test(host)
}

/** That client finds it in the name of an endpoint of AWS. */
function regionOf(endpoint: string): string | undefined {
  return /^s3[.-](?:fips[.-])?(?:dualstack\.)?([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?$/.exec(endpoint)?.[1]
}
