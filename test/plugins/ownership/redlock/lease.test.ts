import type { BlockMeta, Lease } from 'blockgate'
import { expect, it } from 'vitest'
import { blockOf, never, type TestMember } from '../../../members/world.ts'
import { redlockWorld } from './world.ts'

async function leased(member: TestMember, block: BlockMeta): Promise<Lease> {
  const claim = await member.plugin.claim(block, never)
  if (claim.status !== 'granted') throw new Error(`${block.ulid} must be granted: ${claim.reason}`)
  return claim.lease
}

const heldBefore = (lease: Lease, before: 'load' | 'commit') => {
  try {
    lease.assertHeld(before)
    return 'held'
  } catch (error) {
    return (error as { code: string }).code
  }
}

/** `a` and `b` have come to rest; a lease of `a`. */
async function pair() {
  const { world, locks } = redlockWorld({ ttl: '5s', expireAfter: '60s', heartbeat: '1s' })
  const a = await world.started('a')
  const b = await world.started('b')
  await world.advance(10_000)
  const block = blockOf(a.plugin, 'a')
  return { world, locks, a, b, block, lease: await leased(a, block) }
}

it('a lease has the fence of its slot, and the fence of the next grant of the slot is larger', async () => {
  const { world, locks, a, b, block, lease } = await pair()
  locks.empty()
  await world.advance(5_000)
  const next = await leased(a, block)
  expect(next.fence).toBeGreaterThan(lease.fence ?? Number.POSITIVE_INFINITY)
  for (const member of [a, b]) await world.along(member.stop())
})

it('a lease whose lock has ended begins no load, and ends none that nobody else serves', async () => {
  const { world, locks, a, b, lease } = await pair()
  expect([heldBefore(lease, 'load'), heldBefore(lease, 'commit')]).toEqual(['held', 'held'])
  locks.cut.add('a')
  await world.advance(5_000)
  expect([heldBefore(lease, 'load'), heldBefore(lease, 'commit')]).toEqual(['lease-lost', 'held'])
  expect(lease.signal.aborted).toBe(false)
  for (const member of [a, b]) await world.along(member.stop())
})

it('a lease whose lock has ended is aborted as soon as another is seen serving the block', async () => {
  const { world, locks, a, b, block, lease } = await pair()
  locks.cut.add('a')
  await world.advance(5_000)
  await b.handover.serve({ added: [block.ulid], dropped: [] }, never)
  await world.advance(2_000)
  expect(lease.signal.aborted).toBe(true)
  expect(lease.signal.reason).toMatchObject({ code: 'lease-lost' })
  for (const member of [a, b]) await world.along(member.stop())
})

it('a process that wakes up after the TTL commits nothing that another serves, whichever of its clocks went on', async () => {
  for (const wake of ['wall', 'monotonic'] as const) {
    const { world, locks, a, b, block, lease } = await pair()
    await b.handover.serve({ added: [block.ulid], dropped: [] }, never)
    await world.advance(2_000)
    expect([heldBefore(lease, 'load'), heldBefore(lease, 'commit')]).toEqual(['held', 'held'])
    locks.cut.add('a')
    if (wake === 'wall') a.host.step(5_000)
    else await a.host.advance(5_000)
    expect([heldBefore(lease, 'load'), heldBefore(lease, 'commit')]).toEqual(['lease-lost', 'lease-lost'])
    locks.cut.delete('a')
    for (const member of [a, b]) await world.along(member.stop())
  }
})

it('a lease that was given back hears of its lock no more', async () => {
  const { world, locks, a, b, block, lease } = await pair()
  await lease[Symbol.asyncDispose]()
  await b.handover.serve({ added: [block.ulid], dropped: [] }, never)
  locks.cut.add('a')
  await world.advance(10_000)
  expect(lease.signal.aborted).toBe(false)
  for (const member of [a, b]) await world.along(member.stop())
})
