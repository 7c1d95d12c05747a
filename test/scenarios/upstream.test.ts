/** Known failures upstream, each with what we do instead; the numbers are the rows of docs/architecture.md. */
import { BlockgateError, type Candidate, type SetStage } from 'blockgate'
import { candidate, settle, testId } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { held, synced } from '../support/syncs.ts'
import { blocks, numberOf, scriptedOwnership, told, world } from '../support/world.ts'

const newestFirst: SetStage = {
  kind: 'set',
  name: 'newest-first',
  select: list => list.toSorted((a, b) => b.meta.maxTime - a.meta.maxTime).map(b => ({ id: b.meta.ulid })),
}

/** The parent supersedes its sources, as dedup says it. */
const dedup: SetStage = {
  kind: 'set',
  name: 'dedup',
  select: list =>
    list.map(({ meta }) => {
      const parent = list.find(p => p.meta.ulid !== meta.ulid && p.meta.compaction.sources.includes(meta.ulid))
      return parent ? { id: meta.ulid, skip: 'duplicate', supersededBy: parent.meta.ulid } : { id: meta.ulid }
    }),
}

const parentOf = (n: number, ...children: number[]): Candidate =>
  candidate({ ulid: testId(n), compaction: { level: 2, sources: children.map(c => testId(c)) } })

it('row 1: ownership is asked at the moment of the add, not at the start of the sync (thanos #8029)', async () => {
  const ownership = scriptedOwnership([1, 2, 3])
  const made = await world({ list: blocks(1, 2, 3), ownership, concurrency: 1 })
  const { sink } = made
  const { go } = await held(made, 1)
  ownership.lose(2)
  expect(told(await go())).toEqual({ 1: 'added', 2: 'skipped owned not-owner', 3: 'added' })
  expect(sink.log).not.toContain('prepare 2')
})

it('row 1: ownership is verified again between the load and the moment the block is served', async () => {
  const ownership = scriptedOwnership([1])
  ownership.servedByOthers.add(1)
  const { gateway, sink } = await world({ list: blocks(1), ownership })
  const go = sink.deaf(1) // the load does not notice that its lease was lost
  const run = gateway.sync()
  await settle()
  ownership.lose(1)
  go()
  expect(told(await run)).toEqual({ 1: 'skipped owned not-owner' })
  expect(sink.log).toEqual(['prepare 1'])
})

it('row 2: a block gained during the sync is offered again in the same run, ahead of what still waits', async () => {
  const ownership = scriptedOwnership([2, 3])
  const made = await world({ list: blocks(1, 2, 3), ownership, concurrency: 1 })
  const { sink } = made
  const { go } = await held(made, 2)
  ownership.gain(1)
  await settle()
  const result = await go()
  expect(sink.log).toEqual(['prepare 2', 'commit 2', 'prepare 1', 'commit 1', 'prepare 3', 'commit 3'])
  expect(result.summary.blocks).toMatchObject({ seen: 3, added: 3 })
})

it('row 3: an add in flight for a block that was lost is aborted where somebody serves the block', async () => {
  const ownership = scriptedOwnership([1, 2])
  ownership.servedByOthers.add(1)
  const { gateway, sink } = await world({ list: blocks(1, 2), ownership })
  sink.gate(1)
  const go = sink.gate(2)
  const run = gateway.sync()
  await settle()
  ownership.lose(1, 2)
  await settle()
  expect(sink.log).toEqual(['prepare 1', 'prepare 2', 'abort 1'])
  go()
  // Nobody serves block 2: its load is finished. A copy too many is harmless.
  expect(told(await run)).toEqual({ 1: 'skipped owned not-owner', 2: 'added' })
})

it('row 7: one bad block fails alone, the rest goes on', async () => {
  const { gateway, source, sink } = await world({ list: blocks(1, 3) })
  const error = new BlockgateError('corrupted-meta-json', 'meta.json: version: must be 1: current value is 20')
  source.partial = [{ id: testId(2), reason: 'corrupted-meta-json', error, keep: true }]
  const { summary, status } = await gateway.sync()
  expect(status).toBe('done')
  expect(sink.numbers).toEqual([1, 3])
  expect(summary.failures).toEqual([
    { block: testId(2), by: 'scripted', code: 'corrupted-meta-json', message: error.rawMessage },
  ])
  expect(gateway.catalogue.get(testId(2))).toMatchObject({ state: 'partial', reason: 'corrupted-meta-json' })
})

it('row 8: a listing error is an incomplete view: what was seen is added, nothing is dropped', async () => {
  const { gateway, source, sink } = await world({ list: blocks(1, 2) })
  sink.hold(...blocks(8, 9))
  source.complete = false
  for (let i = 0; i < 3; i++) await gateway.sync()
  expect(sink.numbers).toEqual([8, 9, 1, 2])
  expect(gateway.results.at(-1)?.summary).toMatchObject({
    run: { complete: false },
    blocks: { retained: 2, dropped: 0 },
  })
})

it('row 9: blocks are served as they come, newest first', async () => {
  const made = await world({ list: blocks(1, 2, 3), stages: [newestFirst], concurrency: 1 })
  const { sink } = made
  const { go } = await held(made, 2)
  expect(sink.numbers).toEqual([3])
  await go()
  expect(sink.numbers).toEqual([3, 2, 1])
})

it('row 10: a block that failed to load is tried again with backoff inside the run, then by the next run', async () => {
  const { gateway, sink, host } = await world({ list: blocks(1, 2) })
  sink.fail(1, ...Array.from({ length: 4 }, (_, i) => new Error(`try ${i + 1}`)))
  const run = gateway.sync()
  const tries: number[] = []
  for (let i = 0; i < 20; i++) {
    await host.advance(500)
    tries.push(sink.log.filter(l => l === 'prepare 1').length)
  }
  // At once, after 0.5–1 s, after 1–2 s more, after 2–4 s more; then no more in this run.
  expect(tries[0]).toBe(1)
  expect(new Set(tries)).toEqual(new Set([1, 2, 3, 4]))
  const first = await run
  expect(first.summary.blocks).toMatchObject({ seen: 2, added: 1, failed: 1 })
  expect(first.summary.failures).toMatchObject([{ by: 'scripted-sink', message: 'try 4' }])
  expect(told(await gateway.sync())).toEqual({ 1: 'added', 2: 'unchanged' })
})

it('row 12: every block has an outcome and a reason, the same word in the catalogue and in the summary', async () => {
  const ownership = scriptedOwnership([2])
  const { gateway } = await world({ list: blocks(1, 2), ownership })
  const { summary } = await gateway.sync()
  expect(summary.stages.find(s => s.name === 'owned')?.skipped).toEqual({ 'not-owner': 1 })
  expect(gateway.catalogue.get(testId(1))).toMatchObject({
    state: 'skipped',
    by: 'owned',
    reason: 'not-owner',
    events: [{ run: summary.run.id, kind: 'skipped', by: 'owned', reason: 'not-owner' }],
  })
  expect(gateway.catalogue.counts()).toEqual({ serving: 1, skipped: 1 })
})

it('row 15: a run older than the interval lists again and puts what is new first', async () => {
  const { gateway, sink, source, host } = await world({
    list: blocks(1, 2, 3),
    stages: [newestFirst],
    concurrency: 2,
    every: '1m',
  })
  const go = [sink.gate(3), sink.gate(2)]
  const run = gateway.sync()
  await settle()
  source.list = blocks(1, 2, 3, 4, 5)
  await host.advance(60_000)
  expect(source.listings).toBe(1) // both lanes are busy: listing again waits for one
  go[0]?.()
  await settle()
  expect(source.listings).toBe(2)
  expect(sink.log.slice(2)).toEqual([
    'commit 3',
    'prepare 5',
    'commit 5',
    'prepare 4',
    'commit 4',
    'prepare 1',
    'commit 1',
  ])
  go[1]?.()
  expect((await run).summary.blocks).toMatchObject({ seen: 5, added: 5 })
})

it('row 16: children linger until the parent is served by its owners', async () => {
  const ownership = scriptedOwnership([1, 2])
  const { gateway, sink, source } = await world({ list: blocks(1, 2), stages: [dedup], ownership })
  await gateway.sync()
  source.list = [...blocks(1, 2), parentOf(3, 1, 2)]
  const waiting = await gateway.sync()
  expect(told(waiting)).toEqual({
    1: 'skipped dedup duplicate',
    2: 'skipped dedup duplicate',
    3: 'skipped owned not-owner',
  })
  expect(sink.numbers).toEqual([1, 2])
  expect(gateway.catalogue.get(testId(1))?.state).toBe('pending-hand-off')
  expect(ownership.log).toContain('release 1 needs 3: kept')
  ownership.servedByOthers.add(3)
  const after = await gateway.sync()
  expect(after.summary.blocks.dropped).toBe(2)
  expect(sink.numbers).toEqual([])
})

it('row 16: without a handover, children stay until the parent is served here', async () => {
  const { gateway, sink, source, host } = await synced({ list: blocks(1, 2), stages: [dedup] })
  source.list = [...blocks(1, 2), parentOf(3, 1, 2)]
  sink.fail(3, ...Array.from({ length: 4 }, () => new Error('503')))
  const run = gateway.sync()
  await host.advance(60_000)
  await run
  expect(sink.numbers).toEqual([1, 2])
  expect(gateway.catalogue.get(testId(2))).toMatchObject({ state: 'pending-hand-off', reason: 'superseded' })
  await gateway.sync()
  expect(sink.log.slice(-4)).toEqual(['prepare 3', 'commit 3', 'drop 1', 'drop 2'])
  expect(sink.numbers.map(String)).toEqual([String(numberOf(testId(3)))])
})
