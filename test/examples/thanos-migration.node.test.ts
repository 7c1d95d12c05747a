// The command line of a `thanos store` in, a config that `blockgate check` takes out.
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FLAGS as RULES } from '../../examples/thanos-migration/flags.ts'
import { migrate } from '../../examples/thanos-migration/migrate.ts'
import { blockgate, project } from '../support/cli.ts'
import { tempFolders } from '../support/temp-folders.ts'

const folder = tempFolders()
const OBJSTORE = `--objstore.config='type: FILESYSTEM
config: {directory: bucket}'`
const made = (flags: string) => migrate(`thanos store ${OBJSTORE} ${flags}`)
const line = (flags: string, name: string) =>
  made(flags)
    .split('\n')
    .find(each => each.includes(name))
    ?.trim()

/** Of `thanos store` 0.42, with the hidden ones. */
const FLAGS = `--http-address=:10902 --http-grace-period=2m --http.config=x --grpc-address=a --grpc-grace-period=2m
--grpc-server-tls-cert=x --grpc-server-tls-key=x --grpc-server-tls-client-ca=x --grpc-server-tls-min-version=1.3
--grpc-server-max-connection-age=60m --data-dir ./data --cache-index-header --no-cache-index-header --index-cache-size=250MB
--index-cache.config=x --index-cache.config-file=x --store.caching-bucket.config-file=x --chunk-pool-size=2GB
--objstore-parquet.config='{type: FILESYSTEM, config: {directory: bucket}}' --sync-block-duration=15m --block-discovery-strategy=recursive
--block-sync-concurrency=20 --block-meta-fetch-concurrency=32 --min-time=-6w --max-time=-2h --selector.relabel-config=[]
--consistency-delay=0s --ignore-deletion-marks-delay=24h --store.enable-index-header-lazy-reader
--store.index-header-lazy-reader-idle-timeout=5m --store.index-header-lazy-download-strategy=eager
--store.index-header-posting-offsets-in-mem-sampling=32 --store.enable-lazy-expanded-postings
--store.posting-group-max-key-series-ratio=100 --store.limits.request-series=0 --store.limits.request-samples=0
--store.grpc.touched-series-limit=0 --store.grpc.series-sample-limit=0 --store.grpc.downloaded-bytes-limit=0
--store.grpc.series-max-concurrency=20 --debug.series-batch-size=10000 --debug.estimated-max-series-size=65536
--matcher-cache-size=0 --web.disable --web.external-prefix=x --web.prefix-header=x --web.disable-cors --bucket-web-label=x
--disable-admin-operations --request.logging-config=x --tracing.config-file=x --log.level=info --log.format=logfmt
--enable-auto-gomemlimit --auto-gomemlimit.ratio=0.9`

async function checked(config: string) {
  const { folder: cwd, write } = project(folder())
  mkdirSync(join(cwd, 'data'), { recursive: true })
  write('blockgate.config.ts', config)
  const { code, stdout, stderr } = await blockgate(['check', '--json'], { cwd, env: { SECRET: 'b' } })
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout)
}

describe('migrate()', () => {
  it('takes every flag, and makes a config that is good', async () => {
    const { bucket, stages, serve, ...told } = await checked(made(FLAGS))
    expect(stages.map(({ name }: { readonly name: string }) => name)).toEqual([
      'scan-bucket',
      'parquet-converted',
      'time-range',
      'thanos-relabel',
      'not-deleted',
      'dedup',
      'newest-first',
      'owned',
      'index-headers',
    ])
    expect(bucket.options).toEqual({ type: 'FILESYSTEM', root: 'bucket' })
    expect(told).toMatchObject({ everyMs: 900_000, concurrency: 20, http: { host: '0.0.0.0', port: 10902 } })
    expect(serve.limits).toMatchObject({ concurrent: 20, memory: 2 * 1024 ** 3, series: 500_000 })
  })

  it('has the defaults of Thanos where nothing is said', () => {
    expect(line('', 'dir:')).toBe("dir: './data',")
    expect(line('', 'every:')).toBe("every: '15m',")
    expect(line('', 'http:')).toBe("http: '0.0.0.0:10902',")
    expect(line('', 'notDeleted(')).toBe("notDeleted({ delay: '24h' }),")
    for (const none of ['timeRange', 'consistencyDelay', 'thanosRelabel', 'serve', '//'])
      expect(made('')).not.toContain(none)
  })

  it.each([
    ['--min-time=-6w', 'timeRange(', "timeRange({ from: '-6w' }),"],
    ['--max-time 2026-01-01T00:00:00Z', 'timeRange(', "timeRange({ to: '2026-01-01T00:00:00Z' }),"],
    ['--consistency-delay=30m', 'consistencyDelay(', "consistencyDelay({ for: '30m' }),"],
    ['--block-discovery-strategy=concurrent', 'scanBucket(', "scanBucket({ listing: 'delimited' }),"],
    [
      '--store.limits.request-series=7 --store.limits.request-samples=8',
      'serve',
      'serve: { limits: { series: 7, samples: 8 } },',
    ],
    ['--store.grpc.downloaded-bytes-limit=1024', 'serve', 'serve: { limits: { bytes: 1024 } },'],
    ['--index-cache-size=1GB', 'serve', "serve: { cache: { memory: '1GiB' } },"],
    [
      '--selector.relabel-config-file=/etc/relabel.yml',
      'thanosRelabel(',
      "thanosRelabel({ yaml: readFileSync('/etc/relabel.yml', 'utf8'), env }),",
    ],
    ['--grpc-address=x', '//', '// --grpc-address: nothing is served over gRPC: Prometheus asks by remote read'],
  ])('%s', (flags, name, wanted) => {
    expect(line(flags, name)).toBe(wanted)
  })

  it('takes YAML in the command line, as a shell quotes it', async () => {
    const yaml = `type: S3
config:
  bucket: metrics
  endpoint: minio:9000
  access_key: "it's"
  secret_key: $(SECRET)`
    const quoted = `"${yaml.replaceAll('"', '\\"')}"`
    const config = migrate(
      `#!/bin/sh\n# thanos store --nope\nexec /bin/thanos store --objstore.config \\\n ${quoted}\n`,
    )
    const { bucket } = await checked(config)
    expect(bucket).toMatchObject({
      name: 'thanos-objstore',
      options: { type: 'S3', bucket: 'metrics', credentials: '(hidden)' },
    })
  })

  it.each([
    [`thanos store ${OBJSTORE} --nope=1`, 'thanos store has no flag --nope=1, or it is newer than this table'],
    [`thanos store ${OBJSTORE} --constructor`, 'thanos store has no flag --constructor'],
    [`thanos store ${OBJSTORE} more`, 'thanos store has no flag more'],
    ['thanos store', '--objstore.config or --objstore.config-file must be given'],
    ['thanos query', 'there must be a command thanos store'],
  ])('refuses %j', (script, message) => {
    expect(() => migrate(script)).toThrow(message)
  })
})

it('docs/from-thanos.md says of every flag what takes its place', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/from-thanos.md'), 'utf8')
  const named = RULES.map(([name]) => name).filter(
    name => !page.includes(`\`--${name}\``) && !page.includes(`\`${name}\``),
  )
  expect(named).toEqual([])
})
