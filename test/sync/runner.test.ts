import { BlockgateError, type BlockStage, type SetStage, skip } from 'blockgate'
import { fakeHost, settle, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { everything } from '../support/syncs.ts'
import { blocks, scriptedOwnership, told, world } from '../support/world.ts'

const reasons = (results: readonly { summary: { run: { reason: string } } }[]) => results.map(r => r.summary.run.reason)

describe('the runner', () => {
  it('begins with a startup run, then one each interval, stretched or shortened by at most a tenth', async () => {
    const { gateway, host, results, source } = await world({ list: blocks(1), every: '10m' })
    await gateway.start()
    expect(reasons(results)).toEqual(['startup'])
    await host.advance(9 * 60_000 - 1)
    expect(source.listings).toBe(1)
    await host.advance(2 * 60_000 + 1)
    expect(reasons(results)).toEqual(['startup', 'interval'])
    for (let i = 0; i < 10; i++) await host.advance(11 * 60_000)
    expect(results.length).toBeGreaterThanOrEqual(12)
  })

  it('does not list in step with a gateway of another seed', async () => {
    const at = async (seed: number) => {
      const { gateway, host, results } = await world({ host: fakeHost({ seed }), every: '10m' })
      await gateway.start()
      let minutes = 0
      while (results.length < 2) {
        await host.advance(6_000)
        minutes += 0.1
      }
      await gateway.stop()
      return Math.round(minutes * 10)
    }
    expect(await at(1)).not.toBe(await at(2))
  })

  it('never has two runs at once: all who ask during one get the same run after it', async () => {
    const { gateway, sink, results, source } = await world({ list: blocks(1) })
    const go = sink.gate(1)
    const first = gateway.sync()
    await settle()
    const second = gateway.sync()
    const third = gateway.sync()
    await settle()
    expect(source.listings).toBe(1)
    go()
    expect((await second).summary.run.id).toBe((await third).summary.run.id)
    expect((await first).summary.run.id).not.toBe((await second).summary.run.id)
    expect(results).toHaveLength(2)
  })

  it('gives a run the reason of whoever wakes the gateway, and no other run follows by itself', async () => {
    const { gateway, host, results } = await world({ list: blocks(1), every: '1m' })
    for (const reason of ['startup', 'interval', undefined] as const) await gateway.sync({ reason })
    await host.advance(10 * 60_000)
    expect(reasons(results)).toEqual(['startup', 'interval', 'manual'])
  })

  it('a manual request makes a waiting interval run a manual one', async () => {
    const { gateway, sink, source, results, host } = await world({ list: blocks(1), every: '1m' })
    await gateway.start()
    const go = sink.gate(2)
    source.list = blocks(1, 2)
    const held = gateway.sync()
    await host.advance(70_000) // the interval passes while the run goes on: its run waits
    const manual = gateway.sync()
    go()
    await Promise.all([held, manual])
    expect(reasons(results)).toEqual(['startup', 'manual', 'manual'])
  })

  it('gives a run that is asked for twice the stronger reason, and the confirmation of either', async () => {
    const { gateway, sink, source, results, host } = await world({ list: blocks(1), every: '1m' })
    await gateway.start()
    source.list = []
    await gateway.sync()
    sink.hold(...blocks(...Array.from({ length: 30 }, (_, i) => i + 10)))
    const go = sink.gate(2)
    source.list = blocks(2)
    await host.advance(66_000) // an interval run, held at block 2
    const plain = gateway.sync()
    const confirmed = gateway.sync({ confirmDrops: true })
    go()
    await Promise.all([plain, confirmed])
    expect(reasons(results).slice(-2)).toEqual(['interval', 'manual'])
    expect(results.at(-1)?.summary.blocks.dropped).toBeGreaterThan(10)
  })

  it('tries a failed run again with backoff, earlier than the interval', async () => {
    const { gateway, source, host, results } = await world({ list: blocks(1), every: '10m' })
    source.error = new Error('503')
    expect((await gateway.start()).status).toBe('failed')
    await host.advance(1_000)
    expect(results.map(r => r.status)).toEqual(['failed', 'failed'])
    source.error = undefined
    await host.advance(2_000)
    expect(results.map(r => r.status)).toEqual(['failed', 'failed', 'done'])
  })

  it('makes one run for a burst of ownership changes, without asking the source', async () => {
    const ownership = scriptedOwnership([1])
    const { gateway, source, host, results, sink } = await world({ list: blocks(1, 2, 3), ownership })
    await gateway.start()
    ownership.gain(2)
    ownership.gain(3)
    await host.advance(999)
    expect(reasons(results)).toEqual(['startup', 'ownership-change'])
    expect(source.listings).toBe(1)
    expect(sink.numbers).toEqual([1, 2, 3])
    expect(results.at(-1)?.summary.blocks).toMatchObject({ seen: 3, added: 2, unchanged: 1 })
  })

  it('makes a run after the run when ownership moved during it: what was found loaded is looked at again', async () => {
    const ownership = scriptedOwnership([1, 2])
    ownership.servedByOthers.add(1)
    const { gateway, sink, host, results } = await world({ list: blocks(1, 2), ownership, concurrency: 1 })
    sink.hold(...blocks(1))
    const go = sink.gate(2)
    const start = gateway.start()
    await settle()
    ownership.lose(1) // found loaded and mine a moment ago
    go()
    await start
    expect(sink.numbers).toEqual([1, 2])
    await host.advance(999)
    expect(reasons(results)).toEqual(['startup', 'ownership-change'])
    expect(sink.numbers).toEqual([2])
  })

  it('offers again only what a change affects, and what waits for an answer', async () => {
    const ownership = scriptedOwnership([1, 2])
    const { gateway, host, results } = await world({ list: blocks(1, 2, 3, 4), ownership })
    await gateway.start()
    ownership.log.length = 0
    ownership.served(3)
    await host.advance(999)
    expect(ownership.log).toEqual(['claim 3'])
    const denied = 'skipped owned not-owner'
    expect(told(results.at(-1) as never)).toEqual({ 1: 'unchanged', 2: 'unchanged', 3: denied, 4: denied })
    ownership.unavailable = true
    ownership.tick()
    await host.advance(999)
    ownership.unavailable = false
    ownership.log.length = 0
    ownership.served(3)
    await host.advance(999)
    expect(told(results.at(-1) as never)).toEqual({ 1: 'unchanged', 2: 'unchanged', 3: denied, 4: denied })
  })

  it('does not list again in a run for a change, however long it takes', async () => {
    const ownership = scriptedOwnership([1])
    const { gateway, host, source, sink } = await world({ list: blocks(1, 2), ownership, every: '1m' })
    await gateway.start()
    const go = sink.gate(2)
    ownership.gain(2)
    await host.advance(150_000)
    expect([gateway.progress?.reason, source.listings]).toEqual(['ownership-change', 1])
    go()
  })

  it('is not kept from its run by changes that never rest', async () => {
    const ownership = scriptedOwnership([1])
    const { gateway, host, results } = await world({ list: blocks(1, 2), ownership })
    await gateway.start()
    ownership.gain(2)
    for (let i = 0; i < 10; i++) {
      ownership.tick()
      await host.advance(100)
    }
    expect(results.flatMap(r => (r.outcomes.get(testId(2))?.kind === 'added' ? [r] : []))).toHaveLength(1)
  })

  it('looks at the bucket when it is due, however often ownership moves', async () => {
    const ownership = scriptedOwnership([1])
    const { gateway, host, source } = await world({ list: blocks(1), ownership, every: '1m' })
    await gateway.start()
    for (let i = 0; i < 66; i++) {
      ownership.tick()
      await host.advance(1_000)
    }
    expect(source.listings).toBe(2)
  })

  it('an ownership-change run believes the verdicts of the stages before the last set stage', async () => {
    let asked = 0
    const counting: BlockStage = {
      kind: 'block',
      name: 'counting',
      async handle(block, next) {
        asked++
        return block.id === testId(3) ? skip('odd') : next()
      },
    }
    const ownership = scriptedOwnership([1])
    const { gateway, host, results } = await world({
      list: blocks(1, 2, 3),
      stages: [counting, everything],
      ownership,
    })
    await gateway.start()
    ownership.gain(2, 3)
    await host.advance(999)
    expect(asked).toBe(3)
    expect(told(results.at(-1) as never)).toEqual({ 1: 'unchanged', 2: 'added' })
  })

  it('keeps the last twenty results', async () => {
    const { gateway } = await world({ list: blocks(1) })
    for (let i = 0; i < 22; i++) await gateway.sync()
    expect(gateway.results).toHaveLength(20)
  })

  it('keeps the first hundred failures of each: the run itself tells them all', async () => {
    const numbers = Array.from({ length: 130 }, (_, i) => i + 1)
    const broken: BlockStage = {
      kind: 'block',
      name: 'broken',
      handle: async () => {
        throw new BlockgateError('corrupt-block', 'torn')
      },
    }
    const { gateway } = await world({ list: blocks(...numbers), stages: [broken] })
    const { summary } = await gateway.sync()
    expect(summary.failures).toHaveLength(130)
    expect(gateway.results[0]?.summary.failures).toEqual(summary.failures.slice(0, 100))
    expect(gateway.results[0]?.summary.blocks.failed).toBe(130)
  })
})

describe('stop', () => {
  it('lets adds in flight finish, takes nothing more, and leaves no timer and no listener', async () => {
    const ownership = scriptedOwnership(undefined)
    const { gateway, sink, host } = await world({ list: blocks(1, 2, 3), ownership, concurrency: 1 })
    const go = sink.gate(1)
    const start = gateway.start()
    await settle()
    const stop = gateway.stop()
    await host.advance(1_000)
    go()
    await stop
    expect((await start).status).toBe('stopped')
    expect(sink.numbers).toEqual([1])
    expect(host.pendingTimers).toBe(0)
    expect(ownership.watchers).toBe(0)
    await host.advance(10 * 60_000)
    expect(sink.log).toEqual(['prepare 1', 'commit 1'])
  })

  it('aborts adds that take longer than the grace, and leaves nothing of them', async () => {
    const { gateway, sink, host } = await world({ list: blocks(1) })
    sink.gate(1)
    const start = gateway.start()
    await settle()
    const stop = gateway.stop()
    await host.advance(29_999)
    expect(sink.log).toEqual(['prepare 1'])
    await host.advance(1)
    await stop
    expect((await start).status).toBe('stopped')
    expect(sink.log).toEqual(['prepare 1', 'abort 1'])
    expect(host.pendingTimers).toBe(0)
  })

  it.each([[[]], [[everything]]])('drops nothing in a run that it interrupts, with set stages %j', async stages => {
    const { gateway, sink, source } = await world({ list: blocks(7, 8, 9), stages })
    await gateway.sync()
    source.list = blocks(1, 7)
    sink.fail(1, new BlockgateError('corrupt-block', 'no'))
    await gateway.sync() // 8 and 9 are absent once
    const go = sink.gate(1)
    const run = gateway.sync() // absent twice: this run would drop them
    await settle()
    const stop = gateway.stop()
    go()
    await stop
    expect((await run).status).toBe('stopped')
    expect(sink.numbers).toEqual([7, 8, 9, 1])
  })

  it('asks no set stage any more for the blocks that came so far', async () => {
    let asked = 0
    const passed = Promise.withResolvers<void>()
    const handle: BlockStage['handle'] = async (_, next) => {
      await passed.promise
      return next()
    }
    const slow: BlockStage = { kind: 'block', name: 'slow', handle }
    const select: SetStage['select'] = (list, run) => {
      asked++
      return everything.select(list, run)
    }
    const spy = { ...everything, select }
    const { gateway } = await world({ list: blocks(1), stages: [slow, spy] })
    const run = gateway.sync()
    await settle()
    const stop = gateway.stop()
    passed.resolve()
    await stop
    expect([(await run).status, asked]).toEqual(['stopped', 0])
  })

  it('is safe twice, and without a start; a sync after it is refused', async () => {
    const { gateway } = await world({ list: blocks(1) })
    await gateway.stop()
    await gateway.stop()
    await expect(gateway.sync()).rejects.toMatchObject({ code: 'stopped' })
  })

  it('refuses those who wait for a run that will not come', async () => {
    const { gateway, sink } = await world({ list: blocks(1) })
    const go = sink.gate(1)
    const first = gateway.sync()
    await settle()
    const second = gateway.sync().catch((error: { code: string }) => error.code)
    await settle()
    const stop = gateway.stop()
    go()
    expect(await second).toBe('stopped')
    await Promise.all([first, stop])
  })
})
