/** The span trees of five stories, exactly. They are what a person sees in Jaeger. */
import {
  BlockgateError,
  type BlockSink,
  type Bucket,
  type Gateway,
  gateway,
  type OwnershipPlugin,
  owned,
  type Pipeline,
  resolveConfig,
} from 'blockgate'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { notDeleted } from 'blockgate/plugins/filter/not-deleted'
import { timeRange } from 'blockgate/plugins/filter/time-range'
import { memory } from 'blockgate/plugins/sink/memory'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { fakeHost, memoryBucket, memoryState, type Spans, spans, testId } from 'blockgate/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { scriptedOwnership } from './support/world.ts'

const NOW = Date.UTC(2026, 0, 1)
const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
const signal = new AbortController().signal

async function bucketOf(...numbers: readonly number[]): Promise<Bucket> {
  const bucket = memoryBucket()
  for (const n of numbers) {
    const ulid = testId(n)
    const meta = {
      ulid,
      version: 1,
      minTime: NOW - 7_200_000,
      maxTime: NOW,
      compaction: { level: 1, sources: [ulid] },
      thanos: { version: 1, labels: {}, downsample: { resolution: 0 }, source: 'sidecar' },
    }
    await bucket.put(`${ulid}/meta.json`, bytes(meta), { signal })
    await bucket.put(`${ulid}/index`, bytes('index'), { signal })
    await bucket.put(`${ulid}/chunks/000001`, bytes('chunks'), { signal })
  }
  return bucket
}

/** The memory sink, which reads the index first, as a real sink would. */
function readingSink(during: () => void = () => {}): BlockSink {
  const sink = memory()
  let bucket: Bucket | undefined
  return {
    ...sink,
    async start(services) {
      bucket = services.bucket as Bucket
      await sink.start?.(services)
    },
    async prepare(block) {
      const body = await bucket?.get(`${block.path}index`, { signal: block.signal })
      await body?.bytes(1024)
      during()
      block.signal.throwIfAborted()
      return sink.prepare(block)
    },
  }
}

interface Scene {
  readonly gateway: Gateway
  readonly host: ReturnType<typeof fakeHost>
}

async function scene(bucket: Bucket, ownership: OwnershipPlugin, sink: BlockSink): Promise<Scene> {
  const host = fakeHost({ now: NOW })
  const pipeline: Pipeline = [
    scanBucket(),
    timeRange({ newerThan: '1d' }),
    notDeleted(),
    dedup(),
    owned(ownership),
    sink,
  ]
  const config = await resolveConfig({ pipeline, bucket, concurrency: 1 }, { env: {} })
  return { host, gateway: gateway(config, { host, state: memoryState() }) }
}

const attributes = ['block.outcome', 'block.outcome.by', 'block.outcome.reason', 'ownership.status', 'error.type']

let recorded: Spans
beforeEach(() => {
  recorded = spans()
})
afterEach(() => recorded.stop())

const corrupt = () => {
  throw new BlockgateError('corrupt-block', 'the index must begin with its magic')
}
/** The lease is lost while the block is read; nothing newer can be asked for: the story ends there. */
const losing = () => {
  const own = scriptedOwnership([1])
  own.servedByOthers.add(1)
  return { own: { ...own, epoch: () => 1 }, during: () => own.lose(1) }
}
const marked = async () => {
  const bucket = await bucketOf(1)
  const mark = { id: testId(1), version: 1, deletion_time: NOW / 1000 - 86_400 * 3 }
  await bucket.put(`${testId(1)}/deletion-mark.json`, bytes(mark), { signal })
  return bucket
}

/** What is played, and the lines of the block; it and the run are linked to each other. */
interface Story {
  readonly bucket?: () => Promise<Bucket>
  readonly own?: OwnershipPlugin
  readonly during?: () => void
  readonly gets?: number
  readonly block: string
}

/** The filters let the block go on. */
const PASSED = `
  block.time-range block.outcome=passed
    block.not-deleted block.outcome=passed`

const STORIES: Readonly<Record<string, () => Story>> = {
  added: () => ({
    block: `block added block.outcome=added ~> sync.run${PASSED}
  block.owned block.outcome=added
    ownership.claim ownership.status=granted
    block.memory block.outcome=added
      bucket.get`,
  }),
  'skipped by a filter': () => ({
    bucket: marked,
    gets: 2,
    block: `block skipped marked-for-deletion block.outcome=skipped block.outcome.by=not-deleted block.outcome.reason=marked-for-deletion ~> sync.run
  block.time-range block.outcome=skipped
    block.not-deleted block.outcome=skipped block.outcome.reason=marked-for-deletion`,
  }),
  denied: () => ({
    own: scriptedOwnership([]),
    block: `block skipped not-owner block.outcome=skipped block.outcome.by=owned block.outcome.reason=not-owner ownership.status=denied ~> sync.run${PASSED}
  block.owned block.outcome=skipped block.outcome.reason=not-owner
    ownership.claim block.outcome.reason=not-owner ownership.status=denied`,
  }),
  failed: () => ({
    during: corrupt,
    block: `block failed corrupt-block block.outcome=failed block.outcome.by=memory block.outcome.reason=corrupt-block error.type=corrupt-block ~> sync.run !error${PASSED}
  block.owned block.outcome=failed
    ownership.claim ownership.status=granted
    block.memory block.outcome=failed error.type=corrupt-block !error
      bucket.get`,
  }),
  'lease lost mid-add': () => ({
    ...losing(),
    block: `block skipped lease-lost block.outcome=skipped block.outcome.by=owned block.outcome.reason=lease-lost ~> sync.run${PASSED}
  block.owned block.outcome=skipped block.outcome.reason=lease-lost
    ownership.claim ownership.status=granted
    block.memory block.outcome=failed error.type=lease-lost !error
      bucket.get`,
  }),
}

it.each(Object.entries(STORIES))('the story of a block that is %s', async (_, story) => {
  const { bucket = () => bucketOf(1), own = scriptedOwnership([1]), during, gets = 1, block } = story()
  const { gateway } = await scene(await bucket(), own, readingSink(during))
  await gateway.sync()
  const source = ['  source.scan-bucket', '    bucket.list', ...Array(gets).fill('    bucket.get')]
  const run = [`sync.run ~> ${block.slice(0, block.indexOf(' block.outcome'))}`, ...source, '  set.dedup'].join('\n')
  expect(recorded.tree({ attributes })).toBe(`${run}\n${block}`)
})

it('the run and each block say which gateway it was', async () => {
  const { gateway } = await scene(await bucketOf(1), scriptedOwnership([1]), readingSink())
  await gateway.sync()
  const of = recorded.finished().filter(span => 'blockgate.instance.id' in span.attributes)
  expect(of.map(span => `${span.name} ${span.attributes['blockgate.instance.id']}`)).toEqual([
    'block added blockgate',
    'sync.run blockgate',
  ])
})

describe('a block whose verdict stays the same is quiet', () => {
  it('a loaded block that stays loaded, and a skip for the same reason, make no spans', async () => {
    const { gateway } = await scene(await bucketOf(1, 2), scriptedOwnership([1]), readingSink())
    await gateway.sync()
    recorded.reset()
    await gateway.sync()
    expect(recorded.tree()).toMatchInlineSnapshot(`
      "sync.run
        source.scan-bucket
          bucket.list
        set.dedup"
    `)
  })

  it('another verdict makes the whole trace, from the stage that let it go on this time', async () => {
    const ownership = scriptedOwnership([])
    const { gateway } = await scene(await bucketOf(1), ownership, readingSink())
    await gateway.sync()
    recorded.reset()
    ownership.gain(1)
    await gateway.sync()
    expect(recorded.tree({ attributes })).toMatchInlineSnapshot(`
      "sync.run ~> block added
        source.scan-bucket
          bucket.list
        set.dedup
      block added block.outcome=added ~> sync.run, (unknown)
        block.time-range block.outcome=passed
          block.not-deleted block.outcome=passed
        block.owned block.outcome=added
          ownership.claim ownership.status=granted
          block.memory block.outcome=added
            bucket.get"
    `)
  })

  it('all tries of a block are one trace, and only the stage that raised the error carries it', async () => {
    let broken = true
    const { promise: failed, resolve } = Promise.withResolvers<void>()
    const sink = readingSink(() => {
      if (!broken) return
      broken = false
      resolve()
      throw new Error('connection reset')
    })
    const { gateway, host } = await scene(await bucketOf(1), scriptedOwnership([1]), sink)
    const run = gateway.sync()
    await failed
    let over = false
    void run.finally(() => {
      over = true
    })
    while (!over) await host.advance(1_000)
    await run
    expect(recorded.tree({ attributes: ['block.attempt', 'block.outcome'] })).toMatchInlineSnapshot(`
      "sync.run ~> block added
        source.scan-bucket
          bucket.list
          bucket.get
        set.dedup
      block added block.attempt=2 block.outcome=added ~> sync.run
        block.time-range block.outcome=passed
          block.not-deleted block.outcome=passed
        block.owned block.outcome=failed
          ownership.claim
          block.memory block.outcome=failed !error
            bucket.get
        wait
        block.owned block.attempt=2 block.outcome=added
          ownership.claim
          block.memory block.outcome=added
            bucket.get"
    `)
  })
})

it('without a tracer nothing is written down, and everything works', async () => {
  recorded.stop()
  const { gateway } = await scene(await bucketOf(1, 2), scriptedOwnership([1]), readingSink())
  expect((await gateway.sync()).summary.blocks).toMatchObject({ added: 1, skipped: 1 })
})
