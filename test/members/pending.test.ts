import type { BlockMeta } from 'blockgate'
import { describe, expect, it } from 'vitest'
import { affected, PLUGINS, pair, release, serve, stopAll } from './pair.ts'
import { blocksOf, ids, meta, never, type TestMember, World } from './world.ts'

describe.each(PLUGINS)('the hand-over of %s', (_, make) => {
  it('is told by one change for exactly the blocks that can go now, in the same epoch', async () => {
    const { world, a, b } = await pair(make)
    const [one, two, three] = blocksOf(a.plugin, 'b') as [BlockMeta, BlockMeta, BlockMeta]
    for (const block of [one, two, three]) expect(await release(a, block)).toBe('kept')
    await serve(b, one, two)
    const from = a.changes.length
    await world.advance(29_000)
    expect(a.changes).toHaveLength(from)
    await world.advance(5_000)
    expect(affected(a.changes, from)).toEqual([[one.ulid, two.ulid].sort()])
    expect(a.changes.at(-1)?.epoch).toBe(a.plugin.epoch())
    await stopAll(a, b)
  })

  it('is told again where nobody asked for half a minute, and not at every look', async () => {
    const { world, a, b, block } = await pair(make, { handoverDelay: 0 })
    await release(a, block)
    await serve(b, block)
    const from = a.changes.length
    await world.advance(28_000)
    expect(affected(a.changes, from)).toEqual([[block.ulid]])
    await world.advance(8_000)
    expect(affected(a.changes, from)).toEqual([[block.ulid], [block.ulid]])
    await stopAll(a, b)
  })

  it('waits anew where the owner stopped serving in between, or this process did not look', async () => {
    const { world, a, b, block } = await pair(make)
    await release(a, block)
    await serve(b, block)
    await world.advance(20_000)
    await b.handover.serve({ added: [], dropped: [block.ulid] }, never)
    await world.advance(4_000)
    await serve(b, block)
    await world.advance(20_000)
    expect(await release(a, block)).toBe('kept')
    a.line.away = true
    await world.advance(4_000)
    a.line.away = false
    await world.advance(25_000)
    expect(await release(a, block)).toBe('kept')
    await world.advance(9_000)
    expect(await release(a, block)).toBe('released')
    await stopAll(a, b)
  })

  it('waits for the owner that came last, and after maxPendingHandOff for the member that came first', async () => {
    const world = make()
    const options = { handoverDelay: '20s', replicas: 2, maxPendingHandOff: '55s' }
    const all = ids(...Array.from({ length: 200 }, (_, i) => i + 1))
    const a = await world.started('a', options, all)
    const others = [
      await world.started('b', options),
      await world.started('c', options),
      await world.started('d', options),
    ]
    await world.advance(500)
    const owners = (n: number) => a.handover.owners(meta(n)).map(({ member }) => member)
    const numbers = Array.from({ length: 200 }, (_, i) => i + 1).filter(n => owners(n).indexOf('a') === 3)
    const [one, two] = numbers.map(meta) as [BlockMeta, BlockMeta]
    const targets = (block: BlockMeta) => {
      const [first, second] = a.handover.owners(block).map(o => others.find(({ id }) => id === o.member))
      if (!first || !second) throw new Error('two others must own the block')
      return [first, second] as const
    }
    const asked = a.changes.length
    for (const block of [one, two]) await release(a, block)
    await serve(targets(one)[0], one)
    await world.advance(12_000)
    await serve(targets(one)[1], one)
    await world.advance(14_000)
    expect(await release(a, one)).toBe('kept')
    await world.advance(12_000)
    expect(await release(a, one)).toBe('released')
    await serve(targets(two)[0], two)
    await world.advance(12_000)
    await serve(targets(two)[1], two)
    await world.advance(13_500)
    expect(affected(a.changes, asked)).toEqual([[one.ulid], [two.ulid]])
    expect(await release(a, two)).toBe('released')
    await stopAll(a, ...others)
  })

  it('after maxPendingHandOff needs one other member that was seen for the handoverDelay; a last copy stays all the same', async () => {
    const { world, a, b } = await pair(make, { handoverDelay: '10s', maxPendingHandOff: '60s' })
    const c = await world.started('c', { handoverDelay: '10s', maxPendingHandOff: '60s' })
    await world.advance(500)
    const [one, two] = blocksOf(a.plugin, 'b') as [BlockMeta, BlockMeta]
    await serve(c, one)
    for (const block of [one, two]) expect(await release(a, block)).toBe('kept')
    const from = a.changes.length
    await world.advance(59_000)
    for (const block of [one, two]) expect(await release(a, block)).toBe('kept')
    await world.advance(15_000)
    expect(affected(a.changes, from)).toEqual([[one.ulid]])
    expect(await release(a, one)).toBe('released')
    expect(await release(a, two)).toBe('kept')
    await stopAll(a, b, c)
  })

  it('what is seen served at a look is told when the wait is over, not at the next look', async () => {
    const { world, a, b, block } = await pair(make, { handoverDelay: '5s', heartbeat: '20s', expireAfter: '60s' })
    await release(a, block)
    await serve(b, block)
    const from = a.changes.length
    await world.advance(28_500)
    expect(affected(a.changes, from)).toEqual([[block.ulid]])
    await stopAll(a, b)
  })

  it('what is asked for between two looks is told when the wait is over, not at the next look', async () => {
    const { world, a, b, block } = await pair(make, { handoverDelay: '5s', heartbeat: '20s', expireAfter: '60s' })
    await serve(b, block)
    await world.advance(22_500)
    const from = a.changes.length
    expect(await release(a, block)).toBe('kept')
    await world.advance(5_500)
    expect(affected(a.changes, from)).toEqual([[block.ulid]])
    await stopAll(a, b)
  })
})

it('a block waits anew for an owner that was none in between (hash-ring: drained, and back to the same blocks)', async () => {
  const world = new World()
  const options = { handoverDelay: '20s' }
  const a = await world.started('a', options, ids(...Array.from({ length: 200 }, (_, i) => i + 1)))
  const b = await world.started('b', options)
  const c = await world.started('c', options)
  await world.advance(500)
  const block = Array.from({ length: 200 }, (_, i) => meta(i + 1)).find(m => {
    const [first, second] = a.handover.owners(m)
    return first?.member === 'c' && second?.member === 'b'
  })
  if (!block) throw new Error('b must come after c for one block')
  const gone = async (member: TestMember) => {
    await member.stop()
    await world.advance(500)
    world.table.forget(member.id, world.table.entries().members.get(member.id)?.changed ?? 0)
    await world.advance(500)
  }
  await gone(c)
  await serve(b, block)
  await world.advance(4_000)
  expect(await release(a, block)).toBe('kept')
  const again = await world.started('c', options)
  await world.advance(16_000)
  expect(await release(a, block)).toBe('kept')
  await b.handover.serve({ added: [], dropped: [block.ulid] }, never)
  await world.advance(4_000)
  await serve(b, block)
  await gone(again)
  await world.advance(4_000)
  expect(await release(a, block)).toBe('kept')
  expect(a.line.writes).not.toContain('release')
  await world.advance(20_000)
  expect(await release(a, block)).toBe('released')
  await stopAll(a, b)
})
