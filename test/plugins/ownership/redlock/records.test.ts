/** What follows from the slot records: for answers, for their versions, and for what may be let go. */
import type { BlockMeta } from 'blockgate'
import { expect, it } from 'vitest'
import { slotOf } from '../../../../plugins/ownership/redlock/slot-of.ts'
import { release, serve } from '../../../members/pair.ts'
import { blocksOf, meta, never, type TestMember } from '../../../members/world.ts'
import { type RedlockWorld, redlockWorld } from './world.ts'

const SLOTS = 16
const BLOCKS = Array.from({ length: 200 }, (_, i) => meta(i + 1))

async function rested(ids: string, options: Parameters<typeof redlockWorld>[0] = {}) {
  const own = redlockWorld({ slots: SLOTS, ...options })
  const members: TestMember[] = []
  for (const id of ids) members.push(await own.world.started(id))
  await own.world.advance(15_000)
  return { ...own, members, stop: async () => void (await Promise.all(members.map(m => own.world.along(m.stop())))) }
}

/** The member writes itself down for the seat, as somebody would who was granted its lock by a server that had forgotten it. */
function recorded({ world }: RedlockWorld, id: string, slot: number, rank = 0, give = false): void {
  const { incarnation = 0, sequence = 0 } = world.table.heartbeats().heartbeats.get(id) ?? {}
  const fence = world.table.fence()
  expect(world.table.hold({ id, incarnation, sequence: sequence + 1 }, { slot, rank, fence, give })).toBe('ok')
}

const inSlot = (slot: number) => BLOCKS.filter(block => slotOf(block.ulid, SLOTS) === slot)

it('a later record of somebody else ends a lock: its holder gives it back, and the other one is granted the blocks', async () => {
  const own = await rested('ab')
  const [a, b] = own.members as [TestMember, TestMember]
  const [block] = blocksOf(a.plugin, 'a') as [BlockMeta]
  recorded(own, 'b', slotOf(block.ulid, SLOTS))
  await own.world.advance(5_000)
  // Now b has two more than a: it gives one up, which need not be this one.
  const holder = b.handover.owners(block)[0]?.member === 'b' ? b : a
  expect((await holder.plugin.claim(block, never)).status).toBe('granted')
  expect(own.locks.locked).toHaveLength(SLOTS)
  await own.stop()
})

it('a change of a slot is told for its blocks alone, and moves their version alone', async () => {
  const own = await rested('ab')
  const [a] = own.members as [TestMember]
  own.world.table.freeze(true)
  await own.world.advance(500)
  const [block] = blocksOf(a.plugin, 'a') as [BlockMeta]
  const slot = slotOf(block.ulid, SLOTS)
  const versions = () => BLOCKS.map(each => a.plugin.epoch(each))
  const before = versions()
  const from = a.changes.length
  recorded(own, 'b', slot)
  await own.world.advance(50)
  const told = a.changes.slice(from)
  expect(told.length).toBeGreaterThan(0)
  const affected = BLOCKS.filter(each => told.some(change => change.affects(each)))
  expect(affected).toEqual(inSlot(slot))
  const moved = BLOCKS.filter((_, i) => (versions()[i] ?? 0) > (before[i] ?? 0))
  expect(moved).toEqual(inSlot(slot))
  for (const change of told) expect(a.plugin.epoch()).toBeGreaterThanOrEqual(change.epoch)
  expect(told[0]?.epoch).toBeGreaterThan(Math.max(...before))
  await own.stop()
})

it('a slot in which a seat is open lets nothing go, though all who sit in it serve the block', async () => {
  const own = await rested('abc', { replicas: 2, handoverDelay: 0 })
  const members = new Map(own.members.map(m => [m.id, m]))
  const [c] = own.members.slice(2) as [TestMember]
  const block = BLOCKS.find(each => !c.handover.owners(each).some(o => o.target && o.member === 'c')) as BlockMeta
  await serve(c, block)
  const owners = c.handover.owners(block).filter(o => o.target)
  for (const { member } of owners) await serve(members.get(member) as TestMember, block)
  await own.world.advance(4_000)
  own.locks.away = true
  recorded(own, owners[1]?.member ?? '', slotOf(block.ulid, SLOTS), 1, true)
  await own.world.advance(4_000)
  expect(c.handover.owners(block).filter(o => o.target)).toHaveLength(1)
  expect(await release(c, block)).toBe('kept')
  expect(c.line.writes).not.toContain('release')
  own.locks.away = false
  await own.world.advance(20_000)
  expect(c.handover.owners(block).filter(o => o.target)).toHaveLength(2)
  await own.stop()
})

it('a release is refused by the store where the slot has moved unseen', async () => {
  const own = await rested('ab', { handoverDelay: 0 })
  const [a, b] = own.members as [TestMember, TestMember]
  const [block] = blocksOf(a.plugin, 'b') as [BlockMeta]
  await serve(a, block)
  await serve(b, block)
  await own.world.advance(4_000)
  const releasing = release(a, block)
  // The same holder, with a later fence.
  recorded(own, 'b', slotOf(block.ulid, SLOTS))
  expect(await releasing).toBe('kept')
  expect(a.line.writes).toContain('release')
  expect(own.world.claims('a')).toContain(block.ulid)
  await own.world.advance(4_000)
  expect(await release(a, block)).toBe('released')
  await own.stop()
})

it('nobody gives a seat up while another is open, whoever opened it', async () => {
  const own = await rested('a')
  const open = () => own.world.table.slots(undefined)?.slots.filter(({ holder }) => holder === '').length ?? 0
  own.world.table.freeze(true)
  own.locks.cut.add('b')
  own.members.push(await own.world.started('b'))
  recorded(own, 'a', 0, 0, true)
  own.world.table.freeze(false)
  for (let i = 0; i < 15; i++) {
    await own.world.advance(100)
    expect(open()).toBe(1)
  }
  await own.stop()
})

it('while the cluster is frozen an open seat stays open', async () => {
  const own = await rested('ab')
  const holder = () => own.world.table.slots(undefined)?.slots.find(record => record.slot === 0)?.holder
  const before = holder() ?? ''
  own.world.table.freeze(true)
  recorded(own, before, 0, 0, true)
  await own.world.advance(10_000)
  expect(holder()).toBe('')
  own.world.table.freeze(false)
  await own.world.advance(2_000)
  expect(holder()).toBe(before)
  await own.stop()
})

it('members that start while the lock servers are away share evenly as soon as these are back', async () => {
  const own = redlockWorld({ slots: SLOTS })
  own.locks.away = true
  const a = await own.world.started('a')
  const b = await own.world.started('b')
  await own.world.advance(30_000)
  own.locks.away = false
  await own.world.advance(4_000)
  const holders = own.world.table.slots(undefined)?.slots.map(({ holder }) => holder) ?? []
  expect(holders.toSorted()).toEqual([...Array(8).fill('a'), ...Array(8).fill('b')])
  for (const m of [a, b]) await own.world.along(m.stop())
})

it('an observer knows who owns what, and does not even connect to the lock servers', async () => {
  const own = await rested('a')
  const looks = own.world.member('x', {}, { observer: true })
  await own.world.along(looks.start())
  await own.world.advance(1_000)
  expect(looks.handover.owners(meta(1))[0]).toMatchObject({ member: 'a', target: true })
  expect(own.locks.opened).toEqual(['a'])
  await own.world.along(looks.stop())
  await own.stop()
})

it('broken records are left out and counted, each when it appears, and the others hold', async () => {
  const own = await rested('a')
  const [a] = own.members as [TestMember]
  const { slots } = a.line
  const broken = async () => {
    const view = await slots(undefined)
    return view && { ...view, slots: view.slots.slice(2), broken: 2 }
  }
  Object.assign(a.line, { slots: broken })
  await own.world.advance(10_000)
  expect(a.handover.counts().broken).toBe(2)
  Object.assign(a.line, { slots })
  await own.stop()
})

it('what members must agree on is in their rules', async () => {
  const rules = async (options: Parameters<typeof redlockWorld>[0]) => {
    const own = redlockWorld(options)
    const a = await own.world.started('a')
    const record = own.world.table.entries().members.get('a')
    await own.world.along(a.stop())
    return record?.rules
  }
  const all = await Promise.all([rules({}), rules({ slots: 32 }), rules({ replicas: 2 })])
  expect(new Set(all).size).toBe(3)
  expect(await rules({ ttl: '5s', handoverDelay: '1s', grace: '1m' })).toBe(all[0])
})
