/** What somebody may have meant by a name that is unknown. Handed to resolveConfig() by the command line, so that no Worker has it. */
import type { Problem } from '../contracts/host.ts'

/** Completes "must …", by the name that Thanos has in objstore.yml. */
export const OBJSTORE: Readonly<Record<string, string>> = {
  type: 'be left out: the bucket plugin is the type',
  config: 'be left out: what stands below config in objstore.yml are options themselves',
  directory: 'be given as root of fs()',
  access_key: 'be given as credentials.accessKeyId',
  secret_key: 'be given as credentials.secretAccessKey',
  session_token: 'be given as credentials.sessionToken',
  aws_sdk_auth: 'be left out: without credentials the SDK looks where it always does',
  insecure: 'be left out: endpoint begins with http:// or https://',
  signature_version2: 'be left out: requests are signed with version 4 only',
  list_objects_version: 'be given as listVersion: 1 for v1',
  bucket_lookup_type: 'be given as pathStyle: true for path, false for virtual-hosted',
  send_content_md5: 'be left out: no checksum of a request is sent',
  disable_dualstack: 'be left out: endpoint names the host',
  put_user_metadata: 'be left out: no block is written',
  storage_class: 'be left out: no block is written',
  part_size: 'be left out: no block is written',
  max_retries: 'be left out: the gateway tries each request again',
  trace: 'be left out: traces of each request go where OTEL_EXPORTER_OTLP_ENDPOINT says',
  sts_endpoint: 'be left out: AWS_ENDPOINT_URL_STS in the environment says it',
  sse_config: 'be left out: the store encrypts by its own setting of the bucket',
  http_config: 'be left out: requestTimeout and ca take its place',
  'http_config.idle_conn_timeout': 'be left out: connections are kept while they are used',
  'http_config.response_header_timeout': 'be given as requestTimeout',
  'http_config.insecure_skip_verify': 'be left out: certificates are always verified, by those of ca where it is given',
  'http_config.max_conns_per_host': 'be given as concurrency',
  'http_config.tls_config': 'be given as ca, the text of the certificates',
}

/** By the flag of `thanos store`, or its name in a chart. */
const FLAGS: Readonly<Record<string, string>> = {
  replica_label: 'be left out: blocks of each replica stay',
  replica_labels: 'be left out: blocks of each replica stay',
  min_time: "be given as timeRange({ from: '-6w' }) in the pipeline",
  max_time: "be given as timeRange({ to: '-2h' }) in the pipeline",
  data_dir: 'be given as dir',
  cache_dir: 'be given as dir',
  objstore: 'be given as bucket: s3({ … })',
  objstore_config: 'be given as bucket: thanosObjstore({ yaml }), or s3({ … })',
  objstore_config_file: 'be given as bucket: thanosObjstore({ yaml }), or s3({ … })',
  objstore_parquet_config: 'be given as parquetConverted({ bucket }) in the pipeline',
  objstore_parquet_config_file: 'be given as parquetConverted({ bucket }) in the pipeline',
  http_address: 'be given as http',
  grpc_address: 'be left out: nothing is served over gRPC',
  sync_block_duration: 'be given as every',
  block_sync_concurrency: 'be given as concurrency',
  block_meta_fetch_concurrency: 'be given as scanBucket({ concurrency }) in the pipeline',
  block_discovery_strategy: 'be given as scanBucket({ listing }) in the pipeline',
  consistency_delay: 'be given as consistencyDelay({ for }) in the pipeline',
  ignore_deletion_marks_delay: 'be given as notDeleted({ delay }) in the pipeline',
  selector_relabel_config: 'be given as thanosRelabel({ yaml }), or matchLabels({ relabel }), in the pipeline',
  request_series: 'be given as serve: { limits: { series } }',
  touched_series_limit: 'be given as serve: { limits: { series } }',
  request_samples: 'be given as serve: { limits: { samples } }',
  series_sample_limit: 'be given as serve: { limits: { samples } }',
  downloaded_bytes_limit: 'be given as serve: { limits: { bytes } }',
  series_max_concurrency: 'be given as serve: { limits: { concurrent } }',
  chunk_pool_size: 'be given as serve: { limits: { memory } }',
  enable_index_header_lazy_reader: 'be left out: index-headers are opened on first use',
  index_header_lazy_reader_idle_timeout: 'be given as serve: { headerMemory }, which bounds their bytes',
  tracing_config: 'be left out: OTEL_EXPORTER_OTLP_ENDPOINT in the environment says where traces go',
}

/** `problem`, or where its option is one of Thanos or nearly a known one, what says so; of an object of Thanos', one for each key. */
export function hinted(problem: Problem): readonly Problem[] {
  if (!problem.known) return [problem]
  const [, place = '', name = ''] = /^(.*?)([^.[\]]*)$/.exec(problem.path) ?? []
  return told(problem, name, place === 'bucket.' ? OBJSTORE : FLAGS)
}

function told(problem: Problem, name: string, table: Readonly<Record<string, string>>): readonly Problem[] {
  const same = problem.known?.find(one => plain(one) === plain(name))
  const theirs = same === undefined ? Object.keys(table).find(one => plain(one) === plain(name)) : undefined
  if (theirs === undefined) {
    const meant = same ?? nearest(name, problem.known ?? [])
    return [meant === undefined ? problem : { ...problem, must: `be a known option: did you mean ${meant}?` }]
  }
  const { path, value } = problem
  const must = table[theirs] ?? ''
  const inner = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : []
  if (inner.length === 0) return [{ path, must, value }]
  return inner.map(([key, one]) => ({ path: `${path}.${key}`, must: table[`${theirs}.${key}`] ?? must, value: one }))
}

/** The same for `min_time`, `min-time` and `minTime`. */
function plain(name: string): string {
  return name.replace(/[^a-z0-9]/gi, '').toLowerCase()
}

/** The nearest of `known`, or undefined where none is near: more than a third of its letters would have to change. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let least = Number.POSITIVE_INFINITY
  for (const candidate of known) {
    const distance = editDistance(word, candidate)
    if (distance < least && distance <= Math.max(1, Math.ceil(candidate.length / 3))) {
      best = candidate
      least = distance
    }
  }
  return best
}

/** `: did you mean "sync"?`, or nothing. */
export function suggestion(word: string, known: readonly string[]): string {
  const best = nearest(word, known)
  return best === undefined ? '' : `: did you mean "${best}"?`
}

/** Letters to insert, remove or change, or neighbours to swap (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: readonly number[] = []
  let above: readonly number[] = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let least = Math.min((row[j - 1] ?? 0) + 1, (above[j] ?? 0) + 1, (above[j - 1] ?? 0) + (same ? 0 : 1))
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (i > 1 && j > 1 && swapped) least = Math.min(least, (before[j - 2] ?? 0) + 1)
      row.push(least)
    }
    before = above
    above = row
  }
  return above[b.length] ?? 0
}
