import type { BlockMeta, Lease } from 'blockgate'
import { expect, it } from 'vitest'
import { blockOf, meta, never, type TestMember, World } from '../../../members/world.ts'

async function granted(member: TestMember, block: BlockMeta): Promise<Lease> {
  const claim = await member.plugin.claim(block, never)
  if (claim.status !== 'granted') throw new Error(`${block.ulid} must be granted: ${claim.reason}`)
  return claim.lease
}

const heldBefore = (lease: Lease, before?: 'load' | 'commit') => {
  try {
    lease.assertHeld(before)
    return 'held'
  } catch (error) {
    return (error as { code: string }).code
  }
}

/** Of blocks 1 to 200 the first that is `first`'s, and then `second`'s. */
function ranked({ handover }: TestMember, first: string, second: string): BlockMeta {
  const block = Array.from({ length: 200 }, (_, i) => meta(i + 1)).find(m => {
    const [one, two] = handover.owners(m)
    return one?.member === first && two?.member === second
  })
  if (!block) throw new Error(`${second} must come after ${first} for one block`)
  return block
}

/** A block of `a` that `b` takes over when it joins; `others` are members too. */
async function taken(...others: readonly string[]) {
  const world = new World()
  const a = await world.started('a')
  const rest: TestMember[] = []
  for (const id of others) rest.push(await world.started(id))
  const b = await world.started('b')
  await world.advance(500)
  const block = ranked(a, 'b', 'a')
  await b.stop()
  world.table.forget('b', world.table.entries().members.get('b')?.changed ?? 0)
  await world.advance(4_000)
  return { world, a, block, rest }
}

it('a claim is answered in the same turn of the event loop, by the last look', async () => {
  const world = new World()
  const a = await world.started('a')
  const reads = a.line.writes.length
  let answer: unknown
  void a.plugin.claim(meta(1), never).then(claim => {
    answer = claim.status
  })
  await undefined
  await undefined
  expect(answer).toBe('granted')
  expect(a.line.writes).toHaveLength(reads)
})

it('a block of another is denied, with its owners and the epoch', async () => {
  const world = new World()
  const a = await world.started('a')
  await world.started('b')
  await world.advance(500)
  const block = blockOf(a.plugin, 'b')
  expect(await a.plugin.claim(block, never)).toEqual({
    status: 'denied',
    epoch: world.table.entries().epoch,
    reason: 'not-owner',
    owners: ['b'],
  })
})

it('a lease that moved to another is lost before the load, and held to the end of one that has begun', async () => {
  const { world, a, block } = await taken()
  const lease = await granted(a, block)
  expect(heldBefore(lease, 'load')).toBe('held')
  const b = await world.started('b')
  await world.advance(500)
  expect([heldBefore(lease, 'load'), heldBefore(lease, 'commit'), heldBefore(lease)]).toEqual([
    'lease-lost',
    'held',
    'held',
  ])
  expect(lease.signal.aborted).toBe(false)
  await b.handover.serve({ added: [block.ulid], dropped: [] }, never)
  await world.advance(4_000)
  expect([heldBefore(lease, 'commit'), lease.signal.aborted]).toEqual(['lease-lost', true])
  expect(lease.signal.reason).toMatchObject({ code: 'lease-lost' })
})

it('a lease is aborted with the epoch change where a live member is known to serve the block', async () => {
  const { world, a, block, rest } = await taken('c')
  const [c] = rest as [TestMember]
  await c.handover.serve({ added: [block.ulid], dropped: [] }, never)
  await world.advance(4_000)
  const lease = await granted(a, block)
  // It need not wait for what the newcomer serves.
  a.line.fault('advertised', 'hangs')
  await world.started('b')
  await world.advance(250)
  expect(lease.signal.aborted).toBe(true)
})

it('a lease that was given back is not aborted any more', async () => {
  const { world, a, block } = await taken()
  const lease = await granted(a, block)
  await lease[Symbol.asyncDispose]()
  await world.started('b', {}, [block.ulid])
  await world.advance(4_000)
  expect(lease.signal.aborted).toBe(false)
})

it('not knowing begins no load, and ends none that has begun', async () => {
  const { world, a, block } = await taken()
  const lease = await granted(a, block)
  a.line.away = true
  await world.started('b', {}, [block.ulid])
  await world.advance(60_000)
  expect([heldBefore(lease, 'load'), heldBefore(lease, 'commit')]).toEqual(['lease-lost', 'held'])
  expect(lease.signal.aborted).toBe(false)
})

it('whoever has heard of a newer epoch begins no load before it has read it', async () => {
  const world = new World()
  const a = await world.started('a')
  await world.advance(500)
  const lease = await granted(a, meta(1))
  for (let i = 0; i < 8; i++) a.line.fault('entries', 'away')
  world.table.freeze(true)
  await world.advance(3_500)
  expect([heldBefore(lease, 'load'), heldBefore(lease, 'commit')]).toEqual(['lease-lost', 'held'])
  await world.advance(20_000)
  expect(heldBefore(lease, 'load')).toBe('held')
})

it('a superseded process begins no load', async () => {
  const { world, a, block } = await taken()
  const lease = await granted(a, block)
  a.line.away = true
  await world.advance(8_000)
  const twin = world.member('a')
  await twin.start()
  a.line.away = false
  await world.advance(4_000)
  expect([heldBefore(lease, 'load'), heldBefore(lease, 'commit')]).toEqual(['lease-lost', 'held'])
})

it('the next in rank stands in for owners that are all down, and for them alone', async () => {
  const world = new World()
  const a = await world.started('a')
  const b = await world.started('b')
  await world.advance(500)
  const block = blockOf(a.plugin, 'b')
  await b.stop()
  await world.advance(500)
  const lease = await granted(a, block)
  expect(heldBefore(lease, 'load')).toBe('held')
  expect(a.handover.owners(block).map(({ member, target, live }) => [member, target, live])).toEqual([
    ['b', true, false],
    ['a', true, true],
  ])
  await world.started('b')
  await world.advance(500)
  expect(heldBefore(lease, 'load')).toBe('lease-lost')
  expect((await a.plugin.claim(block, never)).status).toBe('denied')
})

it('nobody stands in for a block that a live member serves, or while the cluster is frozen', async () => {
  const world = new World()
  const a = await world.started('a')
  const b = await world.started('b')
  const c = await world.started('c')
  await world.advance(500)
  const block = ranked(a, 'b', 'a')
  await c.handover.serve({ added: [block.ulid], dropped: [] }, never)
  await b.stop()
  await world.advance(4_000)
  expect(await a.plugin.claim(block, never)).toMatchObject({ status: 'denied', reason: 'not-owner', owners: ['b'] })
  await c.handover.serve({ added: [], dropped: [block.ulid] }, never)
  await world.advance(4_000)
  world.table.freeze(true)
  await world.advance(500)
  expect((await a.plugin.claim(block, never)).status).toBe('denied')
  expect((await a.plugin.claim(blockOf(a.plugin, 'a', 1), never)).status).toBe('granted')
  world.table.freeze(false)
  await world.advance(500)
  expect((await a.plugin.claim(block, never)).status).toBe('granted')
})
