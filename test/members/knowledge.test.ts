import { expect, it } from 'vitest'
import { drop, serve } from './pair.ts'
import { blockOf, meta, never, one, type TestMember, two, World } from './world.ts'

/** `throws` is why a does not know who owns what, and claims nothing; undefined: it does. */
async function expectKnown(a: TestMember, why?: string | RegExp): Promise<void> {
  expect(a.handover.known?.()).toBe(why === undefined)
  if (why === undefined) return void expect(a.handover.owners(meta(1)).length).toBeGreaterThan(0)
  expect(() => a.handover.owners(meta(1))).toThrow(why)
  await expect(a.plugin.claim(meta(1), never)).rejects.toMatchObject({ code: 'ownership-unavailable' })
}

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
})

it('minMembers is waited for no longer than startGrace, and whoever waits is told', async () => {
  const world = new World()
  const a = await world.started('a', { minMembers: 3, startGrace: '10s' })
  await world.advance(9_500)
  await expectKnown(a, 'minMembers')
  const told = a.changes.length
  await world.advance(4_000)
  await expectKnown(a)
  expect(a.changes).toHaveLength(told + 1)
  expect(a.changes.at(-1)?.affects(meta(1))).toBe(true)
})

it('a view that is as old as expireAfter is no view; the next one is told', async () => {
  const { world, a } = await one()
  a.line.away = true
  await world.advance(11_500)
  await expectKnown(a)
  await world.advance(4_000)
  await expectKnown(a, /the member store was read \d+ ms ago: must be < 15000 ms/)
  expect(a.handover.standing()).toBe('member')
  const told = a.changes.length
  a.line.away = false
  await world.advance(4_000)
  await expectKnown(a)
  expect(a.changes.length).toBeGreaterThan(told)
})

it('a wall clock that jumps makes the view old at once', async () => {
  const { a } = await one()
  a.host.step(15_000)
  await expectKnown(a, 'ms ago')
})

it('of a store that was emptied nothing is believed until those who were up are back', async () => {
  const { world, a, b } = await two()
  await world.advance(500)
  b.line.away = true
  world.table.clear('store-1')
  await world.advance(4_000)
  expect(world.state('a')).toBe('active')
  await expectKnown(a, 'the member store has lost its members: b must come back')
  b.line.away = false
  await world.advance(4_000)
  expect(a.handover.owners(meta(1))).toHaveLength(2)
})

it('a member that does not come back to an emptied store is waited for no longer than expireAfter', async () => {
  const { world, a, b } = await two()
  await world.advance(500)
  b.line.away = true
  world.table.clear('store-2')
  await world.advance(14_000)
  await expectKnown(a, 'must come back')
  await world.advance(6_000)
  expect(a.handover.owners(meta(1))).toHaveLength(1)
})

it('a process that was marked unhealthy does not know until it has joined again', async () => {
  const { world, a } = await one()
  a.line.fault('join', 'away', 5)
  world.expire('a')
  await world.advance(250)
  await expectKnown(a, 'this process is not a member now')
  await world.advance(20_000)
  await expectKnown(a)
})

it('who has heard of a newer epoch does not know until it has read it', async () => {
  const { world, a } = await one()
  await world.advance(500)
  a.line.fault('entries', 'away', 8)
  world.table.freeze(true)
  await world.advance(3_500)
  await expectKnown(a, 'the members have changed, and could not be read since')
  const told = a.changes.length
  await world.advance(20_000)
  await expectKnown(a)
  expect(a.changes.length).toBeGreaterThan(told)
})

it('before the start and after the stop nothing is known', async () => {
  const a = new World().member('a')
  await expectKnown(a, 'has not started')
  expect(a.plugin.epoch()).toBe(0)
  expect(a.handover.members()).toEqual([])
  await a.start()
  await a.stop()
  await expectKnown(a, 'has stopped')
})

it('who serves what is read again from a store that failed over, though the version is one that was seen', async () => {
  const { world, a, b } = await two()
  await world.advance(4_000)
  const copy = world.table.snapshot()
  await serve(b, meta(1))
  await world.advance(4_000)
  const version = () => world.table.heartbeats().heartbeats.get('b')?.version
  const seen = version()
  a.line.away = true
  await drop(b, meta(1))
  await serve(b, meta(2))
  world.failOver(copy)
  await world.advance(8_000)
  expect(version()).toBe(seen)
  a.line.away = false
  await world.advance(4_000)
  const serving = (n: number) => a.handover.owners(meta(n)).flatMap(({ serves, member }) => (serves ? [member] : []))
  expect([serving(1), serving(2)]).toEqual([[], ['b']])
})
