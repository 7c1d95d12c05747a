import { expect, it } from 'vitest'
import { blockOf, meta, never, World } from './world.ts'

it('nobody claims before minMembers were up at once; then all may, also when one goes again', async () => {
  const world = new World()
  const a = await world.started('a', { minMembers: 2 })
  await expect(a.plugin.claim(meta(1), never)).rejects.toThrow('minMembers: must be 2: current value is 1')
  const told = a.changes.length
  const b = await world.started('b', { minMembers: 2 })
  await world.advance(500)
  expect((await a.plugin.claim(blockOf(a.plugin, 'a'), never)).status).toBe('granted')
  expect(a.changes.length).toBeGreaterThan(told)
  await b.stop()
  await world.advance(500)
  expect((await a.plugin.claim(blockOf(a.plugin, 'a'), never)).status).toBe('granted')
  await a.stop()
})

it('minMembers is waited for no longer than startGrace, and whoever waits is told', async () => {
  const world = new World()
  const a = await world.started('a', { minMembers: 3, startGrace: '10s' })
  await world.advance(9_500)
  await expect(a.plugin.claim(meta(1), never)).rejects.toThrow('minMembers')
  const told = a.changes.length
  await world.advance(4_000)
  expect((await a.plugin.claim(meta(1), never)).status).toBe('granted')
  expect(a.changes).toHaveLength(told + 1)
  expect(a.changes.at(-1)?.affects(meta(1))).toBe(true)
  await a.stop()
})

it('a view that is as old as expireAfter is no view; the next one is told', async () => {
  const world = new World()
  const a = await world.started('a')
  a.line.away = true
  await world.advance(11_500)
  expect(a.handover.owners(meta(1))).toHaveLength(1)
  expect(a.handover.known?.()).toBe(true)
  await world.advance(4_000)
  expect(a.handover.known?.()).toBe(false)
  expect(() => a.handover.owners(meta(1))).toThrow(/the member store was read \d+ ms ago: must be < 15000 ms/)
  await expect(a.plugin.claim(meta(1), never)).rejects.toMatchObject({ code: 'ownership-unavailable' })
  expect(a.handover.standing()).toBe('member')
  const told = a.changes.length
  a.line.away = false
  await world.advance(4_000)
  expect(a.handover.owners(meta(1))).toHaveLength(1)
  expect(a.changes.length).toBeGreaterThan(told)
  await a.stop()
})

it('a wall clock that jumps makes the view old at once', async () => {
  const world = new World()
  const a = await world.started('a')
  a.host.step(15_000)
  expect(() => a.handover.owners(meta(1))).toThrow('ms ago')
  await a.stop()
})

it('of a store that was emptied nothing is believed until those who were up are back', async () => {
  const world = new World()
  const a = await world.started('a')
  const b = await world.started('b')
  await world.advance(500)
  b.line.away = true
  world.table.clear('store-1')
  await world.advance(4_000)
  expect(world.state('a')).toBe('active')
  expect(() => a.handover.owners(meta(1))).toThrow('the member store has lost its members: b must come back')
  b.line.away = false
  await world.advance(4_000)
  expect(a.handover.owners(meta(1))).toHaveLength(2)
  await a.stop()
  await b.stop()
})

it('a member that does not come back to an emptied store is waited for no longer than expireAfter', async () => {
  const world = new World()
  const a = await world.started('a')
  const b = await world.started('b')
  await world.advance(500)
  b.line.away = true
  world.table.clear('store-2')
  await world.advance(14_000)
  expect(() => a.handover.owners(meta(1))).toThrow('must come back')
  await world.advance(6_000)
  expect(a.handover.owners(meta(1))).toHaveLength(1)
  await a.stop()
  await b.stop()
})

it('a process that was set down does not know until it has joined again', async () => {
  const world = new World()
  const a = await world.started('a')
  for (let i = 0; i < 5; i++) a.line.fault('join', 'away')
  const heartbeat = world.table.heartbeats().heartbeats.get('a') ?? { incarnation: 0, sequence: 0 }
  world.table.expire('a', heartbeat, { max: 1, windowMs: 1 }, 'x')
  await world.advance(250)
  expect(() => a.handover.owners(meta(1))).toThrow('this process is not a member now')
  await world.advance(20_000)
  expect(a.handover.owners(meta(1))).toHaveLength(1)
  await a.stop()
})

it('who has heard of a newer epoch does not know until it has read it', async () => {
  const world = new World()
  const a = await world.started('a')
  await world.advance(500)
  for (let i = 0; i < 8; i++) a.line.fault('entries', 'away')
  world.table.freeze(true)
  await world.advance(3_500)
  expect(() => a.handover.owners(meta(1))).toThrow('the members have changed, and could not be read since')
  await expect(a.plugin.claim(meta(1), never)).rejects.toMatchObject({ code: 'ownership-unavailable' })
  const told = a.changes.length
  await world.advance(20_000)
  expect(a.handover.owners(meta(1))).toHaveLength(1)
  expect(a.changes.length).toBeGreaterThan(told)
  await a.stop()
})

it('before the start and after the stop nothing is known', async () => {
  const world = new World()
  const a = world.member('a')
  expect(() => a.handover.owners(meta(1))).toThrow('has not started')
  expect(a.plugin.epoch()).toBe(0)
  expect(a.handover.members()).toEqual([])
  await a.start()
  await a.stop()
  expect(() => a.handover.owners(meta(1))).toThrow('has stopped')
})

it('who serves what is read again from a store that failed over, though the version is one that was seen', async () => {
  const world = new World()
  const a = await world.started('a')
  const b = await world.started('b')
  await world.advance(4_000)
  const copy = world.table.snapshot()
  await b.handover.serve({ added: [meta(1).ulid], dropped: [] }, never)
  await world.advance(4_000)
  const seen = world.table.heartbeats().heartbeats.get('b')?.claims
  a.line.away = true
  await b.handover.serve({ added: [], dropped: [meta(1).ulid] }, never)
  await b.handover.serve({ added: [meta(2).ulid], dropped: [] }, never)
  world.table.restore(copy, 'store-2')
  await world.advance(8_000)
  expect(world.table.heartbeats().heartbeats.get('b')?.claims).toBe(seen)
  a.line.away = false
  await world.advance(4_000)
  const serving = (n: number) =>
    a.handover
      .owners(meta(n))
      .filter(o => o.serves)
      .map(o => o.member)
  expect([serving(1), serving(2)]).toEqual([[], ['b']])
  await a.stop()
  await b.stop()
})
