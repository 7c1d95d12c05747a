import { testId } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { drop, serve } from './pair.ts'
import { ids, meta, never, one, type TestMember, World } from './world.ts'

const told = (world: World, id = 'a') => world.table.heartbeats().heartbeats.get(id)?.storeId

/** A world in which `a` serves blocks 1 and 2. */
async function serving() {
  const world = new World()
  return { world, a: await world.started('a', {}, ids(1, 2)) }
}

/** Another process took the id of `a` while that could not reach the store; now it can again. */
async function twinOf(world: World, a: TestMember, served: readonly number[]): Promise<TestMember> {
  a.line.away = true
  await world.advance(8_000)
  const twin = await world.started('a', {}, ids(...served))
  a.line.away = false
  return twin
}

it('the heartbeat carries the id of the store only once everything is published', async () => {
  const world = new World()
  const a = world.member('a')
  await a.start()
  await world.advance(7_000)
  expect(told(world)).toBe('')
  await a.handover.publish(new Set(ids(1, 2)), never)
  expect(world.advertised('a')).toEqual(ids(1, 2))
  expect(told(world)).toBe('store-1')
})

it('a publish that does not get through is done with a later heartbeat, and no id is carried until then', async () => {
  const world = new World()
  const a = world.member('a')
  await a.start()
  a.line.fault('serve', 'away')
  await expect(a.handover.publish(new Set(ids(1)), never)).rejects.toThrow('away')
  expect(told(world)).toBe('')
  await world.advance(4_000)
  expect(world.advertised('a')).toEqual(ids(1))
  expect(told(world)).toBe('store-1')
})

it('many blocks are written in calls of 500, dropped ones before added ones', async () => {
  const { world, a } = await one()
  const many = Array.from({ length: 1_100 }, (_, i) => testId(i + 1))
  a.line.writes.length = 0
  await a.handover.serve({ added: many, dropped: [] }, never)
  expect(a.line.writes).toEqual(['serve', 'serve', 'serve'])
  expect(world.advertised('a')).toHaveLength(1_100)
  await a.handover.serve({ added: ids(2_000), dropped: many.slice(0, 600) }, never)
  expect(world.advertised('a')).toHaveLength(501)
})

it('an added block that could not be written is served all the same, and written with the next heartbeat', async () => {
  const { world, a } = await one()
  a.line.fault('serve', 'away')
  await expect(serve(a, meta(1))).rejects.toThrow('away')
  expect(a.handover.owners(meta(1))[0]?.serves).toBe(true)
  await world.advance(4_000)
  expect(world.advertised('a')).toEqual(ids(1))
})

it.each(['away', 'lost', 'late'] as const)(
  'a dropped block whose drop is %s is served still, and claimed again',
  async fault => {
    const { world, a } = await serving()
    a.line.fault('serve', fault)
    await expect(drop(a, meta(1))).rejects.toThrow()
    expect(a.handover.owners(meta(1))[0]?.serves).toBe(true)
    await world.advance(4_000)
    a.line.land()
    expect(world.advertised('a')).toEqual(ids(1, 2))
  },
)

it('a write that the client sends twice is done once more, and answered as done', async () => {
  const { world, a } = await serving()
  a.line.fault('serve', 'twice')
  await drop(a, meta(1))
  expect(world.advertised('a')).toEqual(ids(2))
})

it('a late drop cannot land between the read and the write of what is advertised', async () => {
  const { world, a } = await serving()
  a.line.fault('serve', 'late')
  await expect(drop(a, meta(1))).rejects.toThrow()
  a.line.after('advertised', () => a.line.land())
  await world.advance(4_000)
  expect(world.advertised('a')).toEqual(ids(1, 2))
})

it('a drop at a store that has no entry of the process is done: there is no claim', async () => {
  const { world, a } = await serving()
  world.table.clear('store-1')
  await drop(a, meta(1))
  await world.advance(4_000)
  expect(world.advertised('a')).toEqual(ids(2))
})

it('a member that was marked unhealthy comes back as the same process, and advertises what it serves', async () => {
  const { world } = await serving()
  const { incarnation } = world.table.entries().members.get('a') ?? {}
  world.expire('a')
  expect(world.state('a')).toBe('down')
  await world.advance(500)
  expect(world.state('a')).toBe('active')
  expect(world.table.entries().members.get('a')?.incarnation).toBe(incarnation)
  expect(world.advertised('a')).toEqual(ids(1, 2))
  expect(told(world)).toBe('store-1')
})

it('a store that was emptied has every member, every claim and a larger epoch again', async () => {
  const { world, a } = await serving()
  await world.started('b', {}, ids(3))
  const before = a.plugin.epoch()
  world.table.clear('store-2')
  await world.advance(7_000)
  expect([world.advertised('a'), world.advertised('b')]).toEqual([ids(1, 2), ids(3)])
  expect([told(world), told(world, 'b')]).toEqual(['store-2', 'store-2'])
  expect(a.plugin.epoch()).toBeGreaterThan(before)
  expect(a.plugin.epoch()).toBe(world.table.entries().epoch)
})

it('after a failover that lost writes all is published again before the new id is carried', async () => {
  const { world, a } = await serving()
  const copy = world.table.snapshot()
  await a.handover.serve({ added: ids(3), dropped: ids(1) }, never)
  world.failOver(copy)
  expect(world.advertised('a')).toEqual(ids(1, 2))
  a.line.fault('advertised', 'away', 2)
  await world.advance(3_500)
  expect(told(world)).toBe('store-1')
  await world.advance(3_500)
  expect(told(world)).toBe('store-2')
  expect(world.advertised('a')).toEqual(ids(2, 3))
})

it('a store that has lost its epoch is told the largest one that was seen', async () => {
  const { world, a } = await one()
  const copy = world.table.snapshot()
  world.table.freeze(true)
  world.table.freeze(false)
  await world.advance(500)
  const before = a.plugin.epoch()
  world.failOver(copy)
  expect(world.table.entries().epoch).toBeLessThan(before)
  await world.advance(7_000)
  expect(world.table.entries().epoch).toBeGreaterThan(before)
  expect(a.plugin.epoch()).toBe(world.table.entries().epoch)
})

it('a superseded process says no more, and is granted nothing', async () => {
  const { world, a } = await serving()
  const twin = await twinOf(world, a, [7])
  await world.advance(4_000)
  expect(a.handover.standing()).toBe('superseded')
  expect(() => a.handover.owners(meta(1))).toThrow('a newer process has the id of this member')
  await expect(a.plugin.claim(meta(1), never)).rejects.toThrow('a newer process')
  await expect(a.handover.publish(new Set(ids(1)), never)).rejects.toThrow()
  a.line.writes.length = 0
  await world.advance(20_000)
  await drop(a, meta(1))
  await a.stop()
  expect(a.line.writes).toEqual([])
  expect(world.advertised('a')).toEqual(ids(7))
  expect(twin.handover.standing()).toBe('member')
})

it.each(['heartbeats', 'heartbeat'] as const)(
  'a process whose %s are lost learns of its twin all the same',
  async method => {
    const { world, a } = await serving()
    await twinOf(world, a, [])
    a.line.fault(method, 'away', 9)
    const from = a.changes.length
    await world.advance(4_000)
    expect(a.handover.standing()).toBe('superseded')
    const logged = a.host.lines.filter(l => l.message === 'a newer process has the id of this member')
    expect([logged.length, a.changes.length > from]).toEqual([1, true])
  },
)

it('a block that is being dropped is not claimed again by a publish that comes in between', async () => {
  const { world, a } = await serving()
  world.failOver()
  const dropping = drop(a, meta(1))
  await world.advance(4_000)
  await dropping
  expect(world.advertised('a')).toEqual(ids(2))
})

it('a block that is dropped while many are published is not claimed any more', async () => {
  const { world, a } = await one()
  const many = Array.from({ length: 600 }, (_, i) => testId(i + 1))
  await a.handover.publish(new Set(many), never)
  world.table.clear('store-2')
  const last = meta(600)
  let dropping: Promise<void> | undefined
  const published = new Promise<boolean>(resolve => {
    a.line.after('serve', () => {
      dropping = drop(a, last)
      a.line.after('serve', () => resolve(world.advertised('a').includes(last.ulid)))
    })
  })
  await world.advance(8_000)
  expect(await published).toBe(false)
  await dropping
  expect(world.advertised('a')).toHaveLength(599)
})

it('what a member says of itself goes out with its next heartbeat', async () => {
  const { world, a } = await one()
  const stats = { assigned: 1, serving: 2, pendingHandOff: 3, lastCopy: 4, failed: 5, bytes: 6 }
  a.handover.report(stats)
  await world.advance(4_000)
  expect(world.table.heartbeats().heartbeats.get('a')?.stats).toEqual(stats)
})

it('writes of one process go one at a time, each with a later number', async () => {
  const { world, a } = await one()
  await Promise.all([1, 2, 3].map(n => serve(a, meta(n))))
  expect(world.advertised('a')).toEqual(ids(1, 2, 3))
})
