import { type BlockId, type BlockStage, skip } from 'blockgate'
import { fakeHost, settle, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { Catalogue } from '../../src/catalogue/catalogue.ts'
import { blocks, numberOf, scriptedOwnership, world } from '../support/world.ts'

describe('the catalogue', () => {
  it('has every block of the view, and forgets what is neither there nor loaded', async () => {
    const { gateway, source } = await world({ list: blocks(1, 2), ownership: scriptedOwnership([1]) })
    await gateway.sync()
    expect([...gateway.catalogue.all()].map(e => [e.id, e.state])).toEqual([
      [testId(1), 'serving'],
      [testId(2), 'skipped'],
    ])
    source.list = blocks(1)
    await gateway.sync()
    expect([...gateway.catalogue.all()].map(e => e.id)).toEqual([testId(1)])
  })

  it('is sorted once, and again only after a block came out of order or went', async () => {
    const { gateway, source } = await world({ list: blocks(3, 7, 9) })
    const { catalogue } = gateway
    const sorted = async () => (await catalogue.sorted()).map(({ id }) => numberOf(id))
    await gateway.sync()
    const first = await catalogue.sorted()
    expect(await sorted()).toEqual([3, 7, 9])
    source.list = blocks(3, 7, 9, 12)
    await gateway.sync()
    expect(await catalogue.sorted()).toBe(first)
    expect(await sorted()).toEqual([3, 7, 9, 12])
    source.list = blocks(3, 5, 7, 9, 12, 1)
    await gateway.sync()
    expect(await sorted()).toEqual([1, 3, 5, 7, 9, 12])
    const [one, two] = await Promise.all([catalogue.sorted(), catalogue.sorted()])
    expect(one).toBe(two)
    source.list = blocks(3, 5)
    for (let i = 0; i < 2; i++) await gateway.sync({ confirmDrops: true })
    expect(await sorted()).toEqual([3, 5])
  })

  it('blocks that come while they are sorted are in the next answer', async () => {
    const host = fakeHost()
    const turn = Promise.withResolvers<void>()
    host.nextTurn = () => turn.promise
    const catalogue = new Catalogue(host)
    const numbers = Array.from({ length: 20_000 }, (_, i) => 30_000 - i)
    for (const block of blocks(...numbers)) catalogue.seen(block)
    const sorting = catalogue.sorted()
    await settle()
    for (const block of blocks(...Array.from({ length: 1_000 }, (_, i) => i + 1))) catalogue.seen(block)
    turn.resolve()
    expect((await sorting).length).toBeLessThan(21_000)
    const next = await catalogue.sorted()
    expect(next).toHaveLength(21_000)
    expect(numberOf(next[0]?.id as BlockId)).toBe(1)
  })

  it('blocks that are skipped for one reason share the outcome; another epoch, or a detail, makes another', async () => {
    const ownership = scriptedOwnership([])
    const odd: BlockStage = {
      kind: 'block',
      name: 'odd',
      handle: async (block, next) =>
        numberOf(block.id) % 2 ? skip('odd', { detail: `${block.id} is odd` }) : await next(),
    }
    const { gateway } = await world({ list: blocks(1, 2, 3, 4), stages: [odd], ownership })
    const of = async () => [...(await gateway.sync()).outcomes].sort().map(([, outcome]) => outcome)
    const [one, two, three, four] = await of()
    expect(two).toBe(four)
    expect(one).not.toBe(three)
    ownership.tick()
    const again = await of()
    expect(again[1]).toBe(again[3])
    expect(again[1]).not.toBe(two)
    expect(again[1]).toMatchObject({ reason: 'not-owner', epoch: ownership.epoch() })
  })

  it('forgets nothing after an incomplete view', async () => {
    const { gateway, source } = await world({ list: blocks(1, 2), ownership: scriptedOwnership([]) })
    await gateway.sync()
    source.list = []
    source.complete = false
    await gateway.sync()
    expect(gateway.catalogue.size).toBe(2)
  })

  it('keeps the last 20 events, and none for a verdict that stays the same', async () => {
    const ownership = scriptedOwnership([])
    ownership.servedByOthers.add(1)
    const { gateway } = await world({ list: blocks(1), ownership })
    for (let i = 0; i < 3; i++) await gateway.sync()
    expect(gateway.catalogue.get(testId(1))?.events.map(e => e.kind)).toEqual(['skipped'])
    for (let i = 0; i < 15; i++) {
      ownership.gain(1)
      await gateway.sync()
      ownership.lose(1)
      await gateway.sync()
    }
    const events = gateway.catalogue.get(testId(1))?.events ?? []
    expect(events).toHaveLength(20)
    expect(events.slice(-4).map(e => `${e.kind} ${e.reason}`.trim())).toEqual([
      'dropped not-owner',
      'added',
      'skipped not-owner',
      'dropped not-owner',
    ])
  })

  it('tells once that a block is retained, and since when, however many runs deny it', async () => {
    const ownership = scriptedOwnership([1])
    const { gateway, host } = await world({ list: blocks(1), ownership })
    // That an added block still serves is no event.
    for (let i = 0; i < 2; i++) await gateway.sync()
    ownership.lose(1)
    await gateway.sync()
    const since = host.now()
    for (let i = 0; i < 3; i++) {
      await host.advance(60_000)
      await gateway.sync()
    }
    const entry = gateway.catalogue.get(testId(1))
    expect(entry?.since).toBe(since)
    expect(entry?.events.map(e => e.kind)).toEqual(['added', 'skipped', 'retained'])
  })

  it('shows a block that is being loaded', async () => {
    const { gateway, sink } = await world({ list: blocks(1) })
    const go = sink.gate(1)
    const run = gateway.sync()
    await settle()
    expect(gateway.catalogue.get(testId(1))?.state).toBe('loading')
    go()
    await run
    expect(gateway.catalogue.get(testId(1))?.state).toBe('serving')
  })
})

describe('the trace of an event', () => {
  const id = testId(1)
  const span = (n: number) => ({
    traceId: String(n).padStart(32, '0'),
    spanId: String(n).padStart(16, '0'),
    traceFlags: 1,
  })
  const skipped = (reason: string) => ({ kind: 'skipped', by: 'owned', reason, retain: false }) as never
  const failed = { kind: 'failed', by: 'sink', error: new Error('no') } as never
  const tracesOf = (catalogue: Catalogue) => catalogue.get(id)?.events.map(({ traceId }) => traceId)

  it('is the one that was told for it: an event that is told in none has not that of the one before', () => {
    const catalogue = new Catalogue(fakeHost())
    catalogue.traced(id, span(1))
    catalogue.settle(id, skipped('not-owner'), 'run-1', false)
    catalogue.settle(id, skipped('too-fresh'), 'run-2', false)
    expect(tracesOf(catalogue)).toEqual([span(1).traceId, undefined])
  })

  it('is told of each of two events that one trace tells of, as of a move', () => {
    const catalogue = new Catalogue(fakeHost())
    for (const [spanId, reason] of [
      ['a', 'pending-hand-off'],
      ['b', 'not-owner'],
    ] as const) {
      catalogue.traced(id, { ...span(1), spanId: spanId.repeat(16) })
      catalogue.settle(id, skipped(reason), 'run', false)
    }
    expect(tracesOf(catalogue)).toEqual([span(1).traceId, span(1).traceId])
  })

  it('comes later to a failure that is tried again: its trace ends with the last try', () => {
    const catalogue = new Catalogue(fakeHost())
    catalogue.settle(id, failed, 'run-1', false)
    expect(tracesOf(catalogue)).toEqual([undefined])
    catalogue.traced(id, span(2))
    catalogue.settle(id, failed, 'run-1', false)
    expect(tracesOf(catalogue)).toEqual([span(2).traceId])
  })

  it('is not told where it is not recorded: nobody would find it', () => {
    const catalogue = new Catalogue(fakeHost())
    catalogue.traced(id, { ...span(3), traceFlags: 0 })
    catalogue.settle(id, failed, 'run-1', false)
    expect(tracesOf(catalogue)).toEqual([undefined])
  })
})
