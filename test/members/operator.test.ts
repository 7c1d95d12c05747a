import { operatorOf } from 'blockgate/members'
import { memoryStore } from 'blockgate/plugins/store/memory'
import { expect, it } from 'vitest'
import { ids, two, World } from './world.ts'

it('ring() gives every member by id, with what it said of itself', async () => {
  const world = new World()
  await world.started('b', { address: 'http://b:8080' }, [], { instance: { id: 'b', zone: 'z1' } })
  const a = await world.started('a')
  const stats = { assigned: 1, serving: 1, pendingHandOff: 0, lastCopy: 0, failed: 0, bytes: 9 }
  a.handover.report(stats)
  await world.advance(4_000)
  const ring = await a.plugin.operator?.ring()
  const all = { epoch: a.plugin.epoch(), cause: 'a joined', storeId: 'store-1', frozen: false }
  const one = { state: 'active', placed: true, draining: false }
  expect(ring).toMatchObject({
    ...all,
    members: [
      { ...one, id: 'a', zone: undefined, address: undefined, stats },
      { ...one, id: 'b', zone: 'z1', address: 'http://b:8080', stats: undefined },
    ],
  })
  expect(ring?.members.every(({ heartbeatAge }) => heartbeatAge >= 0 && heartbeatAge < 4_000)).toBe(true)
})

it('ring() says whose advertisements count: of a member that is up, that clients ask, and that has told this store what it serves', async () => {
  const world = new World()
  const a = await world.started('a', {}, ids(1))
  const b = await world.started('b', {}, ids(1))
  const ready = async () => (await b.plugin.operator?.ring())?.members.map(member => member.ready)
  expect(await ready()).toEqual([true, true])
  a.handover.ready(false)
  await world.advance(4_000)
  expect(await ready()).toEqual([false, true])
  a.handover.ready(true)
  await world.advance(4_000)
  expect(await ready()).toEqual([true, true])
  await a.stop()
  expect(await ready()).toEqual([false, true])
})

it('drain, freeze and advertised work for those who only look', async () => {
  const world = new World()
  const a = await world.started('a', {}, ids(1, 2))
  const observer = world.member('x', {}, { observer: true })
  await observer.start()
  const { operator } = observer.plugin
  expect(await operator?.advertised('a')).toEqual(new Set(ids(1, 2)))
  expect(await operator?.drain('a', true)).toBe(true)
  expect(await operator?.drain('nobody', true)).toBe(false)
  await operator?.freeze(true)
  expect(await operator?.ring()).toMatchObject({
    frozen: true,
    members: [{ id: 'a', state: 'leaving', draining: true }],
  })
  await world.advance(500)
  expect(a.handover.standing()).toBe('leaving')
  await operator?.drain('a', false)
  await world.advance(500)
  expect(a.handover.standing()).toBe('member')
})

it('only a member that is down can be forgotten', async () => {
  const { world, a, b } = await two()
  const { operator } = a.plugin
  expect(await operator?.forget('nobody')).toBe('unknown')
  expect(await operator?.forget('b')).toBe('alive')
  await b.stop()
  expect(await operator?.forget('b')).toBe('forgotten')
  expect(world.state('b')).toBeUndefined()
})

it('a record that changes between the look and the step is looked at again', async () => {
  const { world, a, b } = await two()
  await b.stop()
  a.line.after('entries', () => void world.table.drain('b', true))
  expect(await operatorOf(a.line).forget('b')).toBe('forgotten')
  const c = await world.started('c')
  await c.stop()
  a.line.after('entries', () => void world.table.forget('c', world.table.entries().members.get('c')?.changed ?? 0))
  expect(await operatorOf(a.line).forget('c')).toBe('forgotten')
})

it('a store that lives in one process says so', () => {
  expect(operatorOf(memoryStore()).unavailable).toBe('memoryStore() lives in the process that made it')
  expect(operatorOf({ ...memoryStore(), shared: true }).unavailable).toBeUndefined()
})
