/** The six rules of dropping, and what else keeps a loaded block. It is dropped only on positive knowledge. */
import { type BlockStage, LeaseLost, owned, type SetStage } from 'blockgate'
import { memoryState, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { entry, refuse, sync, synced } from '../support/syncs.ts'
import { blocks, numberOf, scriptedOwnership, world } from '../support/world.ts'

/** The member store does not take what is served until the result is called. */
function storeAway({ handover }: ReturnType<typeof scriptedOwnership>) {
  const { serve } = handover ?? {}
  Object.assign(handover ?? {}, { serve: () => Promise.reject(new Error('store away')) })
  return () => Object.assign(handover ?? {}, { serve })
}

describe('rule 1: an incomplete view adds and never drops', () => {
  it('keeps what is absent, filtered or denied', async () => {
    const ownership = scriptedOwnership([1, 2], { handover: false })
    const made = await world({ list: blocks(2, 3, 4), stages: [refuse(n => n === 3, 'time-excluded')], ownership })
    made.sink.hold(...blocks(1, 3, 4))
    made.source.complete = false
    for (let i = 0; i < 2; i++) await sync(made)
    expect(made.sink.numbers).toEqual([1, 3, 4, 2])
    made.source.complete = true
    await sync(made)
    expect(made.sink.numbers).toEqual([1, 2])
  })

  it('believes an absence after two complete views in a row, and forgets it when the block is seen again', async () => {
    const made = await synced({ list: blocks(1, 2) })
    for (const list of [[2], [1, 2], [2]]) expect(await sync(made, list)).toEqual([0, 0])
    expect(entry(made, 1)?.reason).toBe('absent-once')
    expect(await sync(made)).toEqual([1, 0])
    expect([made.sink.numbers, entry(made, 1)]).toEqual([[2], undefined])
  })

  it('counts a partial block without a meta as absent, and keeps one that is corrupt or unreadable', async () => {
    const made = await synced({ list: blocks(1, 2, 3) })
    made.source.partial = [
      { id: testId(1), reason: 'no-meta-json', keep: false },
      { id: testId(2), reason: 'corrupted-meta-json', error: new Error('bad'), keep: true },
      { id: testId(3), reason: 'unreadable', error: new Error('503'), keep: true },
    ]
    await sync(made, [])
    expect(made.sink.numbers).toEqual([1, 2, 3])
    for (let i = 0; i < 2; i++) await sync(made)
    expect(made.sink.numbers).toEqual([2, 3])
  })

  it('a block that was seen in part is absent once again after it, not twice', async () => {
    const made = await synced({ list: blocks(1, 2) })
    const unreadable = [{ id: testId(1), reason: 'unreadable', error: new Error('503'), keep: true }]
    for (const [partial, reason] of [
      [[], 'absent-once'],
      [unreadable, 'unreadable'],
      [[], 'absent-once'],
    ] as const) {
      made.source.partial = partial
      await sync(made, [2])
      expect(entry(made, 1)?.reason).toBe(reason)
    }
    expect(made.sink.numbers).toEqual([1, 2])
  })

  it('a run without a listing of its own counts no absence', async () => {
    const ownership = scriptedOwnership([1, 2])
    const made = await world({ list: blocks(1, 2), ownership, every: '1h' })
    await made.gateway.start()
    await sync(made)
    await sync(made, [2])
    expect(entry(made, 1)?.reason).toBe('absent-once')
    const before = made.results.length
    for (let i = 0; i < 3; i++) {
      ownership.tick()
      await made.host.advance(60_000)
    }
    expect(made.results.slice(before).map(({ summary }) => summary.run.reason)).toContain('ownership-change')
    expect(made.sink.numbers).toEqual([1, 2])
  })

  it('an absence counts over a restart: a sync is a process of its own', async () => {
    const state = memoryState()
    const { sink, gateway } = await synced({ list: blocks(1, 2), state })
    await gateway.stop()
    const retained: number[] = []
    for (const list of [[2], [1, 2], [2], [2]]) {
      const next = await synced({ list: blocks(...list), state, sink })
      retained.push(next.results[0]?.summary.blocks.retained ?? Number.NaN)
      await next.gateway.stop()
    }
    expect([retained, sink.numbers]).toEqual([[1, 0, 1, 0], [2]])
    expect(await state.get('engine/absent')).toBeUndefined()
  })

  it('a process that goes on after its start looks twice itself', async () => {
    const state = memoryState()
    const first = await synced({ list: blocks(1, 2), state })
    await sync(first, [2])
    await first.gateway.stop()
    const next = await world({ list: blocks(2), state, sink: first.sink })
    await next.gateway.start()
    expect(next.results[0]?.summary.blocks).toMatchObject({ dropped: 0, retained: 1 })
    expect(await sync(next)).toEqual([1, 0])
  })
})

it.each([true, false])(
  'rule 2: ownership that is unknown keeps what is loaded and adds nothing; with a handover: %s',
  async handover => {
    const ownership = scriptedOwnership([], { handover })
    ownership.unavailable = true
    const { gateway, sink } = await world({ list: blocks(1, 2), ownership })
    sink.hold(...blocks(1))
    await gateway.sync()
    expect([sink.numbers, sink.log]).toEqual([[1], []])
    expect(ownership.log.filter(l => l.startsWith('release'))).toEqual([])
  },
)

describe('rule 3: a block that is not mine goes only when its release is granted', () => {
  it('it is kept until others serve it, however often it is looked at', async () => {
    const ownership = scriptedOwnership([1])
    const made = await synced({ list: blocks(1), ownership })
    ownership.lose(1)
    for (let i = 0; i < 5; i++) await sync(made)
    expect(made.sink.numbers).toEqual([1])
    const is = (state: string) => expect(entry(made, 1)).toMatchObject({ state, reason: state, by: 'owned' })
    is('last-copy')
    ownership.servedByOthers.add(1)
    ownership.releasable = new Set()
    await sync(made)
    expect(made.sink.numbers).toEqual([1])
    is('pending-hand-off')
    // Whoever serves it is down.
    ownership.othersLive = false
    await sync(made)
    is('last-copy')
    ownership.releasable = undefined
    await sync(made)
    expect(made.sink.numbers).toEqual([])
    expect(ownership.log.slice(-1)).toEqual(['release 1 needs 1: released'])
  })

  it('keeps the block when the answer to the release is lost', async () => {
    const ownership = scriptedOwnership([1])
    const made = await synced({ list: blocks(1), ownership })
    ownership.lose(1)
    Object.assign(ownership.handover ?? {}, { release: () => Promise.reject(new Error('timeout')) })
    await sync(made)
    expect(made.sink.numbers).toEqual([1])
    expect(entry(made, 1)).toMatchObject({ state: 'serving', reason: 'ownership-unavailable' })
  })

  it('never claims a loaded block again where the plugin has a handover', async () => {
    const ownership = scriptedOwnership([1])
    await sync(await synced({ list: blocks(1), ownership }))
    expect(ownership.log.filter(l => l === 'claim 1')).toHaveLength(1)
  })

  it('drops at once what claim() denies where the plugin has no handover', async () => {
    const ownership = scriptedOwnership([1, 2], { handover: false })
    const made = await synced({ list: blocks(1, 2), ownership })
    ownership.lose(1)
    expect(await sync(made)).toEqual([1, 0])
    expect(made.sink.numbers).toEqual([2])
  })

  it('a lease that was lost says nothing of who owns a loaded block: it stays', async () => {
    const handle = async () => {
      throw new LeaseLost()
    }
    const loses: BlockStage = { kind: 'block', name: 'loses', handle }
    const ownership = scriptedOwnership([1], { handover: false })
    const made = await world({ list: blocks(1), stages: [owned(ownership), loses] })
    made.sink.hold(...blocks(1))
    await sync(made)
    expect([made.sink.numbers, entry(made, 1)?.reason]).toEqual([[1], 'lease-lost'])
  })
})

// Rule 4, superseded blocks, is row 16 of test/scenarios/upstream.test.ts.

it('rule 4: without a hand-over a child stays whose parent goes in the same run', async () => {
  const ownership = scriptedOwnership([1, 2], { handover: false })
  const select: SetStage['select'] = list =>
    list.map(({ meta: { ulid: id } }) =>
      numberOf(id) === 1 ? { id, skip: 'duplicate', supersededBy: testId(2) } : { id },
    )
  const made = await world({ list: blocks(1, 2, 3), stages: [{ kind: 'set', name: 'dedup', select }], ownership })
  made.sink.hold(...blocks(1, 2, 3))
  ownership.lose(2)
  await sync(made)
  expect(made.sink.numbers).not.toContain(2)
  expect(made.sink.numbers).toContain(1)
})

it('rule 5: a loaded block whose add failed stays, and its failure is told', async () => {
  let broken = false
  const handle: BlockStage['handle'] = async (_, next) => {
    if (broken) throw new Error('no')
    return next()
  }
  const { gateway, sink, host } = await synced({ list: blocks(1), stages: [{ kind: 'block', name: 'flaky', handle }] })
  broken = true
  const run = gateway.sync()
  await host.advance(120_000)
  expect((await run).summary).toMatchObject({ blocks: { failed: 1, retained: 1 }, failures: [{ by: 'flaky' }] })
  expect(sink.numbers).toEqual([1])
})

// Rule 6 is in ask.test.ts.

describe('what is advertised', () => {
  it('is withdrawn before a block goes, and a block that cannot be withdrawn stays', async () => {
    const ownership = scriptedOwnership(undefined)
    let excluded = false
    const old = refuse(n => n === 1 && excluded, 'time-excluded')
    const made = await synced({ list: blocks(1, 2), stages: [old], ownership })
    excluded = true
    const back = storeAway(ownership)
    await sync(made)
    expect(made.sink.numbers).toEqual([1, 2])
    back()
    made.sink.log.length = ownership.log.length = 0
    await sync(made)
    expect([ownership.log, made.sink.log]).toEqual([['serve -1'], ['drop 1']])
  })

  it('is published at start for what is held, and told for what is added', async () => {
    const ownership = scriptedOwnership([1, 2, 3])
    const made = await world({ list: blocks(1, 2, 3), ownership, concurrency: 1 })
    made.sink.hold(...blocks(1))
    await sync(made)
    expect(ownership.log.filter(l => /^(publish|serve)/.test(l))).toEqual(['publish 1', 'serve +2', 'serve +3'])
  })

  it('is told later where it could not be told, unless the block was released meanwhile', async () => {
    const ownership = scriptedOwnership([1, 2])
    const back = storeAway(ownership)
    const made = await synced({ list: blocks(1, 2), ownership })
    back()
    ownership.servedByOthers.add(1)
    ownership.lose(1)
    ownership.log.length = 0
    await sync(made)
    expect(made.sink.numbers).toEqual([2])
    expect(ownership.log.filter(l => !l.startsWith('claim'))).toEqual(['release 1 needs 1: released', 'serve +2'])
  })
})

it('a loaded block that a stage retains is kept', async () => {
  const made = await world({ list: blocks(1), stages: [refuse(() => true, 'too-fresh', { retain: true })] })
  made.sink.hold(...blocks(1))
  for (let i = 0; i < 3; i++) await sync(made)
  expect(made.sink.numbers).toEqual([1])
  expect(entry(made, 1)).toMatchObject({ state: 'serving', reason: 'too-fresh' })
})

it('a damaged copy goes only with a run that lists, and loads it again', async () => {
  const ownership = scriptedOwnership([1])
  const { gateway, sink, host } = await world({ list: blocks(1), ownership })
  await gateway.start()
  Object.assign(sink, { damaged: () => new Set([testId(1)]) })
  sink.log.length = 0
  ownership.tick()
  await host.advance(1_000)
  expect(sink.log).toEqual([])
  await gateway.sync()
  expect(sink.log).toEqual(['drop 1', 'prepare 1', 'commit 1'])
})
