/** Who takes which slot, and who gives it up. */
import { describe, expect, it } from 'vitest'
import { meta, never, type TestMember } from '../../../members/world.ts'
import { answers, BLOCKS, count, grantedTo, RedlockWorld, rested } from './world.ts'

const even = [5, 5, 6]
const sorted = (own: RedlockWorld) => Object.values(own.shares).toSorted((a, b) => a - b)

describe('shares', () => {
  it('one member alone takes every slot, and is granted every block', async () => {
    const own = await rested('a')
    expect(own.shares).toEqual({ a: 16 })
    const [a] = own.members as [TestMember]
    expect(await grantedTo(a)).toHaveLength(200)
    await own.stop()
    expect([own.server.table.keys(), a.host.pendingTimers]).toEqual([[], 0])
  })

  it('members that join get their share from those that have more, and each block is granted to one', async () => {
    const own = await rested('a')
    for (const id of ['b', 'c']) {
      const before = own.holders
      await own.join(id)
      await own.advance(5_000)
      for (const [key, holder] of own.holders) expect([before.get(key), id]).toContain(holder)
    }
    expect(sorted(own)).toEqual(even)
    const granted = (await Promise.all(own.members.map(grantedTo))).flat()
    expect([granted.length, new Set(granted).size]).toEqual([200, 200])
  })

  it('two replicas are two members of each slot, and a third gets two thirds of the slots', async () => {
    const own = await rested('abc', { replicas: 2 })
    expect(sorted(own)).toEqual([10, 11, 11])
    for (let slot = 0; slot < 16; slot++) expect(own.holders.get(`${slot}/0`)).not.toBe(own.holders.get(`${slot}/1`))
    expect((await Promise.all(own.members.map(grantedTo))).flat()).toHaveLength(400)
  })

  it('a member gives up one slot at a time, the lock before the entry, and the next when that one was taken', async () => {
    const own = await rested('a')
    const open: number[] = []
    const [a] = own.members as [TestMember]
    const { hold } = a.line
    const telling: typeof hold = (stamp, request) => {
      // Whoever reads the entry can take it at once.
      if (request.give) expect(own.server.table.keys()).toHaveLength(15)
      return hold(stamp, request)
    }
    Object.assign(a.line, { hold: telling })
    await own.join('b')
    for (let i = 0; i < 40; i++) {
      await own.advance(50)
      open.push(own.shares[''] ?? 0)
    }
    expect(Math.max(...open)).toBeLessThanOrEqual(1)
    expect(own.shares).toEqual({ a: 8, b: 8 })
    expect(count(a.line.writes, 'hold')).toBe(1 + 8)
    expect(own.server.log.filter(line => line.startsWith('acquire b'))).toHaveLength(8)
  })

  it('of many slots a member gives up several at once, in one write, and they are taken in one', async () => {
    const own = await rested('a', { slots: 128 })
    const [a] = own.members as [TestMember]
    const open: number[] = []
    using _ = own.world.table.onEpoch(() => open.push(own.shares[''] ?? 0))
    const b = await own.join('b')
    await own.advance(10_000)
    expect(own.shares).toEqual({ a: 64, b: 64 })
    expect(Math.max(...open)).toBe(4)
    expect([count(a.line.writes, 'hold'), count(b.line.writes, 'hold')]).toEqual([1 + 16, 16])
  })

  it('a slot that somebody else has locked does not keep those beside it from being taken', async () => {
    const own = new RedlockWorld()
    own.server.table.eval('"exists"', 1, ['blockgate:{}:lock/3/0', 'strange', 60_000])
    await own.join('a')
    await own.advance(1_000)
    expect([own.holders.has('3/0'), own.shares]).toEqual([false, { a: 15 }])
    await own.advance(62_000)
    expect(own.shares).toEqual({ a: 16 })
  })

  it('a lock that was lost is taken anew, and those beside it keep their entries', async () => {
    const own = await rested('a')
    const before = own.entries
    own.server.table.drop(['blockgate:{}:lock/3/0'])
    await own.advance(20_000)
    const isNew = (entry: (typeof before)[0]) =>
      !before.some(each => each.fence === entry.fence && each.slot === entry.slot)
    expect([own.entries.filter(isNew).map(({ slot }) => slot), own.shares]).toEqual([[3], { a: 16 }])
  })

  it('a member gives up no second slot while nobody takes the first, and takes that one back', async () => {
    const own = await rested('a')
    const open: number[] = []
    own.server.cut('b')
    await own.join('b')
    for (let i = 0; i < 100; i++) {
      await own.advance(100)
      open.push(own.shares[''] ?? 0)
    }
    expect(Math.max(...open)).toBe(1)
    expect(own.shares).toEqual({ a: 16 })
    own.server.mend('b')
    await own.advance(70_000)
    expect(own.shares).toEqual({ a: 8, b: 8 })
  })

  it('a member whose entries the store refuses does not try without a pause', async () => {
    const own = await rested('a')
    let tried = 0
    Object.assign((own.members[0] as TestMember).line, {
      hold: async () => {
        tried++
        throw new Error('no')
      },
    })
    await own.join('b')
    await own.advance(10_000)
    expect(tried).toBeGreaterThan(0)
    expect(tried).toBeLessThan(20)
  })

  it('nobody gives a slot up while another is open, whoever opened it', async () => {
    const own = await rested('a')
    own.world.table.freeze(true)
    own.server.cut('b')
    await own.join('b')
    own.enter('a', 0, 0, true)
    own.world.table.freeze(false)
    for (let i = 0; i < 15; i++) {
      await own.advance(100)
      expect(own.shares['']).toBe(1)
    }
  })

  it('locks that have ended by the time of the entry are not recorded, and the slots are tried again', async () => {
    const own = new RedlockWorld({ ttl: '3s' })
    const a = own.world.member('a')
    a.line.after('fence', () => a.host.step(10_000))
    await own.world.along(a.start())
    await own.advance(5_000)
    expect([count(a.line.writes, 'fence'), count(a.line.writes, 'hold'), own.shares]).toEqual([2, 1, { a: 16 }])
  })

  it('a lock whose entry was not written is given back, and the slot is tried again', async () => {
    const own = new RedlockWorld()
    const a = own.world.member('a')
    a.line.fault('hold', 'away')
    await own.world.along(a.start())
    await own.advance(5_000)
    expect(own.shares).toEqual({ a: 16 })
  })

  it('what was recorded is neither given back nor tried again before it was read', async () => {
    const own = new RedlockWorld()
    const a = own.world.member('a')
    own.members.push(a)
    const { slots } = a.line
    let hangs = false
    const hanging: typeof slots = known => (hangs ? new Promise(() => {}) : slots(known))
    Object.assign(a.line, { slots: hanging })
    a.line.after('hold', () => {
      hangs = true
    })
    await own.world.along(a.start())
    await own.advance(4_000)
    expect(own.server.log.map(line => line.split(' ')[0])).toEqual(Array(16).fill('acquire'))
    expect(count(a.line.writes, 'hold')).toBe(1)
  })

  it('while the options of the members differ, nobody gives up anything', async () => {
    const own = await rested('a')
    await own.join('b', { replicas: 2 })
    await own.advance(10_000)
    expect(count(own.members[0]?.line.writes ?? [], 'hold')).toBe(1)
    expect([...own.holders].filter(([key, holder]) => key.endsWith('/0') && holder !== 'a')).toEqual([])
  })

  it('while the cluster is frozen nothing is given up and nothing is taken', async () => {
    const own = await rested('a')
    const { table } = own.world
    const frozen = async (change: () => void, shares: object) => {
      table.freeze(true)
      change()
      await own.advance(15_000)
      expect(own.shares).toEqual(shares)
      table.freeze(false)
      await own.advance(10_000)
    }
    await own.join('b')
    await own.advance(5_000)
    await frozen(() => own.enter(own.holders.get('0/0') ?? '', 0, 0, true), {
      a: expect.any(Number),
      b: expect.any(Number),
      '': 1,
    })
    expect(own.shares).toEqual({ a: 8, b: 8 })
    await frozen(() => void own.join('c'), { a: 8, b: 8 })
    expect(sorted(own)).toEqual(even)
    // What a drained member has stays where it is.
    await frozen(() => table.drain('c', true), own.shares)
    expect(own.shares).toEqual({ a: 8, b: 8 })
  })
})

describe('a member that goes', () => {
  it('and drains gives up all it has, and is denied everything', async () => {
    const own = await rested('abc')
    own.world.table.drain('a', true)
    await own.advance(5_000)
    expect(own.shares).toEqual({ b: 8, c: 8 })
    expect(new Set(await answers(own.members[0] as TestMember))).toEqual(new Set(['draining']))
    own.world.table.drain('a', false)
    await own.advance(10_000)
    expect(sorted(own)).toEqual(even)
  })

  it('drains also where it cannot reach the lock servers: its slots are taken when their locks have ended', async () => {
    const own = await rested('ab', { ttl: '3s' })
    own.server.cut('a')
    own.world.table.drain('a', true)
    await own.advance(10_000)
    expect(own.shares).toEqual({ b: 16 })
  })

  it('and stops keeps its slots for the grace; when it is back nothing has moved, and it is granted its blocks at once', async () => {
    const own = await rested('abc')
    const before = own.holders
    const a = own.members.shift() as TestMember
    const mine = await grantedTo(a)
    await own.world.along(a.stop())
    await own.advance(60_000)
    expect(own.holders).toEqual(before)
    const again = await own.join('a')
    await own.advance(500)
    expect(own.holders).toEqual(before)
    expect(await grantedTo(again)).toEqual(mine)
  })

  it('and dies has failover owners at once where nobody serves its blocks, and after the grace its slots are taken', async () => {
    const own = await rested('abc', { grace: '60s' })
    const before = own.holders
    const [a, b, c] = own.members as [TestMember, TestMember, TestMember]
    const lost = await grantedTo(a)
    a.line.away = true
    own.server.cut('a')
    await own.advance(25_000)
    expect([own.world.state('a'), own.holders]).toEqual(['down', before])
    const now = new Set([...(await grantedTo(b)), ...(await grantedTo(c))])
    for (const block of lost) expect(now).toContain(block)
    await own.advance(60_000)
    expect(own.shares).toEqual({ b: 8, c: 8 })
    for (const [key, holder] of own.holders) if (before.get(key) !== 'a') expect(holder).toBe(before.get(key))
  })
})

describe('lock servers', () => {
  it('that are away: no new locks and no new claims; what is held is held, and taken again by the same when they are back', async () => {
    const own = await rested('ab')
    const [a] = own.members as [TestMember]
    const mine = await grantedTo(a)
    const before = own.holders
    own.server.up = false
    await own.advance(20_000)
    expect(await grantedTo(a)).toEqual(mine)
    await own.advance(120_000)
    const told = await answers(a)
    expect([count(told, 'unavailable'), count(told, 'not-owner')]).toEqual([mine.length, 200 - mine.length])
    for (const block of mine) expect(a.handover.owners(block)[0]).toMatchObject({ member: 'a', target: true })
    own.server.up = true
    await own.advance(5_000)
    expect([own.holders, await grantedTo(a)]).toEqual([before, mine])
  })

  it('that are away at the start: as soon as they are back the shares are even', async () => {
    const own = new RedlockWorld()
    own.server.up = false
    for (const id of ['a', 'b']) await own.join(id)
    await own.advance(30_000)
    const [a] = own.members as [TestMember]
    expect(new Set(await answers(a))).toEqual(new Set(['unavailable']))
    // What nobody holds is unknown: nothing is denied, and nothing let go.
    const [block] = BLOCKS as [(typeof BLOCKS)[0]]
    expect(() => a.handover.owners(block)).toThrow('nobody holds slot')
    const released = a.handover.release({ id: block.ulid, superseding: block }, a.plugin.epoch(block), never)
    expect(await released).toBe('kept')
    own.server.up = true
    await own.advance(4_000)
    expect(own.shares).toEqual({ a: 8, b: 8 })
  })

  it('that have lost their memory: each takes its own again, with new fences, and nothing moves', async () => {
    const own = await rested('abc')
    const before = own.holders
    const fences = () => own.entries.map(({ fence }) => fence)
    const largest = Math.max(...fences())
    own.server.table.empty()
    await own.advance(20_000)
    expect(own.holders).toEqual(before)
    expect(Math.min(...fences())).toBeGreaterThan(largest)
  })

  it('that one member cannot reach: it keeps what it has; what is open for it others take after 2 s', async () => {
    const own = await rested('ab')
    const before = own.holders
    own.server.cut('a')
    await own.advance(60_000)
    expect(own.holders).toEqual(before)
    await own.join('c')
    await own.advance(30_000)
    // a can give nothing up; b gives its part.
    expect(own.shares).toEqual({ a: 8, b: 6, c: 2 })
    own.world.table.drain('b', true)
    await own.advance(30_000)
    expect(own.shares).toEqual({ a: 8, c: 8 })
    own.server.mend('a')
    own.world.table.drain('b', false)
    await own.advance(120_000)
    expect(sorted(own)).toEqual(even)
  })
})

it.each(['suspended', 'stopped'])(
  'a process that stood still (%s) is granted nothing before its locks were renewed',
  async how => {
    const own = await rested('ab', { ttl: '5s', expireAfter: '60s' })
    const [a] = own.members as [TestMember]
    const mine = await grantedTo(a)
    expect(mine.length).toBeGreaterThan(0)
    own.server.cut('a')
    if (how === 'suspended') a.host.step(6_000)
    else await a.host.advance(6_000)
    expect(count(await answers(a), 'unavailable')).toBe(mine.length)
    own.server.mend('a')
    await own.advance(10_000)
    expect(await grantedTo(a)).toEqual(mine)
  },
)

it('a superseded process gives its locks back: the newer one takes its slots', async () => {
  const own = await rested('a')
  const [a] = own.members as [TestMember]
  a.line.away = true
  await own.advance(8_000)
  const twin = own.world.member('a')
  own.members.push(twin)
  await own.world.along(twin.start())
  a.line.away = false
  await own.advance(5_000)
  expect(a.handover.standing()).toBe('superseded')
  expect(await grantedTo(twin)).toHaveLength(200)
})

it('a member that is recorded twice in one slot keeps one rank, and another takes the other', async () => {
  const own = await rested('ab', { replicas: 2 })
  expect(own.holders.get('0/1')).toBe('b')
  own.enter('b', 0)
  await own.advance(10_000)
  expect([own.holders.get('0/0'), own.holders.get('0/1')]).toEqual(['b', 'a'])
  expect(own.shares).toEqual({ a: 16, b: 16 })
})

it('a later entry of somebody else ends a lock: its holder gives it back, and the other one is granted the blocks', async () => {
  const own = await rested('ab')
  const [a, b] = own.members as [TestMember, TestMember]
  const [key = ''] = [...own.holders].find(([, holder]) => holder === 'a') ?? []
  own.enter('b', Number(key.split('/')[0]))
  await own.advance(5_000)
  // Now b has two more than a: it gives one up, which need not be this one.
  for (const member of [a, b]) expect(await grantedTo(member)).not.toEqual([])
  expect((await Promise.all([a, b].map(grantedTo))).flat()).toHaveLength(200)
  expect(own.server.table.keys()).toHaveLength(16)
})

it('a member whose entry is not of its lock, though it names the member, locks the slot anew', async () => {
  const own = await rested('a')
  own.enter('a', 0)
  const entered = own.entries.find(({ slot }) => slot === 0)
  await own.advance(5_000)
  expect(own.entries.find(({ slot }) => slot === 0)?.fence).toBeGreaterThan(entered?.fence ?? 0)
})

it('a store that was emptied gets its entries again, each from who had it', async () => {
  const own = await rested('abc')
  const before = own.holders
  own.world.table.clear('store-2')
  await own.advance(30_000)
  expect(own.holders).toEqual(before)
})

it('an observer knows who owns what, and does not even connect to the lock servers', async () => {
  const own = await rested('a')
  const observer = own.world.member('x', {}, { observer: true })
  own.members.push(observer)
  await own.world.along(observer.start())
  await own.advance(1_000)
  expect(observer.handover.owners(meta(1))[0]).toMatchObject({ member: 'a', target: true })
  expect(own.server.connections).toBe(1)
})
