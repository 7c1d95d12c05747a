import {
  type BlockMeta,
  type BlockStage,
  type Explanation,
  gateway,
  owned,
  type Pipeline,
  resolveConfig,
  type SetStage,
  skip,
} from 'blockgate'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { memory } from 'blockgate/plugins/sink/memory'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import {
  candidate,
  fakeHost,
  memoryBucket,
  memoryState,
  type Spans,
  spans,
  storedBlocks,
  testId,
} from 'blockgate/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { blocks, numberOf, scriptedOwnership, type World, world } from '../support/world.ts'

const { signal } = new AbortController()
const explain = (w: World, n: number) => w.gateway.explain(testId(n), signal)

/** `passed`, `skipped odd`, … by stage, in list order. */
function lines({ steps }: Explanation): string[] {
  return steps.map(({ stage, kind, verdict, reason }) => [kind, stage, verdict, reason].filter(Boolean).join(' '))
}

/** Skips odd blocks, and writes down which it was asked for. */
function even(asked: number[] = []): BlockStage {
  return {
    kind: 'block',
    name: 'even',
    async handle(block, next) {
      const n = numberOf(block.id)
      asked.push(n)
      return n % 2 === 0 ? next() : skip('odd', { detail: `${n} is odd` })
    },
  }
}

/** Only the first block it sees goes on: its answer depends on what is put before it. */
function firstOnly(seen: number[] = []): SetStage {
  return {
    kind: 'set',
    name: 'first-only',
    select(all) {
      seen.push(...all.map(block => numberOf(block.meta.ulid)))
      return all.map(({ meta }, i) => (i === 0 ? { id: meta.ulid } : { id: meta.ulid, skip: 'not-first' }))
    },
  }
}

it('an observer writes no state: also no cache of the metas that it read', async () => {
  const bucket = memoryBucket()
  const [block] = await storedBlocks(bucket)
  const sets: string[] = []
  const state = { ...memoryState(), set: async (key: string) => void sets.push(key) }
  const config = await resolveConfig({ bucket, pipeline: [scanBucket(), memory()] }, { env: {} })
  const observed = gateway(config, { host: fakeHost(), state, observer: true })
  const { view } = await observed.explain(block?.meta.ulid ?? testId(1), signal)
  expect([view, sets]).toEqual([{ complete: true, blocks: 3 }, []])
  await observed.stop()
  expect(sets).toEqual([])
})

describe('explain', () => {
  it('tells each stage on the way of a block that nothing keeps out, without asking for a claim', async () => {
    const ownership = scriptedOwnership([2], { handover: false })
    const w = await world({ list: blocks(1, 2), stages: [even(), firstOnly()], ownership })
    const told = await explain(w, 2)
    expect(lines(told)).toEqual([
      'source scripted passed',
      'block even passed',
      'set first-only passed',
      'block owned at-add',
      'sink scripted-sink at-add',
    ])
    expect(told).toMatchObject({ verdict: 'passed', loaded: false, view: { complete: true, blocks: 2 } })
    expect(told.steps[3]?.detail).toBe('claim() of scripted-ownership is asked at the add')
    expect(ownership.log).toEqual([])
    expect(w.sink.log).toEqual([])
  })

  it('asks no stage behind the one that skips the block', async () => {
    const seen: number[] = []
    const told = await explain(await world({ list: blocks(1, 2), stages: [even(), firstOnly(seen)] }), 1)
    const rest = ['set first-only not-asked', 'block owned not-asked', 'sink scripted-sink not-asked']
    expect(lines(told)).toEqual(['source scripted passed', 'block even skipped odd', ...rest])
    expect([told.verdict, told.steps[1]?.detail, seen]).toEqual(['skipped', '1 is odd', []])
  })

  it('gives a set stage every block that passed the stages before it, in their order, and no other', async () => {
    const seen: number[] = []
    const w = await world({ list: blocks(3, 4, 1, 2, 6), stages: [even(), firstOnly(seen)] })
    expect(lines(await explain(w, 6))[2]).toBe('set first-only skipped not-first')
    expect(seen).toEqual([4, 2, 6])
  })

  it('gives a second set stage what the first let through, in its order', async () => {
    const seen: number[] = []
    const reversed: SetStage = {
      kind: 'set',
      name: 'reversed',
      select: all =>
        all.toReversed().map(({ meta: { ulid: id } }) => (numberOf(id) === 2 ? { id, skip: 'two' } : { id })),
    }
    const w = await world({ list: blocks(1, 2, 3), stages: [reversed, firstOnly(seen)] })
    expect(lines(await explain(w, 1))[2]).toBe('set first-only skipped not-first')
    expect(seen).toEqual([3, 1])
  })

  it('names the block that supersedes this one', async () => {
    const child = candidate({ ulid: testId(1), compaction: { level: 1, sources: [testId(1)] } })
    const parent = candidate({ ulid: testId(9), compaction: { level: 2, sources: [testId(1), testId(2)] } })
    const told = await explain(await world({ list: [child, parent], stages: [dedup()] }), 1)
    const step = { stage: 'dedup', kind: 'set', verdict: 'skipped', reason: 'duplicate', supersededBy: testId(9) }
    expect(told.steps[1]).toEqual(step)
  })

  it('charges a failure to the stage that raised it, with its code', async () => {
    const broken: BlockStage = { kind: 'block', name: 'broken', handle: () => Promise.reject(new Error('no disk')) }
    const told = await explain(await world({ list: blocks(1), stages: [even(), broken].slice(1) }), 1)
    expect(told.steps[1]).toMatchObject({ verdict: 'failed', reason: 'stage-failed', detail: 'no disk' })
    expect(told.verdict).toBe('failed')
  })

  it('charges a skip after next() to the stage that made it, and tells that the stages below were passed', async () => {
    const handle: BlockStage['handle'] = async (_, next) => {
      await next()
      return skip('changed-my-mind')
    }
    const after: BlockStage = { kind: 'block', name: 'after', handle }
    const w = await world({ list: blocks(2), stages: [after, even()] })
    expect(lines(await explain(w, 2)).slice(1, 3)).toEqual(['block after skipped changed-my-mind', 'block even passed'])
  })

  it.each([1, 2])('tells why a block has its owners, whoever they are: block %i', async n => {
    const ownership = scriptedOwnership([2])
    Object.assign(ownership.handover ?? {}, { why: (block: BlockMeta) => `because of ${block.ulid}` })
    const told = await explain(await world({ list: blocks(1, 2), ownership }), n)
    expect(told.steps[1]).toMatchObject({ verdict: n === 2 ? 'passed' : 'skipped', detail: `because of ${testId(n)}` })
  })

  it('asks the handover for the owners of a block that somebody else is to hold', async () => {
    const ownership = scriptedOwnership([2])
    const w = await world({ list: blocks(1, 2), ownership })
    expect(lines(await explain(w, 2)).slice(1)).toEqual(['block owned passed', 'sink scripted-sink at-add'])
    const told = await explain(w, 1)
    expect(lines(told).slice(1)).toEqual(['block owned skipped not-owner', 'sink scripted-sink not-asked'])
    expect(told.steps[1]?.owners?.map(o => [o.member, o.target])).toEqual([
      ['me', false],
      ['other', true],
    ])
    // Neither a claim, nor anything published to the peers.
    expect(ownership.log).toEqual([])
  })

  it('says that the owner cannot be known now', async () => {
    const ownership = Object.assign(scriptedOwnership([1]), { unavailable: true })
    const told = await explain(await world({ list: blocks(1), ownership }), 1)
    expect(told.steps[1]).toMatchObject({ verdict: 'skipped', reason: 'ownership-unavailable' })
  })

  it('tells that the sink holds a block, also where a stage keeps it out', async () => {
    const w = await world({ list: blocks(1, 2), stages: [even()] })
    w.sink.hold(...blocks(1, 2))
    expect(lines(await explain(w, 2)).at(-1)).toBe('sink scripted-sink passed')
    const odd = await explain(w, 1)
    expect([odd.verdict, odd.loaded]).toEqual(['skipped', true])
    expect(w.sink.numbers).toEqual([1, 2])
  })

  it('tells of a block that is not in the view, and whether the view was complete', async () => {
    const w = await world({ list: blocks(1) })
    expect(await explain(w, 7)).toMatchObject({ verdict: 'absent', steps: [], view: { complete: true, blocks: 1 } })
    w.source.complete = false
    expect(await explain(w, 7)).toMatchObject({ verdict: 'absent', view: { complete: false } })
  })

  it('tells why the source cannot offer a block that it saw', async () => {
    const w = await world({ list: blocks(1) })
    w.source.partial = [
      { id: testId(2), reason: 'no-meta-json', keep: false },
      { id: testId(3), reason: 'unreadable', error: new Error('503'), keep: true },
    ]
    const unfinished = await explain(w, 2)
    expect([unfinished.verdict, unfinished.steps[0]]).toEqual([
      'partial',
      { stage: 'scripted', kind: 'source', verdict: 'skipped', reason: 'no-meta-json', detail: undefined },
    ])
    const broken = await explain(w, 3)
    expect(broken.steps[0]).toMatchObject({ verdict: 'failed', reason: 'unreadable', detail: '503' })
    expect(broken.view.blocks).toBe(3)
  })

  it('fails where no run could tell either: the source failed, or a set stage', async () => {
    const w = await world({ list: blocks(1), stages: [{ kind: 'set', name: 'broken', select: () => [] }] })
    await expect(explain(w, 1)).rejects.toThrow('selection-invalid')
    w.source.error = new Error('403')
    await expect(explain(w, 1)).rejects.toThrow('listing-failed: 403')
  })

  it.each([
    ['also behind the last set stage', []],
    ['before a set stage', [firstOnly()]],
  ])('ends with its signal, %s', async (_, behind) => {
    const abort = new AbortController()
    const handle: BlockStage['handle'] = async (_, next) => {
      abort.abort(new Error('enough'))
      return next()
    }
    const stages = [{ kind: 'block', name: 'aborting', handle } as const, ...behind]
    const w = await world({ list: blocks(1, 2), stages })
    await expect(w.gateway.explain(testId(1), abort.signal)).rejects.toThrow('enough')
  })
})

describe('the traces of an explain', () => {
  let recorded: Spans | undefined
  afterEach(() => recorded?.stop())

  it('are none: not of the source, the stages, a barrier or the bucket', async () => {
    const bucket = memoryBucket()
    for (const { meta } of await storedBlocks(bucket, { count: 3, chunkBytes: 10 })) {
      const { ulid, minTime, maxTime } = meta
      const text = JSON.stringify({ version: 1, ulid, minTime, maxTime })
      await bucket.put(`${ulid}/meta.json`, new TextEncoder().encode(text), { signal })
    }
    const { sink } = await world()
    const pipeline: Pipeline = [scanBucket(), even(), dedup(), owned(() => true), sink]
    const config = await resolveConfig({ bucket, pipeline }, { env: {} })
    const made = gateway(config, { host: fakeHost(), state: memoryState() })
    recorded = spans()
    expect(await made.explain(testId(2), signal)).toMatchObject({ verdict: 'passed', view: { blocks: 3 } })
    expect(recorded.tree()).toBe('')
    await made.sync()
    expect(recorded.tree()).toContain('sync.run')
    await made.stop()
  })
})
