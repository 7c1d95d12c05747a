import { type Config, describeProblem, resolveConfig } from 'blockgate'
import { s3 } from 'blockgate/plugins/bucket/s3'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { newestFirst } from 'blockgate/plugins/filter/newest-first'
import { memory } from 'blockgate/plugins/sink/memory'
import { expect, it } from 'vitest'
import { hinted } from '../../src/config/option-hints.ts'
import { blockgate } from '../support/cli.ts'
import { scriptedSource } from '../support/world.ts'
import { projectOf } from './world.ts'

async function problemsOf(config: object): Promise<string[]> {
  const error = await resolveConfig(config as Config, { env: {}, hinted }).catch(e => e)
  return error.problems.map(describeProblem)
}

it('blockgate check names every option of an objstore.yml, and what takes its place', async () => {
  const made = projectOf(`import { defineConfig } from 'blockgate'
import { s3 } from 'blockgate/plugins/bucket/s3'
import { memory } from 'blockgate/plugins/sink/memory'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'

export default defineConfig(() => ({
  bucket: s3({
    bucket: 'blocks',
    ...{ access_key: 'a', secret_key: 'hunter2', insecure: true, signature_version2: false, list_objects_version: 'v1' },
    ...{ bucket_lookup_type: 'auto', reqestTimeout: '3s', sse_config: { type: 'SSE-S3', encryption_key: 'hunter2' } },
    ...{ http_config: { insecure_skip_verify: true, idle_conn_timeout: '90s', other: {} }, trace: {}, part_size: 1 },
  }),
  pipeline: [scanBucket({ ...{ listings: 'x', block_meta_fetch_concurrency: 3 } }), memory()],
  ...{ min_time: '-6w', 'max-time': '-2h', sync_block_duration: '3m', flavour: 'x' },
}))
`)
  const { code, stdout, stderr } = await blockgate(['check'], made)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).not.toContain('hunter2')
  expect(stderr.split('\n').map(line => line.replace(/: current value is .*/, ''))).toEqual([
    'blockgate: blockgate.config.ts has 20 problems:',
    "  min_time: must be given as timeRange({ from: '-6w' }) in the pipeline",
    "  max-time: must be given as timeRange({ to: '-2h' }) in the pipeline",
    '  sync_block_duration: must be given as every',
    expect.stringMatching(/^ {2}flavour: must be one of the known options: pipeline, bucket, /),
    '  pipeline[0].listings: must be a known option: did you mean listing?',
    '  pipeline[0].block_meta_fetch_concurrency: must be given as scanBucket({ concurrency }) in the pipeline',
    '  bucket.access_key: must be given as credentials.accessKeyId',
    '  bucket.secret_key: must be given as credentials.secretAccessKey',
    '  bucket.insecure: must be left out: endpoint begins with http:// or https://',
    '  bucket.signature_version2: must be left out: requests are signed with version 4 only',
    '  bucket.list_objects_version: must be given as listVersion: 1 for v1',
    '  bucket.bucket_lookup_type: must be given as pathStyle: true for path, false for virtual-hosted',
    '  bucket.reqestTimeout: must be a known option: did you mean requestTimeout?',
    '  bucket.sse_config.type: must be left out: the store encrypts by its own setting of the bucket',
    '  bucket.sse_config.encryption_key: must be left out: the store encrypts by its own setting of the bucket',
    '  bucket.http_config.insecure_skip_verify: must be left out: certificates are always verified, by those of ca where it is given',
    '  bucket.http_config.idle_conn_timeout: must be left out: connections are kept while they are used',
    '  bucket.http_config.other: must be left out: requestTimeout and ca take its place',
    '  bucket.trace: must be left out: traces of each request go where OTEL_EXPORTER_OTLP_ENDPOINT says',
    '  bucket.part_size: must be left out: no block is written',
    '',
  ])
})

it('what is to be given instead is an option that there is', async () => {
  const { OBJSTORE } = await import('../../src/config/option-hints.ts')
  const [problem] = s3({ bucket: 'abc', ...{ unheardOf: 1 } }).check?.() ?? []
  const targets = Object.values(OBJSTORE).flatMap(must => /^be given as (\w+)[^(]*$/.exec(must)?.[1] ?? [])
  expect(targets.length).toBeGreaterThan(5)
  for (const target of targets) expect(problem?.known).toContain(target)
})

it('a stage that has no options takes none', async () => {
  const stages = [
    dedup({ replicaLabels: ['replica'] } as never),
    newestFirst({ by: 'x' } as never),
    memory({} as never),
  ]
  expect(await problemsOf({ pipeline: [scriptedSource([]), ...stages] })).toEqual([
    'pipeline[1].replicaLabels: must be left out: blocks of each replica stay: current value is ["replica"]',
    'pipeline[2].by: must be left out: there are no options: current value is "x"',
  ])
})

it('an empty object under a name of Thanos is a problem, too', async () => {
  const bucket = s3({ bucket: 'abc', ...{ http_config: {} } })
  expect(await problemsOf({ bucket, pipeline: [] })).toContain(
    'bucket.http_config: must be left out: requestTimeout and ca take its place: current value is {}',
  )
})
