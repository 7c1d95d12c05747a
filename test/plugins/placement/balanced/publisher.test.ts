import type { BlockMeta, Candidate } from 'blockgate'
import { balanced } from 'blockgate/plugins/placement/balanced'
import { testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { never, type TestMember, World } from '../../../members/world.ts'
import { sized } from './sizes.ts'

/** Sizes that a hash does not share out evenly among three. */
const BLOCKS: readonly BlockMeta[] = Array.from({ length: 60 }, (_, n) =>
  sized(testId(1_767_225_600_000 + n * 7_919, n * 104_729), n % 10 === 0 ? 40_000 : 1_000 + n),
)
const OFFERED = BLOCKS.map(meta => ({ meta }) as Candidate)
const EVERY = 20_000
const options = { placement: balanced({ within: 0.1, every: EVERY }), handoverDelay: 0 }

async function cluster(ids: readonly string[] = ['a', 'b', 'c']) {
  const world = new World()
  const members: TestMember[] = []
  for (const id of ids) members.push(await world.started(id, options))
  for (const { plugin } of members) plugin.offered?.(OFFERED)
  await world.advance(500)
  return { world, members, a: members[0] as TestMember, b: members[1] as TestMember, c: members[2] as TestMember }
}

const placement = ({ table }: World) => table.entries().placement
const owners = ({ handover }: TestMember) =>
  BLOCKS.map(block =>
    handover
      .owners(block)
      .filter(owner => owner.target)
      .map(({ member }) => member)
      .join(),
  )
const fingerprintOf = ({ table }: World) => table.entries().members.get('a')?.fingerprint ?? ''
const counts = ({ handover }: TestMember) => handover.counts().placement
const skew = (member: TestMember) => {
  const loads = new Map<string, number>()
  for (const [n, owner] of owners(member).entries())
    loads.set(owner, (loads.get(owner) ?? 0) + (BLOCKS[n]?.files[0]?.size ?? 0))
  const all = [...loads.values()]
  return Math.max(...all) / (all.reduce((sum, load) => sum + load, 0) / 3)
}

describe('a placement', () => {
  it('is published by the first member, once all were the same for `every`, and counts for all from then on', async () => {
    const { world, members, a, b } = await cluster()
    const [before, { epoch }] = [owners(a), world.table.entries()]
    expect(skew(a)).toBeGreaterThan(1.15)
    await world.advance(EVERY - 5_000)
    expect(placement(world)).toBeUndefined()
    await world.advance(10_000)
    const { placement: published, cause } = world.table.entries()
    expect(published?.version).toBeGreaterThan(epoch)
    expect(cause).toBe('a has published a placement')
    for (const member of members) expect(owners(member)).toEqual(owners(a))
    expect(owners(a)).not.toEqual(before)
    expect(counts(a)).toMatchObject({ published: 1, lost: 0, broken: 0 })
    expect(counts(b)).toMatchObject({ published: 0, named: counts(a)?.named })
    for (let n = 0; n < 4; n++) await world.advance(EVERY + 5_000)
    expect(skew(a)).toBeLessThanOrEqual(1.1)
    expect(counts(a)?.skew).toBeCloseTo(skew(a))
    // And it rests.
    const { version } = placement(world) ?? {}
    await world.advance(2 * EVERY)
    expect(placement(world)?.version).toBe(version)
  })

  it('moves a block as any change does: its old owner lets go when the new one serves it', async () => {
    const { world, a, b, c } = await cluster()
    const before = owners(a)
    await world.advance(EVERY + 5_000)
    const n = owners(a).findIndex((owner, n) => owner !== before[n])
    const block = BLOCKS[n] as BlockMeta
    const [old, now] = [before[n], owners(a)[n]].map(id => [a, b, c].find(member => member.id === id) as TestMember)
    await old?.handover.serve({ added: [block.ulid], dropped: [] }, never)
    const release = () => old?.handover.release({ id: block.ulid, superseding: block }, old.plugin.epoch(block), never)
    expect((await now?.plugin.claim(block, never))?.status).toBe('granted')
    expect((await old?.plugin.claim(block, never))?.status).toBe('denied')
    expect(await release()).toBe('kept')
    await now?.handover.serve({ added: [block.ulid], dropped: [] }, never)
    now?.handover.ready(true)
    await world.advance(7_000)
    expect(await release()).toBe('released')
    expect(old?.handover.why?.(block)).toBe('the published placement names it: balanced by bytes')
  })

  it.each([
    ['a member has just come', (world: World) => world.started('d', options).then(() => undefined)],
    ['somebody drains', async (world: World) => void world.table.drain('c', true)],
    [
      'operators have frozen the cluster and thawed it',
      async (world: World) => {
        for (const on of [true, false]) world.table.freeze(on)
      },
    ],
  ])('waits once more where %s', async (_, change) => {
    const { world } = await cluster()
    await world.advance(EVERY - 5_000)
    await change(world)
    await world.advance(10_000)
    expect(placement(world)).toBeUndefined()
    await world.advance(EVERY)
    expect(placement(world)).toBeDefined()
  })

  it.each<[string, (world: World, c: TestMember) => Promise<unknown>]>([
    [
      'a member is down, and has its place',
      async (world, c) => {
        world.kill(c)
        world.expire('c')
      },
    ],
    ['the cluster is frozen', async world => world.table.freeze(true)],
    ['members differ in what they must agree on', world => world.started('d', { ...options, replicas: 2 })],
  ])('is not worked out while %s', async (_, change) => {
    const world = new World()
    const [a, c] = [
      await world.started('a', { ...options, grace: '2h' }),
      await world.started('c', { ...options, grace: '2h' }),
    ]
    for (const { plugin } of [a, c]) plugin.offered?.(OFFERED)
    await change(world, c)
    await world.advance(2 * EVERY + 10_000)
    expect(placement(world)).toBeUndefined()
    expect(counts(a)?.skew).toBeUndefined()
  })

  it('is published by the next where the first has not seen the whole bucket', async () => {
    const world = new World()
    const members = [
      await world.started('a', options),
      await world.started('b', options),
      await world.started('c', options),
    ]
    for (const { plugin } of members.slice(1)) plugin.offered?.(OFFERED)
    await world.advance(EVERY + 10_000)
    expect(placement(world)).toBeUndefined()
    await world.advance(EVERY)
    expect(world.table.entries().cause).toBe('b has published a placement')
  })

  it('is lost where something came first, and worked out again', async () => {
    const { world, a } = await cluster()
    // It is on its way to the store when the epoch moves.
    a.line.after('heartbeats', () => {})
    const publish = a.line.publishPlacement
    a.line.publishPlacement = async (stamp, request) => {
      a.line.publishPlacement = publish
      world.table.drain('c', true)
      return publish(stamp, request)
    }
    await world.advance(EVERY + 5_000)
    expect([placement(world), counts(a)?.lost, counts(a)?.published]).toEqual([undefined, 1, 0])
    await world.advance(EVERY + 5_000)
    expect([counts(a)?.lost, counts(a)?.published]).toEqual([1, 1])
  })

  it('counts for nobody before the store has it, and where it has it counts for all, whatever the publisher heard', async () => {
    const { world, members, a } = await cluster()
    const before = owners(a)
    a.line.fault('publishPlacement', 'away')
    await world.advance(EVERY + 5_000)
    for (const member of members) expect(owners(member)).toEqual(before)
    a.line.fault('publishPlacement', 'lost')
    await world.advance(EVERY + 5_000)
    expect(placement(world)).toBeDefined()
    expect(owners(a)).not.toEqual(before)
    for (const member of members) expect(owners(member)).toEqual(owners(a))
  })
})

describe('a placement that is there', () => {
  it('holds while others join, but for a member that is gone: then a hash decides', async () => {
    const { world, a } = await cluster()
    const before = owners(a)
    await world.advance(EVERY + 5_000)
    const [named] = owners(a).flatMap((owner, n) => (owner === before[n] ? [] : [n]))
    const owner = owners(a)[named ?? 0]
    const d = await world.started('d', options)
    await world.advance(1_000)
    expect(owners(d)[named ?? 0]).toBe(owner)
    world.table.drain(owner ?? '', true)
    await world.advance(1_000)
    expect(owners(d)[named ?? 0]).not.toBe(owner)
    expect(owners(d)[named ?? 0]).toBeTruthy()
    expect(d.handover.why?.(BLOCKS[named ?? 0] as BlockMeta)).toBe('by rendezvous')
  })

  it('that the store has lost is published again as it was, soon', async () => {
    const { world, members, a } = await cluster()
    await world.advance(EVERY + 5_000)
    const [before, text] = [owners(a), placement(world)?.text]
    world.table.clear('store-2')
    await world.advance(20_000)
    expect(placement(world)?.text).toBe(text)
    for (const member of members) expect(owners(member)).toEqual(before)
  })

  it('and cannot be read counts for nobody: a hash decides, it is told, and what was before it is published again', async () => {
    const { world, members, a } = await cluster()
    const hashed = owners(a)
    await world.advance(EVERY + 5_000)
    const named = owners(a)
    // Somebody who is no member of any ring, and writes what nobody reads.
    const who = {
      id: 'z',
      zone: undefined,
      address: undefined,
      process: 'z',
      fingerprint: fingerprintOf(world),
      bucket: '',
    }
    const joined = world.table.join({ ...who, incarnation: 0, sequence: 1, replaces: 0, seen: 0 })
    world.table.drain('z', true)
    const { epoch } = world.table.entries()
    const stamp = { id: 'z', incarnation: joined.status === 'joined' ? joined.incarnation : 0, sequence: 2 }
    expect(world.table.publishPlacement(stamp, { decidedIn: epoch, text: 'balanced/9 nonsense' })).toBe('ok')
    await world.advance(1_000)
    for (const member of members) expect(owners(member)).toEqual(hashed)
    for (const member of members) expect(counts(member)?.broken).toBe(1)
    await world.advance(20_000)
    for (const member of members) expect(owners(member)).toEqual(named)
  })

  it('keeps the name of a block that is not known here for one look, and drops it at the next', async () => {
    const { world, members, a } = await cluster()
    await world.advance(EVERY + 5_000)
    const isNamed = ({ meta }: Candidate) => a.handover.why?.(meta)?.includes('published') === true
    const named = OFFERED.filter(isNamed)
    expect(named.length).toBeGreaterThan(0)
    // Others, of which whoever has the least blocks has the most bytes.
    const offer = (from: number) => {
      const others = OFFERED.map((_, n) => sized(testId(from + n * 7_919, n * 104_729), 1_000))
      const isOf = (block: BlockMeta, member: string) => a.handover.owners(block)[0]?.member === member
      const blocks = others.map(
        block =>
          ({ meta: isOf(block, 'b') ? { ...block, files: [{ path: 'index', size: 5_000 }] } : block }) as Candidate,
      )
      for (const { plugin } of members) plugin.offered?.(blocks)
    }
    offer(1_800_000_000_000)
    await world.advance(EVERY + 5_000)
    expect(counts(a)?.published).toBe(2)
    expect(named.every(isNamed)).toBe(true)
    offer(1_900_000_000_000)
    await world.advance(EVERY + 5_000)
    expect(counts(a)?.published).toBe(3)
    expect(named.some(isNamed)).toBe(false)
  })
})

it('two members are published for, and one alone is not', async () => {
  const { world } = await cluster(['a'])
  await world.advance(3 * EVERY)
  expect(placement(world)).toBeUndefined()
})

it('options are checked', () => {
  const problems = (given: object) => (balanced(given).check?.() ?? []).map(({ path, must }) => `${path} must ${must}`)
  expect(problems({ within: 0.1, every: '1m', weight: 'index' })).toEqual([])
  expect(problems({ within: 0.01 })).toEqual(['within must be >= 0.02'])
  expect(problems({ within: 2 })).toEqual(['within must be <= 1'])
  expect(problems({ weight: 'bytes', every: 'x' })).toHaveLength(2)
  expect(problems({ withn: 1 })[0]).toContain('withn must be one of the known options')
})
