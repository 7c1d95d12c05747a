import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { blockgate, configText, QUICKSTART } from '../support/cli.ts'
import { jsonLine, projectOf, projectWith } from './world.ts'

const CONFIG = join(QUICKSTART, 'blockgate.config.ts')

describe('blockgate check', () => {
  it('prints the pipeline of the quickstart with its barriers and options', async () => {
    const ended = await blockgate(['check'], { cwd: QUICKSTART, env: { DIR: './x', SHARDS: '3' } })
    const stdout = `config        ${CONFIG}
instance      blockgate
bucket        fs  root: ${join(QUICKSTART, 'bucket')}
dir           ./x
every         3m
concurrency   4
blockTimeout  10m
stopGrace     30s
http          127.0.0.1:10902
token         none: changes are allowed from this machine only
readToken     none: everybody may read
serve         partial: refuse, badBlock: fail, hedge: { quantile: 0.9, upTo: 2 }, gap: 512KiB, limits: { series: 500000, chunks: 2000000, samples: 50000000, concurrent: 20, queued: 100, bytes: 1GiB, memory: 1GiB, duration: 2m }, cache: { memory: 256MiB }, slow: 10s

pipeline
  1  source  scan-bucket
  2  block   time-range         from: 2026-10-01T02:30:00Z
  3  block   consistency-delay  for: 30m
  4  block   not-deleted        delay: 24h
  5  set     dedup
     ── barrier: end of segment 1 ──
  6  set     newest-first
     ── barrier: end of segment 2 ──
  7  block   owned              static-shard  index: 0, of: 3
  8  sink    directory
`
    expect(ended).toEqual({ code: 0, stdout, stderr: '' })
  })

  it('--json prints the same as one line', async () => {
    const { code, stdout } = await blockgate(['check', '--json'], { cwd: QUICKSTART, env: { DIR: './x' } })
    const { stages, ...rest } = jsonLine(stdout)
    expect([code, rest]).toEqual([
      0,
      {
        config: CONFIG,
        instance: { id: 'blockgate' },
        bucket: { name: 'fs', options: { root: join(QUICKSTART, 'bucket') } },
        dir: './x',
        everyMs: 180_000,
        concurrency: 4,
        blockTimeoutMs: 600_000,
        stopGraceMs: 30_000,
        http: { host: '127.0.0.1', port: 10902 },
        token: false,
        readToken: false,
        serve: expect.objectContaining({ partial: 'refuse', badBlock: 'fail', slowMs: 10_000 }),
      },
    ])
    expect(stages).toHaveLength(8)
    expect(stages.slice(4)).toEqual([
      { name: 'dedup', kind: 'set', segment: 1 },
      { name: 'newest-first', kind: 'set', segment: 2 },
      { name: 'owned', kind: 'block', segment: 3, ownership: { name: 'static-shard', options: { index: 0, of: 1 } } },
      { name: 'directory', kind: 'sink', segment: 3, options: {} },
    ])
  })

  it('names a stage that stands twice as the summary does, and the owned() that the engine puts in', async () => {
    const { stdout } = await blockgate(['check', '--json'], projectWith('dedup(), dedup(),'))
    const { stages } = JSON.parse(stdout)
    const names = stages.map((s: { name: string }) => s.name)
    expect(names).toEqual(['scan-bucket', 'dedup', 'dedup#2', 'owned', 'directory'])
    expect(stages[3].ownership).toEqual({ name: 'everything' })
  })

  it('says how an interval adapts', async () => {
    const head = `import { adaptive } from 'blockgate/plugins/interval/adaptive'`
    const folder = projectWith('', head, `every: adaptive({ to: '20m' }),`)
    expect((await blockgate(['check'], folder)).stdout).toContain('\nevery         adaptive, at most 20m  to: 20m\n')
    const { everyMs, interval } = JSON.parse((await blockgate(['check', '--json'], folder)).stdout)
    expect([everyMs, interval]).toEqual([1_200_000, { name: 'adaptive', options: { to: '20m' } }])
  })

  it('prints no secret, in neither form', async () => {
    const secret = 'hunter2'
    const head = `const stage = { kind: 'block', name: 'mine', handle: (_, next) => next(), options: {
      endpoint: 'https://user:${secret}@example.org/path', credentials: { id: '${secret}' }, apiToken: '${secret}',
      url: 'redis://:${secret}@localhost:6379/0', nested: [{ password: '${secret}' }], pick: function byName() {},
    } }`
    for (const args of [['check'], ['check', '--json']]) {
      const { code, stdout } = await blockgate(args, projectWith('stage,', head))
      expect(code).toBe(0)
      for (const part of ['example.org/path', 'function byName']) expect(stdout).toContain(part)
      expect(stdout).not.toContain(secret)
    }
  })

  it('starts nothing: what start() would do has not happened', async () => {
    const head = `const stage = { kind: 'block', name: 'mine', handle: (_, next) => next(), start() { throw new Error('started') } }`
    const made = projectOf(configText('stage,', head).replace('./bucket', './not-there'))
    expect((await blockgate(['check'], made)).code).toBe(0)
  })
})
