import type { BlockMeta } from 'blockgate'
import { describe, expect, it } from 'vitest'
import { affected, PLUGINS, pair, release, serve, stopAll } from './pair.ts'
import { blockOf, blocksOf, ids, meta, never } from './world.ts'

describe.each(PLUGINS)('the hand-over of %s', (_, make) => {
  describe('release', () => {
    it('goes through once the owner was seen serving the block for the whole handoverDelay, and no earlier', async () => {
      const { world, a, b, block } = await pair(make)
      expect(await release(a, block)).toBe('kept')
      await serve(b, block)
      await world.advance(4_000)
      expect(await release(a, block)).toBe('kept')
      await world.advance(25_500)
      expect(await release(a, block)).toBe('kept')
      expect(a.line.writes).not.toContain('release')
      await world.advance(4_000)
      expect(await release(a, block)).toBe('released')
      expect(world.claims('a')).not.toContain(block.ulid)
      expect(a.handover.owners(block)).toEqual([
        { member: 'b', rank: 0, target: true, serves: true, live: true },
        { member: 'a', rank: 1, target: false, serves: false, live: true },
      ])
      await stopAll(a, b)
    })

    it('is kept without a round trip in an older epoch, while rules differ, and while the cluster is frozen', async () => {
      const { world, a, b, block } = await pair(make, { handoverDelay: 0 })
      await serve(b, block)
      await world.advance(4_000)
      const before = a.plugin.epoch(block) - 1
      expect(await a.handover.release({ id: block.ulid, superseding: block }, before, never)).toBe('kept')
      world.table.freeze(true)
      await world.advance(500)
      expect(await release(a, block)).toBe('kept')
      world.table.freeze(false)
      const c = await world.started('c', { replicas: 2 })
      await world.advance(4_000)
      expect(await release(a, block)).toBe('kept')
      expect(a.line.writes).not.toContain('release')
      await c.stop()
      await world.advance(4_000)
      expect(await release(a, block)).toBe('released')
      await stopAll(a, b)
    })

    it('is refused by the store where the epoch has moved unseen, and told again when it is seen', async () => {
      const { world, a, b, block } = await pair(make, { handoverDelay: 0 })
      await serve(b, block)
      await world.advance(4_000)
      const releasing = release(a, block)
      world.table.freeze(true)
      world.table.freeze(false)
      expect(await releasing).toBe('kept')
      expect(a.line.writes).toContain('release')
      expect(world.claims('a')).toContain(block.ulid)
      const from = a.changes.length
      await world.advance(4_000)
      expect(affected(a.changes, from)).toContainEqual([block.ulid])
      expect(await release(a, block)).toBe('released')
      await stopAll(a, b)
    })

    it('of a block that is mine is kept, and forgotten', async () => {
      const { world, a, b } = await pair(make, { handoverDelay: 0 })
      const mine = blockOf(a.plugin, 'a')
      await serve(b, mine)
      await world.advance(4_000)
      expect(await release(a, mine)).toBe('kept')
      expect(await release(a, mine, { urgent: true })).toBe('kept')
      expect(a.line.writes).not.toContain('release')
      const from = a.changes.length
      await world.advance(8_000)
      expect(a.changes).toHaveLength(from)
      await stopAll(a, b)
    })

    it('of a block that is held in the place of an owner that is down is kept, also where the disk is short', async () => {
      const { world, a, b } = await pair(make)
      const c = await world.started('c')
      await world.advance(500)
      const block = blocksOf(a.plugin, 'b').find(m => a.handover.owners(m)[1]?.member === 'a')
      if (!block) throw new Error('a must come after b for one block')
      await serve(c, block)
      await b.stop()
      await world.advance(4_000)
      expect(await release(a, block, { urgent: true })).toBe('kept')
      expect(a.line.writes).not.toContain('release')
      await stopAll(a, c)
    })

    it('of a superseded block needs its parent served by the owners of the parent, who may be this member', async () => {
      const { world, a, b } = await pair(make, { handoverDelay: '10s' })
      const [child, parent] = blocksOf(a.plugin, 'a') as [BlockMeta, BlockMeta]
      const unserved = { ...meta(1), ulid: ids(900)[0] as typeof child.ulid }
      expect(await release(a, child, { superseding: unserved })).toBe('kept')
      expect(await release(a, child, { superseding: parent })).toBe('kept')
      await world.advance(14_000)
      expect(await release(a, child, { superseding: parent })).toBe('released')
      expect(world.claims('a')).not.toContain(child.ulid)
      await stopAll(a, b)
    })

    it('all owners must serve it at two replicas, and one that is down is none', async () => {
      const world = make()
      const options = { handoverDelay: 0, replicas: 2 }
      const a = await world.started('a', options, ids(...Array.from({ length: 200 }, (_, i) => i + 1)))
      const b = await world.started('b', options)
      const c = await world.started('c', options)
      await world.advance(500)
      const block = Array.from({ length: 200 }, (_, i) => meta(i + 1)).find(
        m => a.handover.owners(m)[2]?.member === 'a',
      )
      if (!block) throw new Error('no block is of b and c')
      await serve(b, block)
      await world.advance(4_000)
      expect(await release(a, block)).toBe('kept')
      await serve(c, block)
      await world.advance(4_000)
      await c.stop()
      await world.advance(500)
      expect(await release(a, block)).toBe('kept')
      expect(a.line.writes).not.toContain('release')
      await stopAll(a, b)
    })

    it('where the disk is short needs one other live member, at once; a last copy stays all the same', async () => {
      const { world, a, b, block } = await pair(make)
      const c = await world.started('c')
      await world.advance(4_000)
      const other = blocksOf(a.plugin, 'b').find(candidate => candidate.ulid !== block.ulid)
      if (!other) throw new Error('b must have two blocks')
      expect(await release(a, other, { urgent: true })).toBe('kept')
      await serve(c, other)
      await world.advance(4_000)
      expect(await release(a, other)).toBe('kept')
      expect(await release(a, other, { urgent: true })).toBe('released')
      await stopAll(a, b, c)
    })

    it('a release whose answer is lost is rejected: the block is served still, and claimed again', async () => {
      const { world, a, b, block } = await pair(make, { handoverDelay: 0 })
      await serve(b, block)
      await world.advance(4_000)
      a.line.fault('release', 'lost')
      await expect(release(a, block)).rejects.toThrow('no answer')
      expect(world.claims('a')).not.toContain(block.ulid)
      expect(a.handover.owners(block).find(o => o.member === 'a')?.serves).toBe(true)
      await world.advance(4_000)
      expect(world.claims('a')).toContain(block.ulid)
      expect(await release(a, block)).toBe('released')
      await stopAll(a, b)
    })

    it('a release that lands late takes nothing away that was claimed since', async () => {
      const { world, a, b, block } = await pair(make, { handoverDelay: 0 })
      await serve(b, block)
      await world.advance(4_000)
      a.line.fault('release', 'late')
      await expect(release(a, block)).rejects.toThrow('no answer')
      await world.advance(4_000)
      a.line.land()
      expect(world.claims('a')).toContain(block.ulid)
      await stopAll(a, b)
    })

    it('a block that was released is not claimed by the publish that follows', async () => {
      const { world, a, b, block } = await pair(make, { handoverDelay: 0 })
      await serve(b, block)
      await world.advance(4_000)
      a.line.after('release', () => world.table.restore(world.table.snapshot(), 'store-2'))
      expect(await release(a, block)).toBe('released')
      await world.advance(8_000)
      expect(world.table.heartbeats().heartbeats.get('a')?.storeId).toBe('store-2')
      expect(world.claims('a')).not.toContain(block.ulid)
      await stopAll(a, b)
    })

    it('many releases at once go in one call', async () => {
      const { world, a, b } = await pair(make, { handoverDelay: 0 })
      const blocks = blocksOf(a.plugin, 'b').slice(0, 20)
      await serve(b, ...blocks)
      await world.advance(4_000)
      expect(await Promise.all(blocks.map(block => release(a, block)))).toEqual(blocks.map(() => 'released'))
      expect(a.line.writes.filter(write => write === 'release')).toHaveLength(1)
      await stopAll(a, b)
    })

    it('a signal that aborts before the call keeps the block', async () => {
      const { world, a, b, block } = await pair(make, { handoverDelay: 0 })
      await serve(b, block)
      await world.advance(4_000)
      const controller = new AbortController()
      const releasing = a.handover.release(
        { id: block.ulid, superseding: block },
        a.plugin.epoch(block),
        controller.signal,
      )
      controller.abort(new Error('over'))
      await expect(releasing).rejects.toThrow('over')
      expect(world.claims('a')).toContain(block.ulid)
      await stopAll(a, b)
    })

    it('of one who does not know is kept: a store that is away drops nothing', async () => {
      const { world, a, b, block } = await pair(make, { handoverDelay: 0 })
      await serve(b, block)
      await world.advance(4_000)
      a.line.away = true
      await world.advance(16_000)
      expect(await release(a, block)).toBe('kept')
      expect(a.line.writes).not.toContain('release')
      a.line.away = false
      await stopAll(a, b)
    })

    it('claims of a store that failed over do not count until they were told again', async () => {
      const { world, a, b, block } = await pair(make, { handoverDelay: 0 })
      await serve(b, block)
      await world.advance(4_000)
      b.line.away = true
      world.table.restore(world.table.snapshot(), 'store-2')
      await world.advance(4_000)
      expect(await release(a, block)).toBe('kept')
      expect(a.line.writes).not.toContain('release')
      expect(world.claims('a')).toContain(block.ulid)
      b.line.away = false
      await world.advance(8_000)
      expect(await release(a, block)).toBe('released')
      await stopAll(a, b)
    })
  })

  describe('a drained member', () => {
    it('serves on, hands all over, and has nothing in the end', async () => {
      const { world, a, b } = await pair(make, { handoverDelay: '5s' })
      world.table.drain('a', true)
      await world.advance(500)
      expect(a.handover.standing()).toBe('leaving')
      const mine = blocksOf(a.plugin, 'b')
      expect(mine).toHaveLength(200)
      expect(await a.plugin.claim(meta(1), never)).toMatchObject({
        status: 'denied',
        reason: 'draining',
        owners: ['b'],
      })
      for (const block of mine) expect(await release(a, block)).toBe('kept')
      await serve(b, ...mine)
      await world.advance(10_000)
      expect(await Promise.all(mine.map(block => release(a, block)))).toEqual(mine.map(() => 'released'))
      expect(world.claims('a')).toEqual([])
      await stopAll(a, b)
    })
  })

  it('an epoch change is told after epoch() has moved, for every block', async () => {
    const world = make()
    const a = await world.started('a')
    const seen: number[] = []
    a.plugin.watch?.(change => seen.push(a.plugin.epoch() - change.epoch))
    const from = a.changes.length
    const b = await world.started('b')
    await world.advance(250)
    expect(a.changes[from]?.affects(meta(7))).toBe(true)
    expect(new Set(seen)).toEqual(new Set([0]))
    await stopAll(a, b)
  })

  it('a listener that throws hinders nobody', async () => {
    const world = make()
    const a = world.member('a')
    a.plugin.watch?.(() => {
      throw new Error('mine')
    })
    const seen: number[] = []
    a.plugin.watch?.(change => seen.push(change.epoch))
    await a.start()
    expect(seen.length).toBeGreaterThan(0)
    expect(a.host.lines.some(l => l.message === 'a listener of the members threw' && l.fields.error === 'mine')).toBe(
      true,
    )
    await a.stop()
  })
})
