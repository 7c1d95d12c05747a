import { type BlockMeta, isOwnershipUnavailable } from 'blockgate'
import { describe, expect, it } from 'vitest'
import { meta, never, type TestMember } from '../../../members/world.ts'
import { type RedlockWorld, redlockWorld } from './world.ts'

const BLOCKS = Array.from({ length: 200 }, (_, i) => meta(i + 1))

/** How each block's claim is answered. */
async function answers(member: TestMember): Promise<readonly string[]> {
  return Promise.all(
    BLOCKS.map(async block => {
      try {
        const claim = await member.plugin.claim(block, never)
        return claim.status === 'granted' ? claim.status : claim.reason
      } catch (error) {
        if (isOwnershipUnavailable(error)) return 'unavailable'
        throw error
      }
    }),
  )
}

const grantedTo = async (member: TestMember): Promise<readonly BlockMeta[]> => {
  const told = await answers(member)
  return BLOCKS.filter((_, i) => told[i] === 'granted')
}

const count = (list: readonly string[], what: string) => list.filter(each => each === what).length

const seats = ({ world }: RedlockWorld) =>
  new Map((world.table.slots(undefined)?.slots ?? []).map(({ slot, rank, holder }) => [`${slot}/${rank}`, holder]))

/** Seats by member; `''`: given up. */
function shares(world: RedlockWorld): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const holder of seats(world).values()) counts[holder] = (counts[holder] ?? 0) + 1
  return counts
}

/** Members `a`, `b`, … that have come to rest. */
async function rested(ids: string, options: Parameters<typeof redlockWorld>[0] = {}) {
  const own = redlockWorld(options)
  const members: TestMember[] = []
  for (const id of ids) members.push(await own.world.started(id))
  await own.world.advance(15_000)
  return { ...own, members, stop: async () => void (await Promise.all(members.map(m => own.world.along(m.stop())))) }
}

describe('shares', () => {
  it('one member alone takes every slot, and is granted every block', async () => {
    const own = await rested('a')
    expect(shares(own)).toEqual({ a: 16 })
    expect(await grantedTo(own.members[0] as TestMember)).toHaveLength(200)
    await own.stop()
    expect(own.locks.locked).toEqual([])
  })

  it('members that join get their share from those that have more, and each block is granted to one', async () => {
    const own = await rested('a')
    const before = seats(own)
    own.members.push(await own.world.started('b'))
    await own.world.advance(5_000)
    expect(shares(own)).toEqual({ a: 8, b: 8 })
    const between = seats(own)
    own.members.push(await own.world.started('c'))
    await own.world.advance(5_000)
    expect(Object.values(shares(own)).toSorted()).toEqual([5, 5, 6])
    const now = seats(own)
    for (const [seat, holder] of between) expect([before.get(seat), 'b']).toContain(holder)
    for (const [seat, holder] of now) expect([between.get(seat), 'c']).toContain(holder)
    const sets = await Promise.all(own.members.map(grantedTo))
    expect(sets.flat()).toHaveLength(200)
    expect(new Set(sets.flat()).size).toBe(200)
    await own.stop()
  })

  it('two replicas are two members of each slot, and a third gets two thirds of the slots', async () => {
    const own = await rested('abc', { replicas: 2 })
    expect(Object.values(shares(own)).toSorted()).toEqual([10, 11, 11])
    for (let slot = 0; slot < 16; slot++) expect(seats(own).get(`${slot}/0`)).not.toBe(seats(own).get(`${slot}/1`))
    const sets = await Promise.all(own.members.map(grantedTo))
    expect(sets.flat()).toHaveLength(400)
    await own.stop()
  })

  it('a member gives up one slot at a time, and the next when that one was taken', async () => {
    const own = await rested('a')
    const [a] = own.members as [TestMember]
    const open: number[] = []
    own.members.push(await own.world.started('b'))
    for (let i = 0; i < 40; i++) {
      await own.world.advance(50)
      open.push(shares(own)[''] ?? 0)
    }
    expect(Math.max(...open)).toBeLessThanOrEqual(1)
    expect(shares(own)).toEqual({ a: 8, b: 8 })
    expect(count(a.line.writes, 'hold')).toBe(16 + 8)
    // The lock went before the record: b was refused none.
    expect(own.locks.log.filter(line => line.startsWith('acquire b'))).toHaveLength(8)
    await own.stop()
  })

  it('a member gives up no second slot while nobody takes the first, and takes that one back', async () => {
    const own = await rested('a')
    const open: number[] = []
    own.locks.cut.add('b')
    own.members.push(await own.world.started('b'))
    for (let i = 0; i < 100; i++) {
      await own.world.advance(100)
      open.push(shares(own)[''] ?? 0)
    }
    expect(Math.max(...open)).toBe(1)
    expect(shares(own)).toEqual({ a: 16 })
    own.locks.cut.clear()
    await own.world.advance(70_000)
    expect(shares(own)).toEqual({ a: 8, b: 8 })
    await own.stop()
  })

  it('a lock that has ended by the time of the record is not recorded', async () => {
    const own = redlockWorld({ ttl: '3s' })
    const a = own.world.member('a')
    a.line.after('fence', () => a.host.step(10_000))
    await own.world.along(a.start())
    await own.world.advance(5_000)
    // The first lock was won in vain.
    expect(count(a.line.writes, 'fence') - count(a.line.writes, 'hold')).toBe(1)
    expect(shares(own)).toEqual({ a: 16 })
    await own.world.along(a.stop())
  })

  it('a lock whose record was not written is given back, and the slot is tried again', async () => {
    const own = redlockWorld()
    const a = own.world.member('a')
    a.line.fault('hold', 'away')
    await own.world.along(a.start())
    await own.world.advance(5_000)
    expect(shares(own)).toEqual({ a: 16 })
    await own.world.along(a.stop())
  })

  it('while the rules of the members differ, nobody gives up anything', async () => {
    const own = await rested('a')
    const [a] = own.members as [TestMember]
    own.members.push(await own.world.started('b', { replicas: 2 }))
    await own.world.advance(10_000)
    expect(count(a.line.writes, 'hold')).toBe(16)
    expect([...seats(own)].filter(([seat]) => seat.endsWith('/0')).map(([, holder]) => holder)).toEqual(
      Array.from({ length: 16 }, () => 'a'),
    )
    await own.stop()
  })

  it('while the cluster is frozen nothing is given up and nothing is taken', async () => {
    const own = await rested('a')
    own.world.table.freeze(true)
    own.members.push(await own.world.started('b'))
    await own.world.advance(10_000)
    expect(shares(own)).toEqual({ a: 16 })
    own.world.table.freeze(false)
    await own.world.advance(10_000)
    expect(shares(own)).toEqual({ a: 8, b: 8 })
    // What a drained member has stays where it is.
    own.world.table.freeze(true)
    own.world.table.drain('b', true)
    await own.world.advance(20_000)
    expect(shares(own)).toEqual({ a: 8, b: 8 })
    own.world.table.freeze(false)
    await own.world.advance(10_000)
    expect(shares(own)).toEqual({ a: 16 })
    await own.stop()
  })
})

describe('a member that goes', () => {
  it('and drains gives up all it has, and is denied everything', async () => {
    const own = await rested('abc')
    const [a] = own.members as [TestMember]
    own.world.table.drain('a', true)
    await own.world.advance(5_000)
    expect(shares(own)).toEqual({ b: 8, c: 8 })
    expect(new Set(await answers(a))).toEqual(new Set(['draining']))
    own.world.table.drain('a', false)
    await own.world.advance(10_000)
    expect(Object.values(shares(own)).toSorted()).toEqual([5, 5, 6])
    await own.stop()
  })

  it('drains also where it cannot reach the lock servers: its slots are taken when their locks have ended', async () => {
    const own = await rested('ab', { ttl: '3s' })
    own.locks.cut.add('a')
    own.world.table.drain('a', true)
    await own.world.advance(10_000)
    expect(shares(own)).toEqual({ b: 16 })
    await own.stop()
  })

  it('and stops keeps its slots for the grace; when it is back nothing has moved, and it is granted its blocks at once', async () => {
    const own = await rested('abc')
    const before = seats(own)
    const [a, ...others] = own.members as [TestMember, TestMember, TestMember]
    const mine = await grantedTo(a)
    await own.world.along(a.stop())
    await own.world.advance(60_000)
    expect(seats(own)).toEqual(before)
    const again = await own.world.started('a')
    await own.world.advance(500)
    expect(seats(own)).toEqual(before)
    expect(await grantedTo(again)).toEqual(mine)
    for (const m of [again, ...others]) await own.world.along(m.stop())
  })

  it('and dies is stood in for at once where nobody serves its blocks, and after the grace its slots are taken', async () => {
    const own = await rested('abc', { grace: '60s' })
    const before = seats(own)
    const [a, b, c] = own.members as [TestMember, TestMember, TestMember]
    const lost = await grantedTo(a)
    a.line.away = true
    own.locks.cut.add('a')
    await own.world.advance(25_000)
    expect(own.world.state('a')).toBe('down')
    expect(seats(own)).toEqual(before)
    const now = new Set([...(await grantedTo(b)), ...(await grantedTo(c))])
    for (const block of lost) expect(now).toContain(block)
    await own.world.advance(60_000)
    expect(shares(own)).toEqual({ b: 8, c: 8 })
    for (const [seat, holder] of seats(own)) {
      if (before.get(seat) !== 'a') expect(holder).toBe(before.get(seat))
    }
    await own.stop()
  })
})

describe('lock servers', () => {
  it('that are away: no new locks and no new claims; what is held is held, and taken again by the same when they are back', async () => {
    const own = await rested('ab')
    const [a] = own.members as [TestMember]
    const mine = await grantedTo(a)
    const before = seats(own)
    own.locks.away = true
    await own.world.advance(20_000)
    expect(await grantedTo(a)).toEqual(mine)
    await own.world.advance(120_000)
    const told = await answers(a)
    expect(count(told, 'unavailable')).toBe(mine.length)
    expect(count(told, 'not-owner')).toBe(200 - mine.length)
    for (const block of mine) expect(a.handover.owners(block)[0]).toMatchObject({ member: 'a', target: true })
    own.locks.away = false
    await own.world.advance(5_000)
    expect(seats(own)).toEqual(before)
    expect(await grantedTo(a)).toEqual(mine)
    await own.stop()
  })

  it('that have lost their memory: each takes its own again, with new fences, and nothing moves', async () => {
    const own = await rested('abc')
    const before = seats(own)
    const fence = () => Math.min(...(own.world.table.slots(undefined)?.slots.map(s => s.fence) ?? []))
    const largest = Math.max(...(own.world.table.slots(undefined)?.slots.map(s => s.fence) ?? []))
    own.locks.empty()
    await own.world.advance(20_000)
    expect(seats(own)).toEqual(before)
    expect(fence()).toBeGreaterThan(largest)
    await own.stop()
  })

  it('that one member cannot reach: it keeps what it has; what is open for it others take after 2 s', async () => {
    const own = await rested('ab')
    const before = seats(own)
    own.locks.cut.add('a')
    await own.world.advance(60_000)
    expect(seats(own)).toEqual(before)
    const [, b] = own.members as [TestMember, TestMember]
    own.members.push(await own.world.started('c'))
    await own.world.advance(30_000)
    // a can give nothing up; b gives its part.
    expect(shares(own)).toEqual({ a: 8, b: 6, c: 2 })
    own.world.table.drain('b', true)
    await own.world.advance(30_000)
    expect(shares(own)).toEqual({ a: 8, c: 8 })
    expect(count(await answers(b), 'draining')).toBe(200)
    own.locks.cut.clear()
    own.world.table.drain('b', false)
    await own.world.advance(120_000)
    expect(Object.values(shares(own)).toSorted()).toEqual([5, 5, 6])
    await own.stop()
  })
})

describe('a process that stood still', () => {
  it('is granted nothing before its locks were renewed, whichever of its clocks went on', async () => {
    for (const wake of ['suspended', 'stopped'] as const) {
      const own = await rested('ab', { ttl: '5s', expireAfter: '60s' })
      const [a] = own.members as [TestMember]
      const mine = await grantedTo(a)
      expect(mine.length).toBeGreaterThan(0)
      // Its monotonic clock goes on, its timers have not fired yet; or only its wall clock has.
      own.locks.cut.add('a')
      if (wake === 'suspended') a.host.step(6_000)
      else await a.host.advance(6_000)
      expect(count(await answers(a), 'unavailable')).toBe(mine.length)
      own.locks.cut.delete('a')
      await own.world.advance(10_000)
      expect(await grantedTo(a)).toEqual(mine)
      await own.stop()
    }
  })
})

it('a superseded process gives its locks back: the newer one takes its slots', async () => {
  const own = await rested('a', { ttl: '30s' })
  const [a] = own.members as [TestMember]
  a.line.away = true
  await own.world.advance(8_000)
  const twin = own.world.member('a')
  await own.world.along(twin.start())
  a.line.away = false
  await own.world.advance(5_000)
  expect(a.handover.standing()).toBe('superseded')
  expect(await grantedTo(twin)).toHaveLength(200)
  for (const m of [twin, a]) await own.world.along(m.stop())
})

it('a member that is recorded twice in one slot keeps one seat, and another takes the other', async () => {
  const own = await rested('ab', { replicas: 2 })
  const { table } = own.world
  expect(seats(own).get('0/1')).toBe('b')
  const { incarnation = 0, sequence = 0 } = table.heartbeats().heartbeats.get('b') ?? {}
  const stamp = { id: 'b', incarnation, sequence: sequence + 1 }
  expect(table.hold(stamp, { slot: 0, rank: 0, fence: table.fence(), give: false })).toBe('ok')
  await own.world.advance(10_000)
  expect([seats(own).get('0/0'), seats(own).get('0/1')]).toEqual(['b', 'a'])
  expect(shares(own)).toEqual({ a: 16, b: 16 })
  await own.stop()
})

it('a store that was emptied gets its records again, each from who had it', async () => {
  const own = await rested('abc')
  const before = seats(own)
  own.world.table.clear('store-2')
  await own.world.advance(30_000)
  expect(seats(own)).toEqual(before)
  await own.stop()
})

it('a slot that nobody holds yet is unknown to all: nothing in it is denied, and nothing let go', async () => {
  const own = redlockWorld()
  own.locks.away = true
  const a = await own.world.started('a')
  await own.world.advance(5_000)
  expect(new Set(await answers(a))).toEqual(new Set(['unavailable']))
  expect(() => a.handover.owners(meta(1))).toThrow('must be held by somebody')
  expect(await a.handover.release({ id: meta(1).ulid, superseding: meta(1) }, a.plugin.epoch(meta(1)), never)).toBe(
    'kept',
  )
  own.locks.away = false
  await own.world.advance(5_000)
  expect(new Set(await answers(a))).toEqual(new Set(['granted']))
  await own.world.along(a.stop())
})
