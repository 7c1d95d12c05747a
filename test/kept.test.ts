/** What keeps a loaded block beside the six rules of test/sync/reconcile.test.ts. */
import { type BlockStage, LeaseLost, owned, type SetStage } from 'blockgate'
import { testId } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { blocks, numberOf, scriptedOwnership, world } from './support/world.ts'

const states = (gateway: Awaited<ReturnType<typeof world>>['gateway'], n: number) =>
  gateway.catalogue.get(testId(n))?.reason

it('a block that was seen in part is absent once again after it, not twice', async () => {
  const { gateway, source, sink } = await world({ list: blocks(1, 2) })
  await gateway.sync()
  const steps = [
    { partial: [], reason: 'absent-once' },
    { partial: [{ id: testId(1), reason: 'unreadable', error: new Error('503'), keep: true }], reason: 'unreadable' },
    { partial: [], reason: 'absent-once' },
  ]
  source.list = blocks(2)
  for (const { partial, reason } of steps) {
    source.partial = partial
    await gateway.sync()
    expect(states(gateway, 1)).toBe(reason)
  }
  expect(sink.numbers).toEqual([1, 2])
})

it('a run without a listing of its own counts no absence', async () => {
  const ownership = scriptedOwnership([1, 2])
  const { gateway, source, sink, host, results } = await world({ list: blocks(1, 2), ownership, every: '1h' })
  await gateway.start()
  await gateway.sync()
  source.list = blocks(2)
  await gateway.sync()
  expect(states(gateway, 1)).toBe('absent-once')
  const before = results.length
  for (let i = 0; i < 3; i++) {
    ownership.tick()
    await host.advance(60_000)
  }
  expect(results.slice(before).map(({ summary }) => summary.run.reason)).toContain('ownership-change')
  expect(sink.numbers).toEqual([1, 2])
  await gateway.stop()
})

it('without a hand-over a child stays whose parent goes in the same run', async () => {
  const ownership = scriptedOwnership([1, 2], { handover: false })
  const dedup: SetStage = {
    kind: 'set',
    name: 'dedup',
    select: list =>
      list.map(({ meta }) =>
        numberOf(meta.ulid) === 1 ? { id: meta.ulid, skip: 'duplicate', supersededBy: testId(2) } : { id: meta.ulid },
      ),
  }
  const { gateway, sink } = await world({ list: blocks(1, 2, 3), stages: [dedup], ownership })
  sink.hold(...blocks(1, 2, 3))
  ownership.lose(2)
  await gateway.sync()
  expect(sink.numbers).not.toContain(2)
  expect(sink.numbers).toContain(1)
})

it('a lease that was lost says nothing of who owns a loaded block: it stays', async () => {
  const loses: BlockStage = {
    kind: 'block',
    name: 'loses',
    async handle() {
      throw new LeaseLost()
    },
  }
  const ownership = scriptedOwnership([1], { handover: false })
  const { gateway, sink } = await world({ list: blocks(1), stages: [owned(ownership), loses] })
  sink.hold(...blocks(1))
  await gateway.sync()
  expect([sink.numbers, states(gateway, 1)]).toEqual([[1], 'lease-lost'])
})

it('a block that lingers is pinned where the other one that claims it is down', async () => {
  const ownership = scriptedOwnership([1])
  const { gateway } = await world({ list: blocks(1), ownership })
  await gateway.sync()
  ownership.lose(1)
  ownership.servedByOthers.add(1)
  ownership.releasable = new Set()
  ownership.othersLive = false
  await gateway.sync()
  expect(gateway.catalogue.get(testId(1))).toMatchObject({ state: 'last-copy', reason: 'last-copy' })
})
