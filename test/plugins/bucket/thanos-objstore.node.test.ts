// The YAML of Thanos' --objstore.config: what each field becomes, and which are refused; no secret is shown.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { resolveConfig } from 'blockgate'
import { s3 } from 'blockgate/plugins/bucket/s3'
import { type ThanosObjstoreOptions, thanosObjstore } from 'blockgate/plugins/bucket/thanos-objstore'
import { memory } from 'blockgate/plugins/sink/memory'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { fakeHost } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { tempFolders } from '../../support/temp-folders.ts'
import { problemsOf } from '../filter/verdict.ts'

const folder = tempFolders()
const REQUIRED = 'bucket: metrics\n  endpoint: minio:9000'
const bucketOf = (fields: string, more: Partial<ThanosObjstoreOptions> = {}) =>
  thanosObjstore({ yaml: `type: S3\nconfig:\n  ${REQUIRED}\n  ${fields}`, ...more })
const optionsOf = (fields: string, more?: Partial<ThanosObjstoreOptions>) => {
  const bucket = bucketOf(fields, more)
  expect(bucket.check?.()).toEqual([])
  return bucket.options as Readonly<Record<string, unknown>>
}
const PEM = '-----BEGIN CERTIFICATE-----\nx'

/** As Thanos documents it: every field with its default. */
const WHOLE = `type: S3
config:
  bucket: "metrics"
  endpoint: "s3.eu-west-1.amazonaws.com"
  region: ""
  disable_dualstack: false
  aws_sdk_auth: false
  access_key: ""
  insecure: false
  signature_version2: false
  secret_key: ""
  session_token: ""
  put_user_metadata: {}
  http_config:
    idle_conn_timeout: 1m30s
    response_header_timeout: 2m
    insecure_skip_verify: false
    tls_handshake_timeout: 10s
    expect_continue_timeout: 1s
    max_idle_conns: 100
    max_idle_conns_per_host: 100
    max_conns_per_host: 0
    tls_config:
      ca_file: ""
      cert_file: ""
      key_file: ""
      server_name: ""
      insecure_skip_verify: false
    disable_compression: false
  trace:
    enable: false
  list_objects_version: ""
  bucket_lookup_type: auto
  send_content_md5: true
  disable_multipart: false
  part_size: 67108864
  sse_config:
    type: ""
    kms_key_id: ""
    kms_encryption_context: {}
    encryption_key: ""
  sts_endpoint: ""
  max_retries: 0
prefix: ""
`

describe('thanosObjstore() of S3', () => {
  it('takes every field with its default', () => {
    const bucket = thanosObjstore({ yaml: WHOLE })
    expect(bucket.check?.()).toEqual([])
    expect(bucket.name).toBe('thanos-objstore')
    expect(bucket.options).toEqual({
      type: 'S3',
      bucket: 'metrics',
      endpoint: 'https://s3.eu-west-1.amazonaws.com',
      region: 'eu-west-1',
      pathStyle: false,
      requestTimeout: '2m',
    })
    expect(bucket.identity).toBe('s3://metrics')
  })

  it.each<[fields: string, wanted: object]>([
    ['insecure: true', { endpoint: 'http://minio:9000', pathStyle: true }],
    ['insecure: no', { endpoint: 'https://minio:9000' }],
    ['region: eu', { region: 'eu' }],
    ['bucket_lookup_type: virtual-hosted', { pathStyle: false }],
    ['bucket_lookup_type: path', { pathStyle: true }],
    ['list_objects_version: v1', { listVersion: 1 }],
    ['list_objects_version: v2', {}],
    [
      // As they stand there: a number, a boolean and an octal number for a reader of YAML.
      'access_key: 0123\n  secret_key: yes\n  session_token: 1_000',
      { credentials: { accessKeyId: '0123', secretAccessKey: 'yes', sessionToken: '1_000' } },
    ],
    ['http_config: {response_header_timeout: 0s, max_conns_per_host: 7}', { concurrency: 7 }],
    ['http_config: {response_header_timeout: 1m30s}', { requestTimeout: '1m30s' }],
    ['aws_sdk_auth: true', {}],
    ['sse_config: {type: SSE-KMS, kms_key_id: k, kms_encryption_context: {a: b}}', {}],
    ['put_user_metadata: {X-Amz-Storage-Class: IA}', {}],
  ])('%s', (fields, wanted) => {
    const plain = { type: 'S3', bucket: 'metrics', endpoint: 'https://minio:9000', pathStyle: true }
    const given = Object.entries(optionsOf(fields)).filter(([, value]) => value !== undefined)
    expect(Object.fromEntries(given)).toEqual({ ...plain, ...wanted })
  })

  it.each([
    ['s3.amazonaws.com', undefined, false],
    ['s3.dualstack.us-east-2.amazonaws.com', 'us-east-2', false],
    ['s3-eu-central-1.amazonaws.com', 'eu-central-1', false],
    ['s3.us-gov-west-1.amazonaws.com', 'us-gov-west-1', false],
    ['s3.cn-north-1.amazonaws.com.cn', 'cn-north-1', false],
    ['storage.googleapis.com', undefined, false],
    ['oss-eu-central-1.aliyuncs.com:443', undefined, false],
    ['amazonaws.com.example:9000', undefined, true],
  ])('finds region and style by the endpoint %s', (endpoint, region, pathStyle) => {
    const { options } = thanosObjstore({ yaml: `{type: s3, config: {bucket: metrics, endpoint: "${endpoint}"}}` })
    expect(options).toMatchObject({ region, pathStyle })
    const dotted = thanosObjstore({ yaml: `{type: s3, config: {bucket: a.b.c, endpoint: "${endpoint}"}}` })
    expect(dotted.options).toMatchObject({ pathStyle: true })
  })

  it('takes a prefix, with slashes around it or without', () => {
    const yaml = `prefix: /team-a/blocks/\n${WHOLE.replace('prefix: ""', '')}`
    const bucket = thanosObjstore({ yaml })
    expect([bucket.check?.(), bucket.identity]).toEqual([[], 's3://metrics/team-a/blocks'])
    expect(problemsOf(thanosObjstore({ yaml: yaml.replace('team-a', 'a//b') }))).toEqual([
      "yaml.prefix must have no empty segment, and no '/' at either end",
    ])
  })

  it('takes the certificates of ca_file as an option', () => {
    const fields = 'http_config: {tls_config: {ca_file: /etc/ca.pem}}'
    expect(optionsOf(fields, { ca: PEM })).toMatchObject({ ca: PEM })
    expect(problemsOf(bucketOf(fields))).toEqual([
      'yaml.config.http_config.tls_config.ca_file must come with option ca, the text of that file: it is not read here',
    ])
  })

  it.each([
    ['signature_version2: true', 'signature_version2 must be false: requests are signed with version 4'],
    [
      'trace: {enable: true}',
      'trace.enable must be false: traces of each request go where OTEL_EXPORTER_OTLP_ENDPOINT says',
    ],
    ['sts_endpoint: x', 'sts_endpoint must be left out: AWS_ENDPOINT_URL_STS in the environment says it'],
    [
      'sse_config: {type: SSE-C}',
      'sse_config.type must be SSE-S3 or SSE-KMS: objects under a key of your own (SSE-C) cannot be read',
    ],
    [
      'sse_config: {encryption_key: x}',
      'sse_config.encryption_key must be left out: objects under a key of your own (SSE-C) cannot be read',
    ],
    [
      'http_config: {insecure_skip_verify: true}',
      'http_config.insecure_skip_verify must be false: certificates are always verified, by those of option ca where it is given',
    ],
    [
      'http_config: {tls_config: {cert_file: x}}',
      'http_config.tls_config.cert_file must be left out: there are no certificates of clients',
    ],
    [
      'http_config: {tls_config: {server_name: x}}',
      'http_config.tls_config.server_name must be left out: the certificate must be of the host in endpoint',
    ],
    ['http_config: {response_header_timeout: soon}', "http_config.response_header_timeout must be a time such as '2m'"],
    ['http_config: {max_conns_per_host: -1}', 'http_config.max_conns_per_host must be a whole number'],
    ['http_config: {proxy: x}', "http_config.proxy must be left out: Thanos' S3 has no such field"],
    ['constructor: x', "constructor must be left out: Thanos' S3 has no such field"],
    ['insecure: 1', 'insecure must be true or false'],
    ['region: [eu]', 'region must be one value'],
    ['bucket_lookup_type: dns', 'bucket_lookup_type must be auto or virtual-hosted or path'],
    ['access_key: a', 'secret_key must be given where access_key is'],
    ['secret_key: a', 'access_key must be given where secret_key is'],
    ['{access_key: a, secret_key: b, aws_sdk_auth: true}', 'aws_sdk_auth must be false where access_key is given'],
  ])('refuses %s by its name', (fields, problem) => {
    const yaml = fields.startsWith('{')
      ? `{type: S3, config: ${fields.replace('{', '{bucket: metrics, endpoint: a:1, ')}}`
      : undefined
    expect(problemsOf(yaml ? thanosObjstore({ yaml }) : bucketOf(fields))).toEqual([`yaml.config.${problem}`])
  })

  it.each([
    ['{type: S3, config: {bucket: metrics}}', ['yaml.config.endpoint must be given: Thanos demands it, too']],
    ['{type: S3, config: {endpoint: a}}', ['yaml.config.bucket must be given']],
    [
      '{type: S3, config: {bucket: metrics, endpoint: "https://a"}}',
      ["yaml.config.endpoint must be a host, as Thanos has it: 's3.eu-west-1.amazonaws.com', 'minio:9000'"],
    ],
    [
      '{type: GCS, config: {bucket: metrics}}',
      ['yaml.type must be S3 or FILESYSTEM: other stores are reached where they speak the protocol of S3'],
    ],
    ['{type: S3, config: [], prefix: a}', ['yaml.config must be an object']],
    ['{type: S3, config: {}, prefix: [a]}', ['yaml.prefix must be a string']],
    ['{type: S3, config: {}, conf: {}}', ['yaml.conf must be one of the known fields: type, config, prefix']],
    ['[]', ["yaml must have Thanos' fields type and config"]],
    ['', ["yaml must have Thanos' fields type and config"]],
  ])('tells what is wrong with %s', (yaml, problems) => {
    expect(problemsOf(thanosObjstore({ yaml }))).toEqual(problems)
  })

  it('takes names from the environment as Thanos does, and says which one is missing', () => {
    const fields = 'access_key: $(KEY)\n  secret_key: $(SECRET)'
    const { credentials } = optionsOf(fields, { env: { KEY: 'a', SECRET: 'b' } })
    expect(credentials).toMatchObject({ accessKeyId: 'a', secretAccessKey: 'b' })
    expect(problemsOf(bucketOf(fields, { env: { KEY: 'a' } }))).toEqual(['yaml must have its $(SECRET) in env'])
    expect(problemsOf(bucketOf(fields))).toEqual(['yaml must come with env, where its $(KEY) is'])
  })

  it('shows no secret: not as an option, not in a problem, and nothing of a text that is no YAML', async () => {
    const secrets = ['AKIDSECRET', 'verysecret']
    const good = `access_key: AKIDSECRET\n  secret_key: verysecret`
    const messages: string[] = []
    for (const bucket of [
      bucketOf(`${good}\n  aws_sdk_auth: true`),
      bucketOf(`${good}\n   bad: "x`),
      bucketOf(`${good}\n  secret_key: [verysecret]`),
    ]) {
      const config = { bucket, pipeline: [scanBucket(), memory()] as const, dir: folder() }
      messages.push(
        await resolveConfig(config, { env: {} }).then(
          () => '',
          error => String(error.message),
        ),
      )
    }
    expect(messages.every(message => message.includes('yaml'))).toBe(true)
    expect(messages[1]).toMatch(/yaml: must be YAML: [A-Z_]+ in line \d+, column \d+/)
    const { describeConfig } = await import('../../../src/explain/describe.ts')
    const config = { bucket: bucketOf(good), pipeline: [scanBucket(), memory()] as const, dir: folder() }
    const described = JSON.stringify(describeConfig(await resolveConfig(config, { env: {} })))
    expect(described).toContain('"credentials":"(hidden)"')
    for (const secret of secrets) for (const text of [...messages, described]) expect(text).not.toContain(secret)
  })

  it('is stopped by aliases that grow without an end', () => {
    const lines = Array.from({ length: 30 }, (_, i) => `a${i}: &a${i} [${i === 0 ? 'x' : `*a${i - 1}, *a${i - 1}`}]`)
    expect(problemsOf(thanosObjstore({ yaml: lines.join('\n') }))).toEqual([
      'yaml must be YAML whose aliases can be resolved',
    ])
  })

  it('asks as s3() does', () => {
    const given = s3({ bucket: 'metrics', endpoint: 'https://minio:9000' })
    expect(bucketOf('region: eu').identity).toBe(given.identity)
  })
})

describe('thanosObjstore() of FILESYSTEM', () => {
  it('reads the files below directory and prefix', async () => {
    const root = folder()
    mkdirSync(join(root, 'team-a'))
    writeFileSync(join(root, 'team-a/one'), 'x')
    const bucket = thanosObjstore({
      yaml: `type: FILESYSTEM\nconfig: {directory: ${root}}\nprefix: team-a\n---\ntype: S3`,
    })
    expect(bucket.check?.()).toEqual([])
    expect(bucket.options).toEqual({ type: 'FILESYSTEM', root, prefix: 'team-a' })
    const { signal } = new AbortController()
    await bucket.start?.({ host: fakeHost() } as never)
    expect((await bucket.list('', { signal })).objects.map(({ key }) => key)).toEqual(['one'])
    await bucket.stop?.(signal)
  })

  it.each([
    ['{}', 'yaml.config.directory must be given'],
    ['{directory: /a, bucket: b}', 'yaml.config.bucket must be left out: FILESYSTEM has the field directory alone'],
  ])('tells what is wrong with %s', (config, problem) => {
    expect(problemsOf(thanosObjstore({ yaml: `{type: filesystem, config: ${config}}` }))).toEqual([problem])
  })
})
