/** The six rules of dropping. A loaded block is dropped only on positive knowledge. */
import { type BlockStage, type RunResult, type StateStore, skip } from 'blockgate'
import { memoryState, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { blocks, numberOf, scriptedOwnership, world } from '../support/world.ts'

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
const refuse = (name: string, reason: string, retain: boolean, which: (n: number) => boolean): BlockStage => ({
  kind: 'block',
  name,
  handle: async (block, next) => (which(numberOf(block.id)) ? skip(reason, { retain }) : next()),
})

describe('rule 1: an incomplete view adds and never drops', () => {
  it('keeps what is absent, filtered or denied', async () => {
    const ownership = scriptedOwnership([1, 2], { handover: false })
    const { gateway, source, sink } = await world({
      list: blocks(2, 3, 4),
      stages: [refuse('time-range', 'time-excluded', false, n => n === 3)],
      ownership,
    })
    sink.hold(...blocks(1, 3, 4))
    source.complete = false
    await gateway.sync()
    await gateway.sync()
    expect(sink.numbers).toEqual([1, 3, 4, 2])
    source.complete = true
    await gateway.sync()
    expect(sink.numbers).toEqual([1, 2])
  })

  it('believes an absence after two complete views in a row, and forgets it when the block is seen again', async () => {
    const { gateway, source, sink } = await world({ list: blocks(1, 2) })
    await gateway.sync()
    source.list = blocks(2)
    expect((await gateway.sync()).summary.blocks).toMatchObject({ retained: 1, dropped: 0 })
    source.list = blocks(1, 2)
    await gateway.sync()
    source.list = blocks(2)
    await gateway.sync()
    expect(sink.numbers).toEqual([1, 2])
    expect((await gateway.sync()).summary.blocks).toMatchObject({ retained: 0, dropped: 1 })
    expect(sink.numbers).toEqual([2])
    expect(gateway.catalogue.get(testId(1))).toBeUndefined()
  })

  it('counts a partial block without a meta as absent, and keeps one that is corrupt or unreadable', async () => {
    const { gateway, source, sink } = await world({ list: blocks(1, 2, 3) })
    await gateway.sync()
    source.list = []
    source.partial = [
      { id: testId(1), reason: 'no-meta-json', keep: false },
      { id: testId(2), reason: 'corrupted-meta-json', error: new Error('bad'), keep: true },
      { id: testId(3), reason: 'unreadable', error: new Error('503'), keep: true },
    ]
    await gateway.sync()
    expect(sink.numbers).toEqual([1, 2, 3])
    await gateway.sync()
    await gateway.sync()
    expect(sink.numbers).toEqual([2, 3])
  })
})

describe('rule 2: ownership that is unknown keeps what is loaded and adds nothing', () => {
  it.each([[true], [false]])('with a handover: %s', async handover => {
    const ownership = scriptedOwnership([], { handover })
    ownership.unavailable = true
    const { gateway, sink } = await world({ list: blocks(1, 2), ownership })
    sink.hold(...blocks(1))
    await gateway.sync()
    expect(sink.numbers).toEqual([1])
    expect(sink.log).toEqual([])
    expect(ownership.log.filter(l => l.startsWith('release'))).toEqual([])
  })
})

describe('rule 3: a block that is not mine goes only when its release is granted', () => {
  it('lingers until others serve it, however often it is looked at', async () => {
    const ownership = scriptedOwnership([1])
    const { gateway, sink } = await world({ list: blocks(1), ownership })
    await gateway.sync()
    ownership.lose(1)
    for (let i = 0; i < 5; i++) await gateway.sync()
    expect(sink.numbers).toEqual([1])
    expect(gateway.catalogue.get(testId(1))).toMatchObject({ state: 'last-copy', reason: 'last-copy', by: 'owned' })
    ownership.servedByOthers.add(1)
    ownership.releasable = new Set()
    await gateway.sync()
    expect(sink.numbers).toEqual([1])
    const pending = 'pending-hand-off'
    expect(gateway.catalogue.get(testId(1))).toMatchObject({ state: pending, reason: pending, by: 'owned' })
    ownership.releasable = undefined
    await gateway.sync()
    expect(sink.numbers).toEqual([])
    expect(ownership.log.slice(-1)).toEqual(['release 1 needs 1: released'])
  })

  it('keeps the block when the answer to the release is lost', async () => {
    const ownership = scriptedOwnership([1])
    const { gateway, sink } = await world({ list: blocks(1), ownership })
    await gateway.sync()
    ownership.lose(1)
    Object.assign(ownership.handover ?? {}, { release: () => Promise.reject(new Error('timeout')) })
    await gateway.sync()
    expect(sink.numbers).toEqual([1])
    expect(gateway.catalogue.get(testId(1))).toMatchObject({ state: 'serving', reason: 'ownership-unavailable' })
  })

  it('never claims a loaded block again where the plugin has a handover', async () => {
    const ownership = scriptedOwnership([1])
    const { gateway } = await world({ list: blocks(1), ownership })
    await gateway.sync()
    await gateway.sync()
    expect(ownership.log.filter(l => l === 'claim 1')).toHaveLength(1)
  })

  it('drops at once what claim() denies where the plugin has no handover', async () => {
    const ownership = scriptedOwnership([1, 2], { handover: false })
    const { gateway, sink } = await world({ list: blocks(1, 2), ownership })
    await gateway.sync()
    ownership.lose(1)
    expect((await gateway.sync()).summary.blocks.dropped).toBe(1)
    expect(sink.numbers).toEqual([2])
  })
})

// Rule 4, superseded blocks, is row 16 of test/scenarios/upstream.test.ts.

describe('rule 5: a loaded block whose add failed stays', () => {
  it('and its failure is told', async () => {
    let broken = false
    const flaky: BlockStage = {
      kind: 'block',
      name: 'flaky',
      async handle(_, next) {
        if (broken) throw new Error('no')
        return next()
      },
    }
    const { gateway, sink, host } = await world({ list: blocks(1), stages: [flaky] })
    await gateway.sync()
    broken = true
    const run = gateway.sync()
    await host.advance(120_000)
    expect((await run).summary).toMatchObject({ blocks: { failed: 1, retained: 1 }, failures: [{ by: 'flaky' }] })
    expect(sink.numbers).toEqual([1])
  })
})

describe('rule 6: too many drops at once need a word', () => {
  const gone = async (total: number, lost: number) => {
    const made = await world({ list: blocks(...range(1, total)) })
    await made.gateway.sync()
    made.source.list = blocks(...range(lost + 1, total))
    await made.gateway.sync()
    return made
  }

  it('stops before dropping more than ten and a fifth, keeps everything, and asks', async () => {
    const { gateway, sink } = await gone(40, 11)
    const result = await gateway.sync()
    expect(result).toMatchObject({ status: 'done', unconfirmed: 11 })
    expect(result.summary.blocks).toMatchObject({ dropped: 0, retained: 11 })
    expect(gateway.catalogue.get(testId(1))).toMatchObject({ state: 'serving', reason: 'drops-need-confirmation' })
    expect((await gateway.sync({ confirmDrops: true })).summary.blocks.dropped).toBe(11)
    expect(sink.numbers).toHaveLength(29)
  })

  it.each([
    [11, 10, 10],
    [10, 10, 0],
    [1, 1, 0],
    [100, 20, 20],
    [100, 21, 0],
  ])('of %i loaded, %i gone: %i are dropped without asking', async (total, lost, dropped) => {
    const { gateway } = await gone(total, lost)
    expect((await gateway.sync()).summary.blocks.dropped).toBe(dropped)
  })

  it('does not count drops for ownership', async () => {
    const ownership = scriptedOwnership(range(1, 40), { handover: false })
    const { gateway, sink } = await world({ list: blocks(...range(1, 40)), ownership })
    await gateway.sync()
    ownership.lose(...range(1, 30))
    expect(await gateway.sync()).toMatchObject({ unconfirmed: 0, summary: { blocks: { dropped: 30 } } })
    expect(sink.numbers).toHaveLength(10)
  })
})

describe('rule 6: nothing of what was loaded is left', () => {
  const kept = ({ summary, unconfirmed }: RunResult) => [summary.blocks.dropped, unconfirmed]

  it('an empty view asks at once and for as long as it lasts, and who answers drops at once', async () => {
    const { gateway, source, sink, host } = await world({ list: blocks(1, 2, 3, 4, 5) })
    await gateway.sync()
    source.list = []
    for (let i = 0; i < 4; i++) expect(kept(await gateway.sync())).toEqual([0, 5])
    expect(gateway.catalogue.get(testId(1))).toMatchObject({ state: 'serving', reason: 'drops-need-confirmation' })
    const [line] = host.lines.filter(l => l.level === 'warn')
    expect(line?.message).toContain('blockgate sync --confirm-drops')
    expect(line?.message).toContain('POST /api/v1/sync {"confirmDrops":true}')
    expect(line?.fields).toMatchObject({ blocks: 5, loaded: 5, seen: 0 })
    expect(kept(await gateway.sync({ confirmDrops: true }))).toEqual([5, 0])
    expect(sink.numbers).toEqual([])
  })

  it('asks also where a damaged copy was thrown away before the bucket was looked at', async () => {
    const { gateway, source, sink } = await world({ list: blocks(1, 2, 3) })
    await gateway.sync()
    source.list = []
    Object.assign(sink, { damaged: () => new Set([testId(1)]) })
    expect(kept(await gateway.sync())).toEqual([0, 2])
    expect(sink.numbers).toEqual([2, 3])
  })

  it('asks after a restart, when the first view is empty, and one answer is enough', async () => {
    const { gateway, sink } = await world()
    sink.hold(...blocks(1, 2))
    expect(kept(await gateway.sync())).toEqual([0, 2])
    expect(kept(await gateway.sync({ confirmDrops: true }))).toEqual([2, 0])
  })

  it('goes on asking for the blocks of the old bucket after a restart, when those of another one are loaded beside them', async () => {
    const state = memoryState()
    const before = await world({ list: blocks(1, 2, 3), state })
    await before.gateway.sync()
    before.source.list = blocks(4, 5, 6)
    await before.gateway.sync()
    await before.gateway.stop()
    const after = await world({ list: blocks(4, 5, 6), state, sink: before.sink })
    for (let i = 0; i < 3; i++) expect(kept(await after.gateway.sync())).toEqual([0, 3])
    expect(kept(await after.gateway.sync({ confirmDrops: true }))).toEqual([3, 0])
    await after.gateway.stop()
    const last = await world({ list: blocks(4, 5), state, sink: before.sink })
    await last.gateway.sync()
    expect(kept(await last.gateway.sync())).toEqual([1, 0])
  })

  it('goes on without a state store that fails', async () => {
    const state: StateStore = { ...memoryState(), set: () => Promise.reject(new Error('disk')) }
    const { gateway, sink, host } = await world({ state })
    sink.hold(...blocks(1))
    expect(kept(await gateway.sync())).toEqual([0, 1])
    expect(host.lines.map(line => line.fields.error)).toContain('disk')
    expect(kept(await gateway.sync())).toEqual([0, 1])
  })

  it('the first run may be the one that was confirmed', async () => {
    const { gateway, sink } = await world({ list: blocks(3) })
    sink.hold(...blocks(1, 2))
    expect(kept(await gateway.sync({ confirmDrops: true }))).toEqual([2, 0])
    expect(sink.numbers).toEqual([3])
  })

  it('a confirmation is no second listing where only some blocks are absent', async () => {
    const { gateway, source, sink } = await world({ list: blocks(1, 2) })
    await gateway.sync()
    source.list = blocks(2)
    expect(kept(await gateway.sync({ confirmDrops: true }))).toEqual([0, 0])
    expect(sink.numbers).toEqual([1, 2])
  })

  it('an incomplete view neither asks nor answers', async () => {
    const { gateway, source, sink } = await world({ list: blocks(1, 2) })
    await gateway.sync()
    source.list = []
    source.complete = false
    expect(kept(await gateway.sync({ confirmDrops: true }))).toEqual([0, 0])
    source.complete = true
    expect(kept(await gateway.sync())).toEqual([0, 2])
    source.complete = false
    expect(kept(await gateway.sync({ confirmDrops: true }))).toEqual([0, 2])
    source.error = new Error('503')
    expect(kept(await gateway.sync({ confirmDrops: true }))).toEqual([0, 2])
    expect(sink.numbers).toEqual([1, 2])
  })

  it('another bucket asks for the old blocks, also after its own are loaded', async () => {
    const { gateway, source, sink } = await world({ list: blocks(1, 2, 3) })
    await gateway.sync()
    source.list = blocks(4, 5, 6)
    for (let i = 0; i < 4; i++) expect(kept(await gateway.sync())).toEqual([0, 3])
    expect(sink.numbers).toEqual([1, 2, 3, 4, 5, 6])
    source.list = blocks(1, 2, 3)
    // The right bucket again: nobody is asked about its blocks any more, and the others are not all there is.
    expect(kept(await gateway.sync())).toEqual([0, 0])
    expect(kept(await gateway.sync())).toEqual([3, 0])
    expect(sink.numbers).toEqual([1, 2, 3])
  })

  it('a filter that lets nothing through any more asks, also beside blocks that are new', async () => {
    const clusters: BlockStage = refuse('match-labels', 'label-excluded', false, n => closed && n < 4)
    let closed = false
    const { gateway, source, sink } = await world({ list: blocks(1, 2, 3), stages: [clusters] })
    await gateway.sync()
    closed = true
    source.list = blocks(1, 2, 3, 4)
    for (let i = 0; i < 3; i++) expect(kept(await gateway.sync())).toEqual([0, 3])
    closed = false
    expect(kept(await gateway.sync())).toEqual([0, 0])
    closed = true
    expect(kept(await gateway.sync({ confirmDrops: true }))).toEqual([3, 0])
    expect(sink.numbers).toEqual([4])
  })

  it('asks where claim() denies all that is loaded and there is no handover, in an ownership-change run, too', async () => {
    const ownership = scriptedOwnership([1, 2], { handover: false })
    const { gateway, sink, host, results } = await world({ list: blocks(1, 2), ownership })
    await gateway.start()
    ownership.lose(1, 2)
    await host.advance(1_000)
    expect(results.at(-1)?.summary.run.reason).toBe('ownership-change')
    expect(kept(results.at(-1) as RunResult)).toEqual([0, 2])
    expect(sink.numbers).toEqual([1, 2])
    ownership.gain(1)
    expect(kept(await gateway.sync())).toEqual([0, 1])
    expect(kept(await gateway.sync({ confirmDrops: true }))).toEqual([1, 0])
    await gateway.stop()
  })

  it('what others have taken over goes on while a person is asked', async () => {
    const ownership = scriptedOwnership([1, 2])
    const old = refuse('time-range', 'time-excluded', false, n => excluded && n > 1)
    let excluded = false
    const { gateway, sink } = await world({ list: blocks(1, ...range(2, 20)), stages: [old], ownership })
    sink.hold(...blocks(...range(2, 20)))
    await gateway.sync()
    excluded = true
    ownership.servedByOthers.add(1)
    ownership.lose(1)
    expect(kept(await gateway.sync())).toEqual([1, 19])
    expect(sink.numbers).toEqual(range(2, 20))
    await gateway.stop()
  })
})

describe('claims', () => {
  it('are taken away before a block goes, and a block whose claim cannot be taken away stays', async () => {
    const ownership = scriptedOwnership(undefined)
    const old = refuse('time-range', 'time-excluded', false, n => n === 1 && excluded)
    let excluded = false
    const { gateway, sink } = await world({ list: blocks(1, 2), stages: [old], ownership })
    await gateway.sync()
    excluded = true
    const { serve } = ownership.handover ?? {}
    Object.assign(ownership.handover ?? {}, { serve: () => Promise.reject(new Error('store away')) })
    await gateway.sync()
    expect(sink.numbers).toEqual([1, 2])
    Object.assign(ownership.handover ?? {}, { serve })
    sink.log.length = 0
    ownership.log.length = 0
    await gateway.sync()
    expect(ownership.log).toEqual(['serve -1'])
    expect(sink.log).toEqual(['drop 1'])
  })

  it('are published at start for what is held, and told for what is added', async () => {
    const ownership = scriptedOwnership([1, 2, 3])
    const { gateway, sink } = await world({ list: blocks(1, 2, 3), ownership, concurrency: 1 })
    sink.hold(...blocks(1))
    await gateway.sync()
    expect(ownership.log.filter(l => /^(publish|serve)/.test(l))).toEqual(['publish 1', 'serve +2', 'serve +3'])
  })

  it('that could not be told are told later', async () => {
    const ownership = scriptedOwnership([1])
    const { gateway } = await world({ list: blocks(1), ownership })
    const { serve } = ownership.handover ?? {}
    Object.assign(ownership.handover ?? {}, { serve: () => Promise.reject(new Error('store away')) })
    await gateway.sync()
    Object.assign(ownership.handover ?? {}, { serve })
    await gateway.sync()
    expect(ownership.log).toContain('serve +1')
  })

  it('that could not be told are not told any more once the block was released', async () => {
    const ownership = scriptedOwnership([1])
    const { gateway, sink } = await world({ list: blocks(1), ownership })
    const { serve } = ownership.handover ?? {}
    Object.assign(ownership.handover ?? {}, { serve: () => Promise.reject(new Error('store away')) })
    await gateway.sync()
    Object.assign(ownership.handover ?? {}, { serve })
    ownership.servedByOthers.add(1)
    ownership.lose(1)
    ownership.log.length = 0
    await gateway.sync()
    expect(sink.numbers).toEqual([])
    expect(ownership.log).toEqual(['release 1 needs 1: released'])
  })

  it('keep a loaded block that a stage retains', async () => {
    const young = refuse('consistency-delay', 'too-fresh', true, () => true)
    const { gateway, sink } = await world({ list: blocks(1), stages: [young] })
    sink.hold(...blocks(1))
    for (let i = 0; i < 3; i++) await gateway.sync()
    expect(sink.numbers).toEqual([1])
    expect(gateway.catalogue.get(testId(1))).toMatchObject({ state: 'serving', reason: 'too-fresh' })
  })
})
