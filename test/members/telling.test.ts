import { testId } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { blockOf, ids, meta, never, World } from './world.ts'

const told = (world: World, id: string) => world.table.heartbeats().heartbeats.get(id)?.storeId

it('the heartbeat carries the id of the store only once everything is told', async () => {
  const world = new World()
  const a = world.member('a')
  await a.start()
  await world.advance(7_000)
  expect(told(world, 'a')).toBe('')
  await a.handover.publish(new Set(ids(1, 2)), never)
  expect(world.claims('a')).toEqual(ids(1, 2))
  expect(told(world, 'a')).toBe('store-1')
  await a.stop()
})

it('a publish that does not get through is done with a later heartbeat, and told under no id until then', async () => {
  const world = new World()
  const a = world.member('a')
  await a.start()
  a.line.fault('serve', 'away')
  await expect(a.handover.publish(new Set(ids(1)), never)).rejects.toThrow('away')
  expect(told(world, 'a')).toBe('')
  await world.advance(4_000)
  expect(world.claims('a')).toEqual(ids(1))
  expect(told(world, 'a')).toBe('store-1')
  await a.stop()
})

it('many blocks are told in calls of 500, dropped ones before added ones', async () => {
  const world = new World()
  const a = await world.started('a')
  const many = Array.from({ length: 1_100 }, (_, i) => testId(i + 1))
  a.line.writes.length = 0
  await a.handover.serve({ added: many, dropped: [] }, never)
  expect(a.line.writes).toEqual(['serve', 'serve', 'serve'])
  expect(world.claims('a')).toHaveLength(1_100)
  await a.handover.serve({ added: ids(2_000), dropped: many.slice(0, 600) }, never)
  expect(world.claims('a')).toHaveLength(501)
  await a.stop()
})

it('an added block that could not be told is served all the same, and told with the next heartbeat', async () => {
  const world = new World()
  const a = await world.started('a')
  a.line.fault('serve', 'away')
  await expect(a.handover.serve({ added: ids(1), dropped: [] }, never)).rejects.toThrow('away')
  expect(a.handover.owners(meta(1))[0]?.serves).toBe(true)
  await world.advance(4_000)
  expect(world.claims('a')).toEqual(ids(1))
  await a.stop()
})

it.each(['away', 'lost', 'late'] as const)(
  'a dropped block whose drop is %s is served still, and claimed again',
  async fault => {
    const world = new World()
    const a = await world.started('a', {}, ids(1, 2))
    a.line.fault('serve', fault)
    await expect(a.handover.serve({ added: [], dropped: ids(1) }, never)).rejects.toThrow()
    expect(a.handover.owners(meta(1))[0]?.serves).toBe(true)
    await world.advance(4_000)
    a.line.land()
    expect([...world.claims('a')].sort()).toEqual(ids(1, 2))
    await a.stop()
  },
)

it('a late drop cannot land between the reading and the writing of the claims', async () => {
  const world = new World()
  const a = await world.started('a', {}, ids(1, 2))
  a.line.fault('serve', 'late')
  await expect(a.handover.serve({ added: [], dropped: ids(1) }, never)).rejects.toThrow()
  a.line.after('claims', () => a.line.land())
  await world.advance(4_000)
  expect(world.claims('a')).toEqual(ids(1, 2))
  await a.stop()
})

it('a drop at a store that has no record of the process is done: there is no claim', async () => {
  const world = new World()
  const a = await world.started('a', {}, ids(1, 2))
  world.table.clear('store-1')
  await a.handover.serve({ added: [], dropped: ids(1) }, never)
  await world.advance(4_000)
  expect(world.claims('a')).toEqual(ids(2))
  await a.stop()
})

it('a member that was set down comes back as the same process, and claims what it serves', async () => {
  const world = new World()
  const a = await world.started('a', {}, ids(1))
  const { incarnation } = world.table.entries().members.get('a') ?? {}
  const heartbeat = world.table.heartbeats().heartbeats.get('a')
  world.table.expire('a', heartbeat ?? { incarnation: 0, sequence: 0 }, { max: 9, windowMs: 1 }, 'b')
  expect(world.state('a')).toBe('down')
  await world.advance(500)
  expect(world.state('a')).toBe('active')
  expect(world.table.entries().members.get('a')?.incarnation).toBe(incarnation)
  expect(world.claims('a')).toEqual(ids(1))
  expect(told(world, 'a')).toBe('store-1')
  await a.stop()
})

it('a store that was emptied has every member, every claim and a larger epoch again', async () => {
  const world = new World()
  const a = await world.started('a', {}, ids(1))
  const b = await world.started('b', {}, ids(2))
  const before = a.plugin.epoch()
  world.table.clear('store-2')
  await world.advance(7_000)
  expect([world.claims('a'), world.claims('b')]).toEqual([ids(1), ids(2)])
  expect([told(world, 'a'), told(world, 'b')]).toEqual(['store-2', 'store-2'])
  expect(a.plugin.epoch()).toBeGreaterThan(before)
  expect(a.plugin.epoch()).toBe(world.table.entries().epoch)
  await a.stop()
  await b.stop()
})

it('after a failover that lost writes the claims are told again before the new id is carried', async () => {
  const world = new World()
  const a = await world.started('a', {}, ids(1, 2))
  const copy = world.table.snapshot()
  await a.handover.serve({ added: ids(3), dropped: ids(1) }, never)
  world.table.restore(copy, 'store-2')
  expect(world.claims('a')).toEqual(ids(1, 2))
  a.line.fault('claims', 'away')
  a.line.fault('claims', 'away')
  await world.advance(3_500)
  expect(told(world, 'a')).toBe('store-1')
  await world.advance(3_500)
  expect(told(world, 'a')).toBe('store-2')
  expect([...world.claims('a')].sort()).toEqual(ids(2, 3))
  await a.stop()
})

it('a store that has lost its epoch is told the largest one that was seen', async () => {
  const world = new World()
  const a = await world.started('a')
  const copy = world.table.snapshot()
  world.table.freeze(true)
  world.table.freeze(false)
  await world.advance(500)
  const before = a.plugin.epoch()
  world.table.restore(copy, 'store-2')
  expect(world.table.entries().epoch).toBeLessThan(before)
  await world.advance(7_000)
  expect(world.table.entries().epoch).toBeGreaterThan(before)
  expect(a.plugin.epoch()).toBe(world.table.entries().epoch)
  await a.stop()
})

it('a superseded process says no more, and claims nothing', async () => {
  const world = new World()
  const a = await world.started('a', {}, ids(1))
  a.line.away = true
  await world.advance(8_000)
  const b = world.member('a')
  await b.start()
  await b.handover.publish(new Set(ids(7)), never)
  a.line.away = false
  await world.advance(4_000)
  expect(a.handover.standing()).toBe('superseded')
  expect(() => a.handover.owners(meta(1))).toThrow('a newer process has the id of this member')
  await expect(a.plugin.claim(meta(1), never)).rejects.toThrow('a newer process')
  await expect(a.handover.publish(new Set(ids(1)), never)).rejects.toThrow()
  a.line.writes.length = 0
  await world.advance(20_000)
  await a.handover.serve({ added: [], dropped: ids(1) }, never)
  await a.stop()
  expect(a.line.writes).toEqual([])
  expect(world.claims('a')).toEqual(ids(7))
  expect(b.handover.standing()).toBe('member')
  await b.stop()
})

it('a process that cannot read learns from the answer to a write that it was superseded', async () => {
  const world = new World()
  const a = await world.started('a', {}, ids(1))
  a.line.away = true
  await world.advance(8_000)
  const twin = world.member('a')
  await twin.start()
  a.line.away = false
  for (let i = 0; i < 9; i++) a.line.fault('heartbeats', 'away')
  await world.advance(4_000)
  expect(a.handover.standing()).toBe('superseded')
  await twin.stop()
  await a.stop()
})

it('a process whose writes are lost learns from a look that it was superseded', async () => {
  const world = new World()
  const a = await world.started('a', {}, ids(1))
  a.line.away = true
  await world.advance(8_000)
  const twin = world.member('a')
  await twin.start()
  a.line.away = false
  for (let i = 0; i < 9; i++) a.line.fault('heartbeat', 'away')
  await world.advance(4_000)
  expect(a.handover.standing()).toBe('superseded')
  await twin.stop()
  await a.stop()
})

it('a block that is being dropped is not claimed again by a publish that comes in between', async () => {
  const world = new World()
  const a = await world.started('a', {}, ids(1, 2))
  world.table.restore(world.table.snapshot(), 'store-2')
  const dropping = a.handover.serve({ added: [], dropped: ids(1) }, never)
  await world.advance(4_000)
  await dropping
  expect(world.claims('a')).toEqual(ids(2))
  await a.stop()
})

it('what a member says of itself goes out with its next heartbeat', async () => {
  const world = new World()
  const a = await world.started('a')
  const stats = { assigned: 1, serving: 2, pendingHandOff: 3, lastCopy: 4, failed: 5, bytes: 6 }
  a.handover.report(stats)
  await world.advance(4_000)
  expect(world.table.heartbeats().heartbeats.get('a')?.stats).toEqual(stats)
  await a.stop()
})

it('writes of one process go one at a time, each with a later number', async () => {
  const world = new World()
  const a = await world.started('a')
  await Promise.all([1, 2, 3].map(n => a.handover.serve({ added: ids(n), dropped: [] }, never)))
  expect(world.claims('a')).toEqual(ids(1, 2, 3))
  expect(blockOf(a.plugin, 'a').ulid).toBe(testId(1))
  await a.stop()
})
