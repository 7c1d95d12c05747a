import { fakeHost } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { StoreCalls } from '../../src/members/calls.ts'
import { Liveness } from '../../src/members/liveness.ts'
import { MembersView } from '../../src/members/view.ts'
import { type TestMember, World } from './world.ts'

/** The process is gone without a word. */
function kill(world: World, member: TestMember): void {
  world.hosts.delete(member.host)
  member.line.away = true
}

async function stopAll(...members: readonly TestMember[]): Promise<void> {
  for (const member of members) await member.stop()
}

it('a member whose heartbeat stands still for 15 s is set down, and not before', async () => {
  const world = new World()
  const a = await world.started('a')
  const b = await world.started('b')
  await world.advance(20_000)
  expect([world.state('a'), world.state('b')]).toEqual(['active', 'active'])
  kill(world, b)
  await world.advance(14_500)
  expect(world.state('b')).toBe('active')
  await world.advance(8_000)
  expect(world.state('b')).toBe('down')
  expect(world.table.entries().cause).toBe('b down: no heartbeat seen by a')
  await stopAll(a)
})

it('a member that is set down is known to all within the same second', async () => {
  const world = new World()
  const a = await world.started('a')
  const b = await world.started('b')
  await world.advance(1_000)
  const heartbeat = world.table.heartbeats().heartbeats.get('b') ?? { incarnation: 0, sequence: 0 }
  kill(world, b)
  world.table.expire('b', heartbeat, { max: 1, windowMs: 1 }, 'x')
  await world.advance(250)
  expect(a.plugin.epoch()).toBe(world.table.entries().epoch)
  expect(a.changes.at(-1)?.epoch).toBe(a.plugin.epoch())
  expect(a.host.lines.at(-1)).toEqual({
    level: 'info',
    message: 'epoch',
    fields: { epoch: a.plugin.epoch(), cause: 'b down: no heartbeat seen by x' },
  })
  await stopAll(a)
})

it('silence does not count while this process cannot read: 15 s begin with the second read after it', async () => {
  const world = new World()
  const a = await world.started('a')
  const b = await world.started('b')
  await world.advance(10_000)
  kill(world, b)
  a.line.away = true
  await world.advance(30_000)
  a.line.away = false
  await world.advance(15_000)
  expect(world.state('b')).toBe('active')
  await world.advance(10_000)
  expect(world.state('b')).toBe('down')
  await stopAll(a)
})

it('one read that failed is an interruption', async () => {
  const world = new World()
  const a = await world.started('a')
  const b = await world.started('b')
  await world.advance(10_000)
  kill(world, b)
  await world.advance(9_000)
  a.line.fault('heartbeats', 'away')
  await world.advance(15_000)
  expect(world.state('b')).toBe('active')
  await world.advance(12_000)
  expect(world.state('b')).toBe('down')
  await stopAll(a)
})

it('a process that was paused sets nobody down for its own pause', async () => {
  const world = new World()
  const a = await world.started('a')
  const b = await world.started('b')
  await world.advance(10_000)
  const heartbeat = world.table.heartbeats().heartbeats.get('b')
  // Both stand still, as on one suspended machine; only the clocks have moved when they go on.
  a.host.step(60_000)
  b.host.step(60_000)
  kill(world, b)
  await world.advance(14_500)
  expect(world.table.heartbeats().heartbeats.get('b')).toMatchObject({ sequence: heartbeat?.sequence })
  expect(world.state('b')).toBe('active')
  await world.advance(10_000)
  expect(world.state('b')).toBe('down')
  await stopAll(a)
})

it('a wall clock that is stepped back does not make a silent member live longer', async () => {
  const world = new World()
  const a = await world.started('a')
  const b = await world.started('b')
  await world.advance(10_000)
  kill(world, b)
  await world.advance(5_000)
  a.host.step(-3_600_000)
  await world.advance(18_000)
  expect(world.state('b')).toBe('down')
  await stopAll(a)
})

it('of four silent members of five one is set down each 15 s, and it is said once', async () => {
  const world = new World()
  const members: TestMember[] = []
  for (const id of ['a', 'b', 'c', 'd', 'e']) members.push(await world.started(id))
  const [a, ...others] = members as [TestMember, ...TestMember[]]
  await world.advance(7_000)
  for (const other of others) kill(world, other)
  const down = () => others.filter(({ id }) => world.state(id) === 'down').length
  await world.advance(22_000)
  expect(down()).toBe(1)
  expect(a.handover.counts().refusedExpiries).toBe(3)
  expect(a.host.lines.filter(l => l.message.startsWith('too many members are silent'))).toHaveLength(1)
  await world.advance(15_000)
  expect(down()).toBe(2)
  await stopAll(a)
})

it('while the cluster is frozen nobody is set down, and nobody is asked to be', async () => {
  const world = new World()
  const a = await world.started('a')
  const b = await world.started('b')
  world.table.freeze(true)
  kill(world, b)
  await world.advance(30_000)
  expect(world.state('b')).toBe('active')
  expect(a.line.writes).not.toContain('expire')
  world.table.freeze(false)
  await world.advance(4_000)
  expect(world.state('b')).toBe('down')
  await stopAll(a)
})

it('a member that is down keeps its place for the grace, and its record for half an hour after it', async () => {
  const world = new World()
  const a = await world.started('a', { grace: '20s', forgetAfter: '30s' })
  const b = await world.started('b')
  await b.stop()
  world.hosts.delete(b.host)
  const record = () => world.table.entries().members.get('b')
  await world.advance(19_000)
  expect(record()?.placed).toBe(true)
  await world.advance(5_000)
  expect(record()?.placed).toBe(false)
  await world.advance(27_000)
  expect(record()).toBeDefined()
  await world.advance(6_500)
  expect(record()).toBeUndefined()
  await stopAll(a)
})

it('a member that came back in between begins its grace anew', async () => {
  const world = new World()
  const a = await world.started('a', { grace: '20s' })
  const first = await world.started('b')
  await first.stop()
  await world.advance(15_000)
  const second = await world.started('b')
  await second.stop()
  await world.advance(15_000)
  expect(world.table.entries().members.get('b')?.placed).toBe(true)
  await stopAll(a)
})

it('a process that was set down while it was paused joins again when it goes on', async () => {
  const world = new World()
  const a = await world.started('a')
  const b = await world.started('b')
  kill(world, b)
  await world.advance(22_000)
  expect(world.state('b')).toBe('down')
  world.hosts.add(b.host)
  b.line.away = false
  await world.advance(4_000)
  expect(world.state('b')).toBe('active')
  expect(b.handover.standing()).toBe('member')
  await stopAll(a, b)
})

it('members() tells how old the last heartbeat of each is', async () => {
  const world = new World()
  const a = await world.started('a', { address: 'http://a' }, [], { host: fakeHost({ now: world.host.now() }) })
  const b = await world.started('b')
  await world.advance(7_000)
  kill(world, b)
  await world.advance(9_000)
  const members = a.handover.members()
  expect(members.map(({ id, state, address }) => [id, state, address])).toEqual([
    ['a', 'active', 'http://a'],
    ['b', 'active', undefined],
  ])
  expect(members[0]?.heartbeatAge).toBeLessThan(4_000)
  expect(members[1]?.heartbeatAge).toBeGreaterThanOrEqual(9_000)
  await stopAll(a)
})

it('15 s begin after the second read, and end before the one that shows them over', async () => {
  const world = new World()
  const a = await world.started('a')
  const b = await world.started('b')
  await world.advance(500)
  const view = new MembersView(world.table.entries(), world.table.heartbeats(), 7_500)
  const at = (ms: number) => ({ monotonic: ms, wall: ms })
  const times = { heartbeatMs: 3_000, expireAfterMs: 15_000, graceMs: 1, forgetAfterMs: 1 }
  const calls = new StoreCalls(a.host, 5_000)
  const liveness = new Liveness({ ...times, store: a.line }, { host: a.host, calls })
  const silent = () => liveness.silent(view, 'a').map(({ id }) => id)
  const look = (asked: number, read = asked) => liveness.observe(view, at(asked), at(read))
  expect([look(0), look(3_000, 3_500), look(6_000)]).toEqual([false, true, true])
  for (let ms = 9_000; ms <= 18_000; ms += 3_000) look(ms)
  look(18_400, 18_900)
  expect(silent()).toEqual([])
  look(18_500)
  expect(silent()).toEqual(['b'])
  await stopAll(a, b)
})
