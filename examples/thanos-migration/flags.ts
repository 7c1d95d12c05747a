// What becomes of each flag of `thanos store`.

/** A place in the config and how the value is written there; undefined is nothing. Or a note for a person; '' for none. */
export type Rule =
  | { readonly place: string; readonly as: (value: string) => string | undefined }
  | { readonly note: string }

const to = (place: string, as: (value: string) => string | undefined = text): Rule => ({ place, as })
const note = (why: string): Rule => ({ note: why })
const nothing: Rule = note('')

export function text(value: string): string {
  return `'${value.replace(/['\\]/g, '\\$&').replaceAll('\n', '\\n')}'`
}

/** 0 stands for no limit there. */
function number(value: string): string | undefined {
  return Number(value) > 0 ? String(Number(value)) : undefined
}

/** Thanos' MB are of 1024 × 1024 bytes. */
function size(value: string): string | undefined {
  return /^\d+$/.test(value) ? number(value) : text(value.replace(/^(\d+)([KMGT])i?B$/, '$1$2iB'))
}

/** A file is found beside the config. */
function file(path: string): string {
  const place = path.startsWith('/') ? text(path) : `new URL(${text(path)}, import.meta.url)`
  return `readFileSync(${place}, 'utf8')`
}

const listing = (value: string) => text(value === 'recursive' ? 'recursive' : 'delimited')
const address = (value: string) => text(value.startsWith(':') ? `0.0.0.0${value}` : value)
const cache = (value: string) => `{ memory: ${size(value)} }`

/** By name; one that ends in `*` stands for all that begin so. */
export const FLAGS: readonly (readonly [name: string, rule: Rule])[] = Object.entries({
  'data-dir': to('top.dir'),
  'http-address': to('top.http', address),
  'sync-block-duration': to('top.every'),
  'block-sync-concurrency': to('top.concurrency', number),
  'block-meta-fetch-concurrency': to('scan.concurrency', number),
  'block-discovery-strategy': to('scan.listing', listing),
  'objstore.config': to('objstore'),
  'objstore.config-file': to('objstore', file),
  'objstore-parquet.config': to('parquet'),
  'objstore-parquet.config-file': to('parquet', file),
  'selector.relabel-config': to('relabel'),
  'selector.relabel-config-file': to('relabel', file),
  'min-time': to('window.from'),
  'max-time': to('window.to'),
  'consistency-delay': to('delay.for', value => (value === '0s' ? undefined : text(value))),
  'ignore-deletion-marks-delay': to('deleted.delay'),
  'store.limits.request-series': to('limits.series', number),
  'store.grpc.touched-series-limit': to('limits.series', number),
  'store.limits.request-samples': to('limits.samples', number),
  'store.grpc.series-sample-limit': to('limits.samples', number),
  'store.grpc.downloaded-bytes-limit': to('limits.bytes', size),
  'store.grpc.series-max-concurrency': to('limits.concurrent', number),
  'chunk-pool-size': to('limits.memory', size),
  'index-cache-size': to('serve.cache', cache),
  'index-cache.config*': note('serve.cache is a size in memory, or one of the cache plugins'),
  'store.caching-bucket.config*': note('serve.cache keeps what queries read, and dir the metas'),
  'store.enable-index-header-lazy-reader': note('index-headers are opened on first use'),
  'store.index-header-*': note('index-headers are opened on first use, within serve.headerMemory'),
  'store.enable-lazy-expanded-postings': nothing,
  'store.posting-group-max-key-series-ratio': nothing,
  'cache-index-header': nothing,
  'no-cache-index-header': note('indexHeaders() keeps them in dir'),
  'matcher-cache-size': nothing,
  'debug.*': nothing,
  'grpc-*': note('nothing is served over gRPC: Prometheus asks by remote read'),
  'http-grace-period': note('stopGrace is how long adds in flight may take at the stop'),
  'http.config': note('blockgate run --web.config.file takes the same file'),
  'web.*': note('the pages are at /'),
  'no-web.*': nothing,
  'bucket-web-label': nothing,
  'disable-admin-operations': note('without a token, changes are taken from this machine only'),
  'request.logging-config*': note('serve.slow says which queries are in the log'),
  'tracing.config*': note('traces go where OTEL_EXPORTER_OTLP_ENDPOINT says'),
  'log.*': note('blockgate run --log-level and --log-format, which has logfmt'),
  'enable-auto-gomemlimit': nothing,
  'no-enable-auto-gomemlimit': nothing,
  'auto-gomemlimit.ratio': nothing,
})

/** Flags without a value. */
export const SWITCHES: RegExp = /^(no-|store\.enable-|enable-|disable-|cache-index-header$|web\.disable)/

/** Thanos' own defaults, where ours differ. */
export const DEFAULTS: readonly (readonly [place: string, value: string])[] = [
  ['top.dir', text('./data')],
  ['top.every', text('15m')],
  ['top.http', text('0.0.0.0:10902')],
  ['deleted.delay', text('24h')],
]
