/** What follows from the slot entries: for owners, for versions of answers, for leases, and for what may be let go. */
import type { BlockMeta, Lease } from 'blockgate'
import { describe, expect, it } from 'vitest'
import { slotOf } from '../../../../plugins/ownership/redlock/slots.ts'
import { release, serve } from '../../../members/pair.ts'
import { blockOf, never, type TestMember } from '../../../members/world.ts'
import { blocks, counted } from '../hash-ring/support.ts'
import { BLOCKS, grantedTo, RedlockWorld, rested, SLOTS } from './world.ts'

describe('the slot of a block', () => {
  it('never changes: another one would move every block of every cluster', () => {
    expect(blocks(6).map(id => slotOf(id, 256))).toEqual([234, 248, 126, 151, 95, 27])
    expect(blocks(6).map(id => slotOf(id, 1))).toEqual([0, 0, 0, 0, 0, 0])
  })

  it('is any of all slots also for blocks of one time', () => {
    const counts = [...counted(blocks(25_600).map(id => String(slotOf(id, 256)))).values()]
    expect([counts.length, Math.min(...counts) > 50, Math.max(...counts) < 160]).toEqual([256, true, true])
  })
})

it('a change of a slot is told for its blocks alone, and moves their version alone', async () => {
  const own = await rested('ab')
  const [a] = own.members as [TestMember]
  own.world.table.freeze(true)
  await own.advance(500)
  const slot = slotOf(blockOf(a.plugin, 'a').ulid, SLOTS)
  const versions = () => BLOCKS.map(each => a.plugin.epoch(each))
  const before = versions()
  const from = a.changes.length
  own.enter('b', slot)
  await own.advance(50)
  const told = a.changes.slice(from)
  const held = a.plugin.operator?.slots?.()
  expect([held?.count, held?.holders.find(one => one.slot === slot)]).toEqual([SLOTS, { slot, rank: 0, holder: 'b' }])
  const inSlot = BLOCKS.filter(({ ulid }) => slotOf(ulid, SLOTS) === slot)
  expect(BLOCKS.filter(each => told.some(change => change.affects(each)))).toEqual(inSlot)
  expect(BLOCKS.filter((_, i) => (versions()[i] ?? 0) > (before[i] ?? 0))).toEqual(inSlot)
  for (const change of told) expect(a.plugin.epoch()).toBeGreaterThanOrEqual(change.epoch)
  expect(told[0]?.epoch).toBeGreaterThan(Math.max(...before))
})

it('a slot in which a rank is open lets nothing go, though all its holders serve the block', async () => {
  const own = await rested('abc', { replicas: 2, handoverDelay: 0 })
  const [a, b, c] = own.members as [TestMember, TestMember, TestMember]
  const targets = (block: BlockMeta) => c.handover.owners(block).filter(o => o.target)
  const block = BLOCKS.find(each => !targets(each).some(o => o.member === 'c')) as BlockMeta
  for (const member of [a, b, c]) await serve(member, block)
  const [, second] = targets(block)
  await own.advance(4_000)
  own.server.up = false
  own.enter(second?.member ?? '', slotOf(block.ulid, SLOTS), 1, true)
  await own.advance(4_000)
  expect(targets(block)).toHaveLength(1)
  expect(await release(c, block)).toBe('kept')
  expect(c.line.writes).not.toContain('release')
  own.server.up = true
  await own.advance(20_000)
  expect(targets(block)).toHaveLength(2)
})

it('a release is refused by the store where the slot has moved unseen', async () => {
  const own = await rested('ab', { handoverDelay: 0 })
  const [a, b] = own.members as [TestMember, TestMember]
  const block = blockOf(a.plugin, 'b')
  for (const member of [a, b]) await serve(member, block)
  await own.advance(4_000)
  const releasing = release(a, block)
  // The same holder, with a later fence.
  own.enter('b', slotOf(block.ulid, SLOTS))
  expect(await releasing).toBe('kept')
  expect(a.line.writes).toContain('release')
  expect(own.world.advertised('a')).toContain(block.ulid)
  await own.advance(4_000)
  expect(await release(a, block)).toBe('released')
})

it('broken entries are left out and counted, each when it appears, and the others hold', async () => {
  const own = await rested('a')
  const [a] = own.members as [TestMember]
  const { slots } = a.line
  const broken = async () => {
    const view = await slots(undefined)
    return view && { ...view, slots: view.slots.slice(2), broken: 2 }
  }
  Object.assign(a.line, { slots: broken })
  await own.advance(10_000)
  expect(a.handover.counts().broken).toBe(2)
  Object.assign(a.line, { slots })
})

it.each([
  ['that are no newer than what is known', 0],
  ['while some are left out', 1],
])('changes %s are not taken: everything is read', async (_, broken) => {
  const own = await rested('ab')
  const [a] = own.members as [TestMember]
  const { slots } = a.line
  const before = own.holders
  const asked: boolean[] = []
  const lying: typeof slots = async since => {
    asked.push(since !== undefined)
    const all = await slots(undefined)
    if (!all || since === undefined) return all && { ...all, broken }
    const strange = all.slots.map(entry => ({ ...entry, holder: 'b' }))
    return { ...all, version: broken === 0 ? 1 : all.version + asked.length, whole: false, slots: strange }
  }
  Object.assign(a.line, { slots: lying })
  if (broken > 0) {
    const { slots: honest } = own.world.member('x').line
    Object.assign(a.line, { slots: async () => ({ ...(await honest(undefined)), whole: true, broken }) })
    await own.advance(4_000)
    Object.assign(a.line, { slots: lying })
  }
  await own.advance(10_000)
  expect(asked).toContain(false)
  expect(await grantedTo(a)).toHaveLength(
    BLOCKS.filter(({ ulid }) => before.get(`${slotOf(ulid, SLOTS)}/0`) === 'a').length,
  )
  Object.assign(a.line, { slots })
})

it('what members must agree on is in their fingerprints', async () => {
  const fingerprint = async (options: ConstructorParameters<typeof RedlockWorld>[0]) => {
    const own = new RedlockWorld(options)
    await own.join('a')
    const entry = own.world.table.entries().members.get('a')
    await own.stop()
    return entry?.fingerprint
  }
  const all = await Promise.all([{}, { slots: 32 }, { replicas: 2 }].map(fingerprint))
  expect(new Set(all).size).toBe(3)
  expect(await fingerprint({ ttl: '5s', handoverDelay: '1s', grace: '1m' })).toBe(all[0])
})

describe('a lease', () => {
  const leased = async (member: TestMember, block: BlockMeta): Promise<Lease> => {
    const claim = await member.plugin.claim(block, never)
    if (claim.status !== 'granted') throw new Error(`${block.ulid} must be granted: ${claim.reason}`)
    return claim.lease
  }
  /** Before a load, and before a commit. */
  const held = (lease: Lease) =>
    (['load', 'commit'] as const).map(before => {
      try {
        lease.assertHeld(before)
        return 'held'
      } catch (error) {
        return (error as { code: string }).code
      }
    })
  const pair = async () => {
    const own = await rested('ab', { ttl: '5s', expireAfter: '60s', heartbeat: '1s' })
    const [a, b] = own.members as [TestMember, TestMember]
    const block = blockOf(a.plugin, 'a')
    return { own, a, b, block, lease: await leased(a, block) }
  }

  it('has the fence of its slot, and the fence of the next grant of the slot is larger', async () => {
    const { own, a, block, lease } = await pair()
    own.server.table.empty()
    await own.advance(5_000)
    expect((await leased(a, block)).fence).toBeGreaterThan(lease.fence ?? Number.POSITIVE_INFINITY)
  })

  it('whose lock has ended begins no load, and is aborted as soon as another is seen serving the block, not before', async () => {
    const { own, b, block, lease } = await pair()
    expect(held(lease)).toEqual(['held', 'held'])
    own.server.cut('a')
    await own.advance(5_000)
    expect([...held(lease), lease.signal.aborted]).toEqual(['lease-lost', 'held', false])
    await serve(b, block)
    await own.advance(2_000)
    expect(lease.signal.aborted).toBe(true)
    expect(lease.signal.reason).toMatchObject({ code: 'lease-lost' })
  })

  it.each(['wall', 'monotonic'])(
    'of a process that wakes up after the TTL commits nothing that another serves (%s clock)',
    async clock => {
      const { own, a, b, block, lease } = await pair()
      await serve(b, block)
      await own.advance(2_000)
      expect(held(lease)).toEqual(['held', 'held'])
      own.server.cut('a')
      if (clock === 'wall') a.host.step(5_000)
      else await a.host.advance(5_000)
      expect(held(lease)).toEqual(['lease-lost', 'lease-lost'])
    },
  )

  it('that was given back hears of its lock no more', async () => {
    const { own, b, block, lease } = await pair()
    await lease[Symbol.asyncDispose]()
    await serve(b, block)
    own.server.cut('a')
    await own.advance(10_000)
    expect(lease.signal.aborted).toBe(false)
  })
})
