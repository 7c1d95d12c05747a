import { memoryBucket } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { ids, meta, never, one, World } from './world.ts'

it('a member joins at its start, and knows at once who owns what', async () => {
  const world = new World()
  const a = world.member('a')
  await a.start()
  expect(world.state('a')).toBe('active')
  expect(a.handover.standing()).toBe('member')
  expect(a.plugin.epoch()).toBe(world.table.entries().epoch)
})

it('a store that is away at the start is no reason to fail: it is joined when it comes back', async () => {
  const world = new World()
  const a = world.member('a')
  a.line.away = true
  await a.start()
  await expect(a.handover.publish(new Set(ids(1)), never)).rejects.toThrow('away')
  expect(a.handover.standing()).toBe('joining')
  await world.advance(59_000)
  expect(a.handover.standing()).toBe('joining')
  await world.advance(1_000)
  expect(a.handover.standing()).toBe('alone')
  expect(a.plugin.dependencies?.()).toEqual([{ name: 'member-store', up: false }])
  a.line.away = false
  await world.advance(4_000)
  expect(a.handover.standing()).toBe('member')
  expect(a.plugin.dependencies?.()).toEqual([{ name: 'member-store', up: true }])
  expect(world.advertised('a')).toEqual(ids(1))
})

it('a store whose answers never come is a store that is away', async () => {
  const world = new World()
  const a = world.member('a')
  a.line.fault('entries', 'hangs')
  a.line.fault('heartbeats', 'hangs', 2)
  await world.along(a.start())
  expect(a.handover.standing()).toBe('joining')
  await world.advance(4_000)
  expect(a.handover.standing()).toBe('member')
  expect(a.handover.counts().storeErrors).toBeGreaterThan(0)
  await a.stop()
  expect(a.host.pendingTimers).toBe(0)
})

it('a process whose id is at work elsewhere is refused', async () => {
  const { world, a } = await one()
  const twin = world.member('a')
  await expect(world.along(twin.start())).rejects.toThrow('instance.id must be of one process alone')
  await twin.stop()
  expect(twin.host.pendingTimers).toBe(0)
  expect(a.handover.standing()).toBe('member')
  expect(world.state('a')).toBe('active')
})

it('a process that was killed a second ago is taken over once its heartbeat is seen to stand still', async () => {
  const world = new World()
  world.kill(await world.started('a', {}, ids(1)))
  await world.advance(1_000)
  const again = world.member('a')
  const start = again.start()
  await world.advance(4_400)
  expect(again.handover.standing()).toBe('joining')
  await world.along(start)
  expect(again.handover.standing()).toBe('member')
  expect(world.advertised('a')).toEqual([])
})

it('a process that was stopped, or is down for long, is followed at once', async () => {
  const { world, a } = await one()
  await a.stop()
  for (const silent of [0, 6_000]) {
    await world.host.advance(silent)
    const next = world.member('a')
    await next.start()
    expect(next.handover.standing()).toBe('member')
    world.hosts.delete(next.host)
  }
})

it('a twin that could not be seen at the start is waited for, and logged once', async () => {
  const { world, a } = await one()
  const twin = world.member('a')
  twin.line.away = true
  await twin.start()
  twin.line.away = false
  await world.advance(30_000)
  expect(twin.handover.standing()).toBe('joining')
  expect(twin.host.lines.filter(l => l.level === 'error').map(l => l.fields.code)).toEqual(['member-refused'])
  await a.stop()
  await world.advance(8_000)
  expect(twin.handover.standing()).toBe('member')
})

it('a member that works on another bucket than the others is refused', async () => {
  const world = new World()
  const bucket = (identity: string) => ({ ...memoryBucket(), identity })
  await world.started('a', {}, [], { bucket: bucket('s3://one') })
  await expect(world.member('b', {}, { bucket: bucket('s3://two') }).start()).rejects.toThrow(
    'bucket must be the one of the other members: current value is s3://two, "a" has s3://one; where both lead to one bucket, give all members one `identity`',
  )
})

it('a first join whose answer was lost is done again as the same process', async () => {
  const world = new World()
  const a = world.member('a')
  a.line.fault('join', 'lost')
  await a.start()
  const { incarnation } = world.table.entries().members.get('a') ?? {}
  expect(a.handover.standing()).toBe('joining')
  await world.advance(4_000)
  expect(a.handover.standing()).toBe('member')
  expect(world.table.entries().members.get('a')?.incarnation).toBe(incarnation)
})

it('an observer joins nothing, sends no heartbeats, and sees who owns what', async () => {
  const world = new World()
  await world.started('a', {}, ids(1))
  const observer = world.member('a', {}, { observer: true })
  await observer.start()
  const { epoch } = world.table.entries()
  await world.advance(20_000)
  expect(observer.line.writes).toEqual([])
  expect(world.table.entries().epoch).toBe(epoch)
  const [owner] = observer.handover.owners(meta(1))
  expect(owner).toEqual({ member: 'a', rank: 0, target: true, serves: true, live: true })
  await expect(observer.handover.publish(new Set(ids(1)), never)).rejects.toThrow('has not started')
})

it('a stop leaves: nothing advertised, down at once, and no timer', async () => {
  const world = new World()
  const a = await world.started('a', {}, ids(1, 2))
  await a.stop()
  await a.stop()
  expect(world.advertised('a')).toEqual([])
  expect(world.state('a')).toBe('down')
  expect(a.host.pendingTimers).toBe(0)
  await world.advance(30_000)
  expect(world.state('a')).toBe('down')
})

it('a stop waits for the writes before it, and nothing is written after it', async () => {
  const { world, a } = await one()
  const serve = (n: number) => a.handover.serve({ added: ids(n), dropped: [] }, never)
  const served = serve(3)
  const stopped = a.stop()
  await expect(serve(5)).rejects.toThrow('stopped')
  await Promise.all([stopped, served])
  expect(a.line.writes.slice(-2)).toEqual(['serve', 'leave'])
  await expect(serve(4)).rejects.toThrow('stopped')
  expect(world.advertised('a')).toEqual([])
})

it('a stop whose time is up does not wait for a store that hangs', async () => {
  const { a } = await one()
  a.line.fault('leave', 'hangs')
  const late = new AbortController()
  const stopped = a.plugin.stop?.(late.signal)
  late.abort(new Error('time is up'))
  await stopped
  expect(a.host.pendingTimers).toBe(0)
  expect(a.host.lines.at(-1)?.message).toContain('could not leave the member store')
})
