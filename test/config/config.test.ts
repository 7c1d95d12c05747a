import {
  type BlockStage,
  ConfigError,
  type ConfigInput,
  checkOptions,
  defineConfig,
  everything,
  owned,
  type Pipeline,
  resolveConfig,
  type SetStage,
} from 'blockgate'
import { directory } from 'blockgate/plugins/sink/directory'
import { indexHeaders } from 'blockgate/plugins/sink/index-headers'
import { memory } from 'blockgate/plugins/sink/memory'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { memoryBucket } from 'blockgate/testing'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { hinted } from '../../src/config/option-hints.ts'
import { resolveServe } from '../../src/config/serve.ts'
import { scriptedSink, scriptedSource } from '../support/world.ts'

const env = {}
const stage = (name: string, more: Partial<BlockStage> = {}): BlockStage => ({
  kind: 'block',
  name,
  handle: (_, next) => next(),
  ...more,
})
const ONE = stage('one')
const REPLICAS = { path: 'replicas', must: 'be >= 1', value: 0 }
const MINE = () => owned(() => true)
const rude = () => {
  throw new Error('boom')
}
const wrong = (path: string, value: unknown) => stage('wrong', { check: () => [{ path, must: 'be right', value }] })
/** A pipeline with these between its source and its sink. */
const around = (...stages: unknown[]) => [scriptedSource([]), ...stages, scriptedSink()] as unknown as Pipeline
const LEAKY = { config: [{ secret_key: 'hunter2', region: 'eu' }] }
const set: SetStage = { kind: 'set', name: 'all', select: list => list.map(b => ({ id: b.meta.ulid })) }

async function problems(config: unknown): Promise<string[]> {
  try {
    await resolveConfig(config as ConfigInput<typeof env>, { env, hinted })
  } catch (error) {
    if (error instanceof ConfigError) return error.rawMessage.split('\n')
    throw error
  }
  return []
}

describe('resolveConfig', () => {
  it('gives the defaults', async () => {
    const resolved = await resolveConfig({ pipeline: around() }, { env })
    expect(resolved).toMatchObject({
      everyMs: 180_000,
      concurrency: 32,
      blockTimeoutMs: 600_000,
      stopGraceMs: 30_000,
      dir: './data',
      instance: { id: 'blockgate', zone: undefined },
    })
    expect(resolveServe(resolved.serve)).toEqual({
      partial: 'refuse',
      badBlock: 'fail',
      limits: {
        series: 500_000,
        chunks: 2_000_000,
        samples: 50_000_000,
        bytes: 1024 ** 3,
        durationMs: 120_000,
        concurrent: 20,
        queued: 100,
        memory: 1024 ** 3,
      },
      headerMemory: undefined,
      gap: 512 * 1024,
      cache: { memory: 256 * 1024 ** 2 },
      hedge: { quantile: 0.9, upTo: 2 },
      slowMs: 10_000,
    })
  })

  it('takes what serve says, and tells what is wrong in it', async () => {
    const limits = { series: 1, bytes: '1MiB', queued: 0, duration: '5s', memory: 7 } as const
    const serve = { partial: 'answer', badBlock: 'warn', limits, headerMemory: '1GiB', gap: '1MiB', slow: 0 } as const
    const resolved = await resolveConfig({ pipeline: around(), serve }, { env })
    expect(resolveServe(resolved.serve)).toMatchObject({
      partial: 'answer',
      badBlock: 'warn',
      limits: { series: 1, chunks: 2_000_000, bytes: 1024 ** 2, queued: 0, durationMs: 5_000, memory: 7 },
      headerMemory: 1024 ** 3,
      gap: 1024 ** 2,
      slowMs: 0,
    })
    const bad = {
      partial: 'yes',
      badBlock: 1,
      headerMemory: 'much',
      limits: { series: 0, chunks: 1.5, bytes: '1GB', seris: 1 },
    }
    const cache = { kind: 'cache', name: 'mine', get: () => [], put() {}, check: () => [REPLICAS] } as const
    for (const given of [{ memory: '1GiB' }, { ...cache, check: () => [] }] as const) {
      const { serve: section } = await resolveConfig({ pipeline: around(), serve: { cache: given } }, { env })
      expect(resolveServe(section).cache).toEqual('kind' in given ? given : { memory: 1024 ** 3 })
    }
    for (const [hedge, expected] of [
      [false, false],
      [{ upTo: 3 }, { quantile: 0.9, upTo: 3 }],
      [{ quantile: 0.99 }, { quantile: 0.99, upTo: 2 }],
    ] as const) {
      const { serve: section } = await resolveConfig({ pipeline: around(), serve: { hedge } }, { env })
      expect(resolveServe(section).hedge).toEqual(expected)
    }
    const hedge = { quantile: 1, upTo: 1 }
    expect(await problems({ pipeline: around(), serve: { hedge } })).toEqual([
      'serve.hedge.quantile: must be <= 0.999: current value is 1',
      'serve.hedge.upTo: must be >= 2: current value is 1',
    ])
    const cacheProblems = await Promise.all(
      [cache, { memory: 'much' }, { ...cache, put: undefined }, 7].map(given =>
        problems({ pipeline: around(), serve: { cache: given } }),
      ),
    )
    expect(cacheProblems.flat()).toEqual([
      'serve.cache.replicas: must be >= 1: current value is 0',
      'serve.cache.memory: must be a number of bytes > 0, or such as \'40GiB\': current value is "much"',
      'serve.cache: must be { memory: \'256MiB\' }, or a cache with get() and put(): current value is "mine"',
      'serve.cache: must be an object: current value is 7',
    ])
    expect(await problems({ pipeline: around(), serve: bad })).toEqual([
      "serve.partial: must be 'refuse' or 'answer': current value is \"yes\"",
      "serve.badBlock: must be 'fail' or 'warn': current value is 1",
      'serve.limits.series: must be >= 1: current value is 0',
      'serve.limits.chunks: must be a whole number: current value is 1.5',
      'serve.limits.bytes: must be a number of bytes > 0, or such as \'40GiB\': current value is "1GB"',
      'serve.headerMemory: must be a number of bytes > 0, or such as \'40GiB\': current value is "much"',
      'serve.limits.seris: must be a known option: did you mean series?: current value is 1',
    ])
    const theirs = { 'store.limits.request-series': 5, 'store.grpc.series-max-concurrency': 3 }
    expect(await problems({ pipeline: around(), ...theirs })).toEqual([
      'store.limits.request-series: must be given as serve: { limits: { series } }: current value is 5',
      'store.grpc.series-max-concurrency: must be given as serve: { limits: { concurrent } }: current value is 3',
    ])
  })

  it('puts owned(everything()) before the sink where no owned() stands', async () => {
    const resolved = await resolveConfig({ pipeline: around(stage('a'), set) }, { env })
    expect(resolved.plan.order).toEqual(['scripted', 'a', 'all', 'owned', 'scripted-sink'])
    expect(resolved.plan.ownership.name).toBe('everything')
  })

  it('needs a bucket where a stage, or the ownership plugin, cannot work without one', async () => {
    const needs = ['bucket'] as const
    const ring = owned({ ...everything(), name: 'ring', needs })
    const must = (who: string) => `bucket: must be given: ${who} cannot work without one: current value is undefined`
    const bad = [{ ...scriptedSource([]), needs }, stage('a'), ring, scriptedSink()]
    expect(await problems({ pipeline: bad })).toEqual([must('"scripted" and "owned"')])
    expect(await problems({ pipeline: [scanBucket(), memory()] })).toEqual([must('"scan-bucket"')])
    expect(await problems({ pipeline: [scanBucket(), directory()], bucket: memoryBucket() })).toEqual([])
    expect(await problems({ pipeline: [scanBucket(), indexHeaders()] })).toHaveLength(1)
  })

  it('reports all problems at once, each with its place, what must be and what is', async () => {
    const bad = stage('bad', {
      check: () => [REPLICAS, { path: '', must: 'be told its zone', value: undefined }],
    })
    expect(
      await problems({
        pipeline: around(bad, stage('Bad Name')),
        concurrency: 0,
        every: '3 minutes',
        evry: '3m',
        secrets: { tokens: 'hunter2' },
        instance: { id: 'a b', zon: 'z', rack: 'r' },
      }),
    ).toEqual([
      'instance.id: must be 1 to 128 of A-Z a-z 0-9 . _ : -: current value is "a b"',
      "every: must be a duration such as '30s', '1d12h' or '6w', or a number of ms >= 0: current value is \"3 minutes\"",
      'concurrency: must be >= 1: current value is 0',
      'evry: must be a known option: did you mean every?: current value is "3m"',
      'secrets: must be one of the known options: pipeline, bucket, instance, every, prewarm, concurrency, blockTimeout, stageTimeout, startTimeout, stopGrace, diskBudget, dir, http, token, readToken, serve, traces: current value is (hidden)',
      'instance.zon: must be a known option: did you mean zone?: current value is "z"',
      'instance.rack: must be one of the known options: id, zone: current value is "r"',
      'pipeline[1].replicas: must be >= 1: current value is 0',
      'pipeline[1]: must be told its zone: current value is undefined',
      'pipeline[2].name: must be kebab-case: current value is "Bad Name"',
    ])
  })

  it.each([
    ['no list', 'x', 'pipeline: must be a list of stages: current value is "x"'],
    ['an empty list', [], 'pipeline: must have a source first and a sink last: current value is "0 stages"'],
    ['no source first', [scriptedSink(), scriptedSink()], '[0]: must be a source stage: current value is "sink"'],
    ['no sink last', [scriptedSource([]), scriptedSource([])], '[1]: must be a sink stage: current value is "source"'],
    [
      'a function',
      around(() => true),
      '[1]: must be a stage: an object with a kind and a name: current value is a function',
    ],
    [
      'a stage without its method',
      around({ kind: 'block', name: 'x' }),
      '[1].handle: must be a function: current value is undefined',
    ],
    [
      'two owned()',
      around(MINE(), MINE()),
      '[2]: must be the only owned(): another stands at pipeline[1]: current value is "owned"',
    ],
    [
      'owned() before a set stage',
      around(MINE(), set),
      '[1]: must stand after the last set stage, pipeline[2]: current value is "owned"',
    ],
    [
      'a stage that stands in the list twice',
      around(ONE, ONE),
      '[2]: must be a stage of its own: this object stands in the list twice: current value is "one"',
    ],
    [
      'a check() that throws',
      around(stage('rude', { check: rude })),
      '[1]: must have a check() that does not throw (boom): current value is "rude"',
    ],
    [
      'what its ownership plugin says',
      around(owned({ ...everything(), check: () => [REPLICAS] })),
      '[1].replicas: must be >= 1: current value is 0',
    ],
    [
      'a value under the name of a secret',
      around(wrong('secretKey', 'hunter2')),
      '[1].secretKey: must be right: current value is (hidden)',
    ],
    [
      'a secret inside of a value',
      around(wrong('objstore', LEAKY)),
      '[1].objstore: must be right: current value is {"config":[{"secret_key":"(hidden)","region":"eu"}]}',
    ],
  ])('refuses a pipeline with %s', async (_, pipeline, expected) => {
    expect(await problems({ pipeline })).toEqual([expected.replace(/^\[/, 'pipeline[')])
  })

  it('names every unknown option in lists and optional parts, and none twice', () => {
    const rule = v.strictObject({ a: v.optional(v.number()) })
    const entries = {
      one: v.optional(rule),
      many: v.optional(v.array(rule)),
      map: v.optional(v.record(v.string(), rule)),
    }
    const options = {
      one: { b: 1, c: 1 },
      many: [{ a: 'x', b: 1 }, null, { b: 1, c: 1 }],
      map: { k: { b: 1 } },
      constructor: 1,
    }
    expect(checkOptions(options, entries, 'rules').map(({ path, must }) => `${path} ${must.slice(0, 11)}`)).toEqual([
      'rules.many[0].a be a number',
      'rules.many[1] be an objec',
      'rules.map.k.b be left out',
      'rules.one.b be one of t',
      'rules.one.c be one of t',
      'rules.many[0].b be one of t',
      'rules.many[2].b be one of t',
      'rules.many[2].c be one of t',
      'rules.constructor be one of t',
    ])
    expect(checkOptions('text', entries).map(({ path }) => path)).toEqual([''])
  })

  it('calls a config function with the environment, and says when it throws', async () => {
    const config = defineConfig<{ N?: string }>(({ env: e }) => ({
      pipeline: around(),
      concurrency: Number(e.N),
    }))
    expect((await resolveConfig(config, { env: { N: '5' } })).concurrency).toBe(5)
    const broken = defineConfig(() => {
      throw new Error('S3_ENDPOINT must be set')
    })
    await expect(resolveConfig(broken, { env })).rejects.toThrow(
      'invalid-config: the config threw: S3_ENDPOINT must be set',
    )
  })

  it('does not print a token that does not fit', async () => {
    expect(await problems({ pipeline: around(), token: 'hunter2' })).toEqual([
      'token: must be 8 to 512 visible ASCII characters: current value is (hidden)',
    ])
    expect(await problems({ pipeline: around(), token: '' })).toHaveLength(1)
    expect(await problems({ pipeline: around(), token: 12_345_678 })).toEqual([
      'token: must be a string: current value is (hidden)',
    ])
  })

  it.each([
    ['127.0.0.1:10902', { host: '127.0.0.1', port: 10902 }],
    ['gateway-0.svc:80', { host: 'gateway-0.svc', port: 80 }],
    [':10902', { host: undefined, port: 10902 }],
    ['[::1]:0', { host: '::1', port: 0 }],
    [undefined, { host: '127.0.0.1', port: 10902 }],
    [false as const, undefined],
  ])('listens at http: %s', async (http, expected) => {
    const { http: listens } = await resolveConfig({ pipeline: around(), http }, { env })
    expect(listens).toEqual(expected)
  })

  it.each(['10902', 'localhost', '::1:10902', '127.0.0.1:65536', 'a b:1', 'http://localhost:1', true, 10902])(
    'refuses http: %s',
    async http => {
      expect(await problems({ pipeline: around(), http })).toEqual([
        `http: must be 'host:port', ':port' for every interface, '[ipv6]:port', or false for off: current value is ${JSON.stringify(http)}`,
      ])
    },
  )
})
