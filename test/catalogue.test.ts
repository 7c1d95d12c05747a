import { settle, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { blocks, scriptedOwnership, world } from './support/world.ts'

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
    await gateway.sync()
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
