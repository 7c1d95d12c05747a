import { BlockgateError, type BlockMeta, type BlockStage, BucketError, type SetStage, skip } from 'blockgate'
import { memoryState, settle, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { held } from '../support/syncs.ts'
import { blocks, numberOf, scriptedOwnership, told, world } from '../support/world.ts'

const even: BlockStage = {
  kind: 'block',
  name: 'even',
  handle: async (block, next) => (numberOf(block.id) % 2 === 0 ? next() : skip('odd')),
}
const reversed: SetStage = {
  kind: 'set',
  name: 'reversed',
  select: list => list.map(b => ({ id: b.meta.ulid })).toReversed(),
}

describe('a run', () => {
  it('takes blocks through the stages and into the sink, and counts them by their final outcome', async () => {
    const { gateway, sink } = await world({ list: blocks(1, 2, 3, 4), stages: [even] })
    const result = await gateway.sync()
    expect(sink.numbers).toEqual([2, 4])
    expect(result.summary.blocks).toEqual({
      seen: 4,
      added: 2,
      unchanged: 0,
      skipped: 2,
      failed: 0,
      dropped: 0,
      retained: 0,
    })
    expect(result.summary.stages).toEqual([
      { name: 'scripted', in: 4, out: 4, skipped: {} },
      { name: 'even', in: 4, out: 2, skipped: { odd: 2 } },
      { name: 'owned', in: 2, out: 2, skipped: {} },
      { name: 'scripted-sink', in: 2, out: 2, skipped: {} },
    ])
    expect((await gateway.sync()).summary.blocks).toMatchObject({ seen: 4, added: 0, unchanged: 2, skipped: 2 })
  })

  it('shows the sink the meta of each block that it has', async () => {
    const list = blocks(1, 2)
    const { gateway, sink } = await world({ list })
    const offered: BlockMeta[] = []
    Object.assign(sink, { offered: (meta: BlockMeta) => offered.push(meta) })
    await gateway.sync()
    expect(offered).toEqual([])
    await gateway.sync()
    expect(offered).toEqual(list.map(({ meta }) => meta))
  })

  it('gives every set stage all that passed before it, and offers blocks in the order it gave', async () => {
    const seen: number[][] = []
    const spy: SetStage = {
      kind: 'set',
      name: 'spy',
      select(list) {
        seen.push(list.map(b => numberOf(b.meta.ulid)))
        return list.map(b => ({ id: b.meta.ulid }))
      },
    }
    const { gateway, source, sink } = await world({
      list: blocks(1, 2, 3, 4, 5, 6),
      stages: [spy, even, reversed, { ...spy }],
      concurrency: 1,
    })
    source.pageSize = 2
    await gateway.sync()
    expect(seen).toEqual([
      [1, 2, 3, 4, 5, 6],
      [6, 4, 2],
    ])
    expect(sink.log).toEqual(['prepare 6', 'commit 6', 'prepare 4', 'commit 4', 'prepare 2', 'commit 2'])
  })

  it('never has more blocks in progress than its concurrency, and no slow block holds up the rest', async () => {
    const made = await world({ list: blocks(1, 2, 3, 4, 5, 6, 7), concurrency: 3 })
    const { gateway, sink } = made
    const { go } = await held(made, 1)
    expect(sink.log.filter(l => l.startsWith('commit'))).toEqual([2, 3, 4, 5, 6, 7].map(n => `commit ${n}`))
    expect(gateway.progress).toMatchObject({ seen: 7, done: 6, inFlight: 1, listing: false })
    await go()
    expect(sink.mostAtOnce).toBeLessThanOrEqual(3)
    expect(sink.numbers).toContain(1)
  })

  it('pulls the next page only when the blocks of the one before are taken', async () => {
    const { gateway, sink, source } = await world({ list: blocks(1, 2, 3, 4), concurrency: 2 })
    source.pageSize = 2
    const go = [sink.gate(1), sink.gate(2)]
    const run = gateway.sync()
    await settle()
    expect(gateway.progress?.seen).toBe(2)
    go[0]?.()
    await settle()
    expect(gateway.progress?.seen).toBe(4)
    go[1]?.()
    await run
  })

  it('makes a context only when the pool takes the block', async () => {
    let made = 0
    const counting: BlockStage = {
      kind: 'block',
      name: 'counting',
      handle(_, next) {
        made++
        return next()
      },
    }
    const { gateway, sink } = await world({ list: blocks(1, 2, 3, 4, 5), stages: [counting], concurrency: 2 })
    const go = [1, 2, 3, 4, 5].map(n => sink.gate(n))
    const run = gateway.sync()
    await settle()
    expect(made).toBe(2)
    for (const open of go) open()
    await run
    expect(made).toBe(5)
  })

  it('fails a block that takes longer than its timeout, charged to the stage that ran', async () => {
    const { gateway, sink, host } = await world({ list: blocks(1, 2), blockTimeout: '10s' })
    sink.gate(1)
    const run = gateway.sync()
    for (let i = 0; i < 40; i++) await host.advance(10_000)
    const { summary } = await run
    expect(summary.failures).toEqual([
      {
        block: testId(1),
        by: 'scripted-sink',
        code: 'block-timeout',
        message: 'timed out after 10 s (option blockTimeout)',
      },
    ])
    expect(sink.numbers).toEqual([2])
  })

  it('goes on without a stage that ignores its signal, names it, and does not start the block again meanwhile', async () => {
    const { gateway, sink, host } = await world({ list: blocks(1, 2), blockTimeout: '10s' })
    sink.hang(1)
    const run = gateway.sync()
    await host.advance(60_000)
    expect((await run).summary.failures).toMatchObject([{ block: testId(1), by: 'scripted-sink', code: 'stage-stuck' }])
    const again = await gateway.sync()
    expect(again.summary.failures).toMatchObject([{ by: 'scripted-sink', code: 'stage-stuck' }])
    expect(sink.log.filter(l => l === 'prepare 1')).toHaveLength(1)
    await gateway.stop()
    expect(host.lines).toContainEqual({
      level: 'error',
      message: 'a stage never ended',
      fields: { block: testId(1), stage: 'scripted-sink' },
    })
  })

  it('commits nothing when the signal aborted during the load, even if the sink did not listen', async () => {
    const { gateway, sink, host } = await world({ list: blocks(1), blockTimeout: '10s' })
    const go = sink.deaf(1)
    const run = gateway.sync()
    await host.advance(10_000)
    go()
    await settle()
    await gateway.stop()
    await run
    expect(sink.log).toEqual(['prepare 1'])
    expect(sink.numbers).toEqual([])
  })

  it('ends a run whose source fails, with the source named, and changes nothing', async () => {
    const { gateway, sink, source } = await world({ list: blocks(1, 2), stages: [reversed] })
    sink.hold(...blocks(9))
    source.error = new Error('503')
    const result = await gateway.sync()
    expect(result).toMatchObject({ status: 'failed', error: { code: 'listing-failed', at: 'scripted' } })
    expect(sink.numbers).toEqual([9])
  })

  it.each([
    ['leaves a block out', () => []],
    [
      'names a block twice',
      (list: readonly { meta: { ulid: never } }[]) => [...list, ...list].map(b => ({ id: b.meta.ulid })),
    ],
    [
      'gives a reason that is not kebab-case',
      (list: readonly { meta: { ulid: never } }[]) => list.map(b => ({ id: b.meta.ulid, skip: 'No!' })),
    ],
  ])('ends a run whose set stage %s', async (_, select) => {
    const bad = { kind: 'set', name: 'bad', select } as unknown as SetStage
    const { gateway, sink } = await world({ list: blocks(1), stages: [bad] })
    expect(await gateway.sync()).toMatchObject({ status: 'failed', error: { code: 'selection-invalid', at: 'bad' } })
    expect(sink.log).toEqual([])
  })

  it('names equal stages apart, in list order', async () => {
    const { gateway } = await world({ list: blocks(2), stages: [even, { ...even }, reversed, { ...even }] })
    expect((await gateway.sync()).summary.stages.map(s => s.name)).toEqual([
      'scripted',
      'even',
      'even#2',
      'reversed',
      'even#3',
      'owned',
      'scripted-sink',
    ])
  })
})

describe('ownership at the add', () => {
  it('disposes the lease once the outcome is settled, whatever it is', async () => {
    const ownership = scriptedOwnership([1, 2])
    const { gateway, sink } = await world({ list: blocks(1, 2, 3), ownership, concurrency: 1 })
    sink.fail(2, new BlockgateError('corrupt-block', 'no'))
    expect(told(await gateway.sync())).toEqual({ 1: 'added', 2: 'failed scripted-sink', 3: 'skipped owned not-owner' })
    expect(ownership.log.filter(l => l.startsWith('claim') || l.startsWith('dispose'))).toEqual([
      'claim 1',
      'dispose 1',
      'claim 2',
      'dispose 2',
      'claim 3',
    ])
  })

  it('offers again at once what was denied by an answer older than the epoch: the lost wake-up', async () => {
    const ownership = scriptedOwnership([])
    ownership.onClaim = () => {
      ownership.onClaim = undefined
      ownership.gain(1) // between the answer and the moment the engine writes it down: nobody waits for the event yet
    }
    const { gateway, sink } = await world({ list: blocks(1), ownership })
    expect(told(await gateway.sync())).toEqual({ 1: 'added' })
    expect(sink.numbers).toEqual([1])
  })

  it('does not ask for ever where the answers stay older than the epoch', async () => {
    const ownership = scriptedOwnership([])
    const stale = { ...ownership, epoch: () => 7 }
    const { gateway } = await world({ list: blocks(1), ownership: stale })
    await gateway.sync()
    expect(ownership.log.filter(l => l === 'claim 1')).toHaveLength(2)
  })

  it('offers a block again 16 times at most where the epoch never rests', async () => {
    const ownership = scriptedOwnership([])
    let asked = 0
    ownership.onClaim = () => {
      if (++asked <= 50) ownership.tick() // an end of its own: without the bound the run would not give the test its turn
    }
    const { gateway } = await world({ list: blocks(1), ownership })
    expect((await gateway.sync()).status).toBe('done')
    expect(asked).toBe(1 + 16)
  })

  it('offers a block again 16 times at most in a run that waits for another, whatever changes', async () => {
    const ownership = scriptedOwnership([1])
    const { gateway, sink } = await world({ list: blocks(1, 2), ownership })
    const go = sink.gate(1)
    const run = gateway.sync()
    for (let change = 0; change < 50; change++) {
      await settle()
      ownership.tick()
    }
    go()
    await run
    expect(ownership.log.filter(l => l === 'claim 2')).toHaveLength(1 + 16)
  })

  it('adds nothing and drops nothing while ownership cannot be known, and asks again in the same run when it can', async () => {
    const ownership = scriptedOwnership([1, 2])
    ownership.unavailable = true
    const { gateway, sink } = await world({ list: blocks(1, 2, 3), ownership })
    sink.hold(...blocks(3))
    const go = sink.gate(9)
    expect(told(await gateway.sync())).toEqual({
      1: 'skipped owned ownership-unavailable',
      2: 'skipped owned ownership-unavailable',
      3: 'skipped owned ownership-unavailable',
    })
    expect(sink.numbers).toEqual([3])
    go()
  })
})

describe('the journal of loads in flight', () => {
  it('tries blocks that were in flight at a death last and alone, and clears them once they are loaded', async () => {
    const state = memoryState()
    await state.set('engine/loads-in-flight', { inFlight: [testId(1), testId(2)], deaths: {} })
    const { gateway, sink, host } = await world({ list: blocks(1, 2, 3, 4), state })
    await gateway.sync()
    expect(sink.log.slice(-4)).toEqual(['prepare 1', 'commit 1', 'prepare 2', 'commit 2'])
    expect(sink.numbers.toSorted()).toEqual([1, 2, 3, 4])
    await settle()
    expect(await state.get('engine/loads-in-flight')).toEqual({ inFlight: [], deaths: {}, began: {}, at: host.now() })
  })

  it('has a load on disk before the load starts', async () => {
    const state = memoryState()
    const made = await world({ list: blocks(1), state })
    const { sink } = made
    const { go } = await held(made, 1)
    expect(sink.log).toEqual(['prepare 1'])
    const now = made.host.now()
    const left = { inFlight: [testId(1)], deaths: {}, began: { [testId(1)]: now }, at: now }
    expect(await state.get('engine/loads-in-flight')).toEqual(left)
    await go()
  })

  it('does not start a load that could not be written down', async () => {
    const slow = memoryState()
    const disk = Promise.withResolvers<void>()
    const state = { ...slow, set: () => disk.promise }
    const { gateway, sink } = await world({ list: blocks(1), state })
    const run = gateway.sync()
    await settle()
    expect(sink.log).toEqual([])
    disk.resolve()
    await run
    expect(sink.log).toEqual(['prepare 1', 'commit 1'])
  })

  it('fails a block as poison after three deaths, without trying it, and goes on with the rest', async () => {
    const state = memoryState()
    for (let death = 1; death <= 3; death++) {
      const { gateway, sink } = await world({ list: blocks(1, 2), state })
      sink.hang(1) // the process dies here: nobody stops the gateway
      void gateway.sync()
      await settle()
      expect(sink.log).toContain('prepare 1')
    }
    const { gateway, sink } = await world({ list: blocks(1, 2), state })
    const { summary } = await gateway.sync()
    expect(summary.failures).toMatchObject([{ block: testId(1), by: 'scripted-sink', code: 'poison' }])
    expect(sink.log).toEqual(['prepare 2', 'commit 2'])
  })

  it('holds no death against a block that the sink holds: the process died after its commit', async () => {
    const state = memoryState()
    await state.set('engine/loads-in-flight', { inFlight: [testId(1), testId(2)], deaths: { [testId(1)]: 2 } })
    const made = await world({ list: blocks(1, 2), state })
    made.sink.hold(...blocks(1))
    const { go } = await held(made, 2)
    const { inFlight, deaths } = Object(await state.get('engine/loads-in-flight'))
    expect({ inFlight, deaths }).toEqual({ inFlight: [testId(2)], deaths: { [testId(2)]: 1 } })
    await go()
  })

  it('ignores a damaged journal', async () => {
    const state = memoryState()
    await state.set('engine/loads-in-flight', { inFlight: ['../../etc', 7], deaths: { x: 'many' } })
    const { gateway } = await world({ list: blocks(1), state })
    expect((await gateway.sync()).summary.blocks.added).toBe(1)
  })
})

it.each([new BlockgateError('corrupt-block', 'bad magic'), new BucketError('forbidden', { status: 403 })])(
  'is not tried again what another try cannot mend: %s',
  async error => {
    const { gateway, sink } = await world({ list: blocks(1) })
    sink.fail(1, error)
    const { code, rawMessage: message } = error
    expect((await gateway.sync()).summary.failures).toMatchObject([{ code, message }])
    expect(sink.log).toEqual(['prepare 1', 'abort 1'])
  },
)

describe('a lease is checked', () => {
  it('before the load begins: nothing is fetched for a block that is not mine any more', async () => {
    const ownership = scriptedOwnership([1])
    ownership.refuses.add('load 1')
    const { gateway, sink } = await world({ list: blocks(1), ownership })
    const result = await gateway.sync()
    expect(told(result)).toEqual({ 1: 'skipped owned lease-lost' })
    expect(sink.log).toEqual([])
  })

  it('and before the loaded block is shown', async () => {
    const ownership = scriptedOwnership([1])
    ownership.refuses.add('commit 1')
    const { gateway, sink } = await world({ list: blocks(1), ownership })
    const result = await gateway.sync()
    expect(told(result)).toEqual({ 1: 'skipped owned lease-lost' })
    expect(sink.log).toEqual(['prepare 1'])
    expect(ownership.log.filter(l => l.startsWith('serve'))).toEqual([])
  })
})
