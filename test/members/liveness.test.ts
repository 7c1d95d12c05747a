import { fakeHost } from 'blockgate/testing'
import { expect, it, test } from 'vitest'
import { StoreCalls } from '../../src/members/calls.ts'
import { Liveness } from '../../src/members/liveness.ts'
import { MembersView } from '../../src/members/view.ts'
import { one, type TestMember, two, World } from './world.ts'

type Two = Awaited<ReturnType<typeof two>>

/** After 10 s of peace b is killed, and `meanwhile` happens; it must be up still after `up` ms, and down after `down` ms more. */
const SILENCES: Readonly<Record<string, { meanwhile?: (all: Two) => Promise<void> | void; up: number; down: number }>> =
  {
    'for 15 s, and not before': { up: 14_500, down: 8_000 },
    'for 15 s since the second read after this process could not read': {
      meanwhile: async ({ world, a }) => {
        a.line.away = true
        await world.advance(30_000)
        a.line.away = false
      },
      up: 15_000,
      down: 10_000,
    },
    'for 15 s since one read that failed': {
      meanwhile: async ({ world, a }) => {
        await world.advance(9_000)
        a.line.fault('heartbeats', 'away')
      },
      up: 15_000,
      down: 12_000,
    },
    'for 15 s since this process was paused: only the clocks have moved, as on one suspended machine': {
      meanwhile: ({ a, b }) => {
        a.host.step(60_000)
        b.host.step(60_000)
      },
      up: 14_500,
      down: 10_000,
    },
    'for 15 s, though the wall clock is stepped back': {
      meanwhile: async ({ world, a }) => {
        await world.advance(5_000)
        a.host.step(-3_600_000)
      },
      up: 5_000,
      down: 13_000,
    },
  }

test.each(Object.entries(SILENCES))(
  'a member is marked unhealthy that is silent %s',
  async (_, { meanwhile, up, down }) => {
    const all = await two()
    const { world, b } = all
    await world.advance(10_000)
    expect([world.state('a'), world.state('b')]).toEqual(['active', 'active'])
    world.kill(b)
    await meanwhile?.(all)
    await world.advance(up)
    expect(world.state('b')).toBe('active')
    await world.advance(down)
    expect(world.state('b')).toBe('down')
    expect(world.table.entries().cause).toBe('b down: no heartbeat seen by a')
  },
)

it('a member that is marked unhealthy is known to all within the same second', async () => {
  const { world, a, b } = await two()
  await world.advance(1_000)
  world.kill(b)
  world.expire('b')
  await world.advance(250)
  const epoch = a.plugin.epoch()
  expect(epoch).toBe(world.table.entries().epoch)
  expect(a.changes.at(-1)?.epoch).toBe(epoch)
  const fields = { epoch, cause: 'b down: no heartbeat seen by x' }
  expect(a.host.lines.at(-1)).toEqual({ level: 'info', message: 'epoch', fields })
})

it('of four silent members of five one is marked unhealthy each 15 s, and it is logged once', async () => {
  const { world, a } = await one()
  const others: TestMember[] = []
  for (const id of ['b', 'c', 'd', 'e']) others.push(await world.started(id))
  await world.advance(7_000)
  for (const other of others) world.kill(other)
  const down = () => others.filter(({ id }) => world.state(id) === 'down').length
  await world.advance(22_000)
  expect(down()).toBe(1)
  expect(a.handover.counts().refusedExpiries).toBe(3)
  expect(a.host.lines.filter(l => l.message.startsWith('too many members are silent'))).toHaveLength(1)
  await world.advance(15_000)
  expect(down()).toBe(2)
})

it('while the cluster is frozen nobody is marked unhealthy, and nobody is asked to be', async () => {
  const { world, a, b } = await two()
  world.table.freeze(true)
  world.kill(b)
  await world.advance(30_000)
  expect(world.state('b')).toBe('active')
  expect(a.line.writes).not.toContain('expire')
  world.table.freeze(false)
  await world.advance(4_000)
  expect(world.state('b')).toBe('down')
})

it('a member that is down keeps its place for the grace, and its entry for half an hour after it', async () => {
  const world = new World()
  await world.started('a', { grace: '20s', forgetAfter: '30s' })
  const b = await world.started('b')
  await b.stop()
  world.hosts.delete(b.host)
  const placed: (boolean | undefined)[] = []
  for (const ms of [19_000, 5_000, 27_000, 6_500]) {
    await world.advance(ms)
    placed.push(world.table.entries().members.get('b')?.placed)
  }
  expect(placed).toEqual([true, false, false, undefined])
})

it('a member that came back in between begins its grace anew', async () => {
  const world = new World()
  await world.started('a', { grace: '20s' })
  for (let i = 0; i < 2; i++) {
    await (await world.started('b')).stop()
    await world.advance(15_000)
  }
  expect(world.table.entries().members.get('b')?.placed).toBe(true)
})

it('a process that was marked unhealthy while it was paused joins again when it goes on', async () => {
  const { world, b } = await two()
  world.kill(b)
  await world.advance(22_000)
  expect(world.state('b')).toBe('down')
  world.hosts.add(b.host)
  b.line.away = false
  await world.advance(4_000)
  expect(world.state('b')).toBe('active')
  expect(b.handover.standing()).toBe('member')
})

it('members() tells how old the last heartbeat of each is', async () => {
  const world = new World()
  const a = await world.started('a', { address: 'http://a' }, [], { host: fakeHost({ now: world.host.now() }) })
  const b = await world.started('b')
  await world.advance(7_000)
  world.kill(b)
  await world.advance(9_000)
  const members = a.handover.members()
  expect(members.map(({ id, state, address }) => [id, state, address])).toEqual([
    ['a', 'active', 'http://a'],
    ['b', 'active', undefined],
  ])
  expect(members[0]?.heartbeatAge).toBeLessThan(4_000)
  expect(members[1]?.heartbeatAge).toBeGreaterThanOrEqual(9_000)
})

it('15 s begin after the second read, and end before the one that shows them over', async () => {
  const { world, a } = await two()
  await world.advance(500)
  const view = new MembersView(world.table.entries(), world.table.heartbeats(), 7_500)
  const at = (ms: number) => ({ monotonic: ms, wall: ms })
  const times = { heartbeatMs: 3_000, expireAfterMs: 15_000, graceMs: 1, forgetAfterMs: 1 }
  const calls = new StoreCalls(a.host, 5_000)
  const liveness = new Liveness({ ...times, store: a.line }, { host: a.host, calls })
  const silent = () => liveness.silent(view, 'a').map(({ id }) => id)
  const poll = (asked: number, read = asked) => liveness.observe(view, at(asked), at(read))
  expect([poll(0), poll(3_000, 3_500), poll(6_000)]).toEqual([false, true, true])
  for (let ms = 9_000; ms <= 18_000; ms += 3_000) poll(ms)
  poll(18_400, 18_900)
  expect(silent()).toEqual([])
  poll(18_500)
  expect(silent()).toEqual(['b'])
  // By the clocks of its host that was long ago: silence before a pause need not be silence now.
  expect(await liveness.act(view, 'a')).toBe(false)
  expect(a.line.writes).not.toContain('expire')
})
