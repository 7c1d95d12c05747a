import { MAX_IDS } from 'blockgate/members'
import { describe, expect, it } from 'vitest'
import { affected, drop, joined, PLUGINS, pair, release, serve, served } from './pair.ts'
import { ALL, blockOf, blocksOf, ids, meta, must, never, type TestMember, World } from './world.ts'

describe.each(PLUGINS)('a release of %s', (_, make) => {
  it('goes through once the owner was seen serving the block for the whole handoverDelay, and no earlier', async () => {
    const { world, a, b, block } = await pair(make)
    expect(await release(a, block)).toBe('kept')
    await serve(b, block)
    for (const ms of [4_000, 25_500]) {
      await world.advance(ms)
      expect(await release(a, block)).toBe('kept')
    }
    expect(a.line.writes).not.toContain('release')
    await world.advance(4_000)
    expect(await release(a, block)).toBe('released')
    expect(world.advertised('a')).not.toContain(block.ulid)
    expect(a.handover.owners(block)).toEqual([
      { member: 'b', rank: 0, target: true, serves: true, live: true },
      { member: 'a', rank: 1, target: false, serves: false, live: true },
    ])
  })

  it('is kept without a round trip in an older epoch, while fingerprints differ, and while the cluster is frozen', async () => {
    const { world, a, block } = await served(make)
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
  })

  it('is refused by the store where the epoch has moved unseen, and told again when it is seen', async () => {
    const { world, a, block } = await served(make)
    const releasing = release(a, block)
    world.table.freeze(true)
    world.table.freeze(false)
    expect(await releasing).toBe('kept')
    expect(a.line.writes).toContain('release')
    expect(world.advertised('a')).toContain(block.ulid)
    const from = a.changes.length
    await world.advance(4_000)
    expect(affected(a.changes, from)).toContainEqual([block.ulid])
    expect(await release(a, block)).toBe('released')
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
  })

  it('of a block that is held in the place of an owner that is down is kept, also where the disk is short', async () => {
    const world = make()
    const [a, b, c] = await joined(world, 'bc')
    const block = must(blocksOf(a.plugin, 'b').find(m => a.handover.owners(m)[1]?.member === 'a'))
    await serve(must(c), block)
    await b.stop()
    await world.advance(4_000)
    expect(await release(a, block, { urgent: true })).toBe('kept')
    expect(a.line.writes).not.toContain('release')
  })

  it('of a superseded block needs its parent served by the owners of the parent, who may be this member', async () => {
    const { world, a } = await pair(make, { handoverDelay: '10s' })
    const [child, parent] = [blockOf(a.plugin, 'a'), blockOf(a.plugin, 'a', 1)]
    expect(await release(a, child, { superseding: meta(900) })).toBe('kept')
    expect(await release(a, child, { superseding: parent })).toBe('kept')
    await world.advance(14_000)
    expect(await release(a, child, { superseding: parent })).toBe('released')
    expect(world.advertised('a')).not.toContain(child.ulid)
  })

  it('needs all owners at two replicas, and one that is down does not count', async () => {
    const world = make()
    const [a, b, c] = await joined(world, 'bc', { handoverDelay: 0, replicas: 2 })
    const block = must(ALL.find(m => a.handover.owners(m)[2]?.member === 'a'))
    await serve(b, block)
    await world.advance(4_000)
    expect(await release(a, block)).toBe('kept')
    await serve(must(c), block)
    await world.advance(4_000)
    await c?.stop()
    await world.advance(500)
    expect(await release(a, block)).toBe('kept')
    expect(a.line.writes).not.toContain('release')
  })

  it('where the disk is short needs one other live member, at once; a last copy stays all the same', async () => {
    const world = make()
    const [a, , c] = await joined(world, 'bc')
    const block = blockOf(a.plugin, 'b')
    expect(await release(a, block, { urgent: true })).toBe('kept')
    await serve(must(c), block)
    await world.advance(4_000)
    expect(await release(a, block)).toBe('kept')
    expect(await release(a, block, { urgent: true })).toBe('released')
  })

  it('whose answer is lost is rejected: the block is served still, and claimed again', async () => {
    const { world, a, block } = await served(make)
    a.line.fault('release', 'lost')
    await expect(release(a, block)).rejects.toThrow('no answer')
    expect(world.advertised('a')).not.toContain(block.ulid)
    expect(a.handover.owners(block).find(o => o.member === 'a')?.serves).toBe(true)
    await world.advance(4_000)
    expect(world.advertised('a')).toContain(block.ulid)
    expect(await release(a, block)).toBe('released')
  })

  it('that lands late takes nothing away that was claimed since', async () => {
    const { world, a, block } = await served(make)
    a.line.fault('release', 'late')
    await expect(release(a, block)).rejects.toThrow('no answer')
    await world.advance(4_000)
    a.line.land()
    expect(world.advertised('a')).toContain(block.ulid)
  })

  it('takes the block out of the publish that follows', async () => {
    const { world, a, block } = await served(make)
    a.line.after('release', () => world.failOver())
    expect(await release(a, block)).toBe('released')
    await world.advance(8_000)
    expect(world.table.heartbeats().heartbeats.get('a')?.storeId).toBe('store-2')
    expect(world.advertised('a')).not.toContain(block.ulid)
  })

  it('whose signal aborts before the call keeps the block', async () => {
    const { world, a, block } = await served(make)
    const controller = new AbortController()
    const item = { id: block.ulid, superseding: block }
    const releasing = a.handover.release(item, a.plugin.epoch(block), controller.signal)
    controller.abort(new Error('over'))
    await expect(releasing).rejects.toThrow('over')
    expect(world.advertised('a')).toContain(block.ulid)
  })

  it('of one who does not know is kept: a store that is away drops nothing', async () => {
    const { world, a, block } = await served(make)
    a.line.away = true
    await world.advance(16_000)
    expect(await release(a, block)).toBe('kept')
    expect(a.line.writes).not.toContain('release')
  })

  it('does not count what was advertised before a failover until it was published again', async () => {
    const { world, a, b, block } = await served(make)
    b.line.away = true
    world.failOver()
    await world.advance(4_000)
    expect(await release(a, block)).toBe('kept')
    expect(a.line.writes).not.toContain('release')
    expect(world.advertised('a')).toContain(block.ulid)
    b.line.away = false
    await world.advance(8_000)
    expect(await release(a, block)).toBe('released')
  })
})

describe.each(PLUGINS)('a pending hand-off of %s', (_, make) => {
  it('is told by one change for exactly the blocks that can go now, in the same epoch', async () => {
    const { world, a, b } = await pair(make)
    const blocks = blocksOf(a.plugin, 'b').slice(0, 3)
    for (const block of blocks) expect(await release(a, block)).toBe('kept')
    await serve(b, ...blocks.slice(0, 2))
    const from = a.changes.length
    await world.advance(29_000)
    expect(a.changes).toHaveLength(from)
    await world.advance(5_000)
    expect(affected(a.changes, from)).toEqual([blocks.slice(0, 2).map(block => block.ulid)])
    expect(a.changes.at(-1)?.epoch).toBe(a.plugin.epoch())
  })

  it('is told again where nobody asked for half a minute, and not at every poll', async () => {
    const { world, a, b, block } = await pair(make, { handoverDelay: 0 })
    await release(a, block)
    await serve(b, block)
    const from = a.changes.length
    await world.advance(28_000)
    expect(affected(a.changes, from)).toEqual([[block.ulid]])
    await world.advance(8_000)
    expect(affected(a.changes, from)).toEqual([[block.ulid], [block.ulid]])
  })

  it('waits anew where the owner stopped serving in between, or this process did not poll', async () => {
    const { world, a, b, block } = await pair(make)
    await release(a, block)
    await serve(b, block)
    await world.advance(20_000)
    await drop(b, block)
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
  })

  it('waits for the owner that came last, and after maxPendingHandOff for the member that came first', async () => {
    const world = make()
    const options = { handoverDelay: '20s', replicas: 2, maxPendingHandOff: '55s' }
    const [a, ...others] = await joined(world, 'bcd', options)
    const [first, second] = ALL.filter(block => a.handover.owners(block)[3]?.member === 'a').map(block => {
      const owners = a.handover.owners(block).slice(0, 2)
      return { block, by: owners.map(({ member }) => must(others.find(({ id }) => id === member))) }
    })
    const asked = a.changes.length
    for (const { block } of [must(first), must(second)]) await release(a, block)
    const serveBoth = async ({ block, by }: NonNullable<typeof first>) => {
      await serve(must(by[0]), block)
      await world.advance(12_000)
      await serve(must(by[1]), block)
    }
    await serveBoth(must(first))
    await world.advance(14_000)
    expect(await release(a, must(first).block)).toBe('kept')
    await world.advance(12_000)
    expect(await release(a, must(first).block)).toBe('released')
    await serveBoth(must(second))
    await world.advance(13_500)
    expect(affected(a.changes, asked)).toEqual([[must(first).block.ulid], [must(second).block.ulid]])
    expect(await release(a, must(second).block)).toBe('released')
  })

  it('after maxPendingHandOff needs one other member that was seen for the handoverDelay; a last copy stays', async () => {
    const world = make()
    const [a, , c] = await joined(world, 'bc', { handoverDelay: '10s', maxPendingHandOff: '60s' })
    const [one, two] = [blockOf(a.plugin, 'b'), blockOf(a.plugin, 'b', 1)]
    await serve(must(c), one)
    for (const block of [one, two]) expect(await release(a, block)).toBe('kept')
    const from = a.changes.length
    await world.advance(59_000)
    for (const block of [one, two]) expect(await release(a, block)).toBe('kept')
    await world.advance(15_000)
    expect(affected(a.changes, from)).toEqual([[one.ulid]])
    expect(await release(a, one)).toBe('released')
    expect(await release(a, two)).toBe('kept')
  })

  it('is told when the wait is over, not at the next poll', async () => {
    const times = { handoverDelay: '5s', heartbeat: '20s', expireAfter: '60s' }
    const early = await pair(make, times)
    await release(early.a, early.block)
    await serve(early.b, early.block)
    const from = early.a.changes.length
    await early.world.advance(28_500)
    expect(affected(early.a.changes, from)).toEqual([[early.block.ulid]])

    const between = await pair(make, times)
    await serve(between.b, between.block)
    await between.world.advance(22_500)
    const since = between.a.changes.length
    expect(await release(between.a, between.block)).toBe('kept')
    await between.world.advance(5_500)
    expect(affected(between.a.changes, since)).toEqual([[between.block.ulid]])
  })
})

describe.each(PLUGINS)('members with %s', (_, make) => {
  it('hand all over where they drain, serve on, and have nothing in the end', async () => {
    const { world, a, b } = await pair(make, { handoverDelay: '5s' })
    world.table.drain('a', true)
    await world.advance(500)
    expect(a.handover.standing()).toBe('leaving')
    expect(blocksOf(a.plugin, 'b')).toHaveLength(200)
    const denied = { status: 'denied', reason: 'draining', owners: ['b'] }
    expect(await a.plugin.claim(meta(1), never)).toMatchObject(denied)
    for (const block of ALL) expect(await release(a, block)).toBe('kept')
    await serve(b, ...ALL)
    await world.advance(10_000)
    expect(await Promise.all(ALL.map(block => release(a, block)))).toEqual(ALL.map(() => 'released'))
    expect(world.advertised('a')).toEqual([])
  })

  it('have listeners that cannot hinder each other', async () => {
    const a = make().member('a')
    a.plugin.watch?.(() => {
      throw new Error('mine')
    })
    const seen: number[] = []
    a.plugin.watch?.(change => seen.push(change.epoch))
    await a.start()
    expect(seen.length).toBeGreaterThan(0)
    const told = a.host.lines.find(l => l.message === 'a listener of the members threw')
    expect(told?.fields.error).toBe('mine')
  })
})

it('releases go in as few calls as can carry them, and each is answered', async () => {
  const world = new World()
  const numbers = Array.from({ length: 3 * MAX_IDS }, (_, i) => i + 1)
  const a = await world.started('a', { handoverDelay: 0 }, ids(...numbers))
  const b = await world.started('b', { handoverDelay: 0 })
  await world.advance(500)
  const blocks = numbers.map(meta).filter(block => a.handover.owners(block).some(o => o.target && o.member === 'b'))
  expect(blocks.length).toBeGreaterThan(MAX_IDS)
  for (let at = 0; at < blocks.length; at += MAX_IDS) await serve(b, ...blocks.slice(at, at + MAX_IDS))
  await world.advance(4_000)
  expect(await Promise.all(blocks.map(block => release(a, block)))).toEqual(blocks.map(() => 'released'))
  expect(a.line.writes.filter(write => write === 'release')).toHaveLength(2)
})

it('a block waits anew for an owner that was none in between (hash-ring: drained, and back to the same blocks)', async () => {
  const world = new World()
  const options = { handoverDelay: '20s' }
  const [a, b, c] = await joined(world, 'bc', options)
  const block = must(ALL.find(m => `${a.handover.owners(m).map(({ member }) => member)}`.startsWith('c,b')))
  const gone = async (member = must(c)) => {
    await member.stop()
    await world.advance(500)
    world.table.forget('c', world.table.entries().members.get('c')?.changed ?? 0)
    await world.advance(500)
  }
  await gone()
  await serve(b, block)
  await world.advance(4_000)
  expect(await release(a, block)).toBe('kept')
  const again = await world.started('c', options)
  await world.advance(16_000)
  expect(await release(a, block)).toBe('kept')
  await drop(b, block)
  await world.advance(4_000)
  await serve(b, block)
  await gone(again)
  await world.advance(4_000)
  expect(await release(a, block)).toBe('kept')
  expect(a.line.writes).not.toContain('release')
  await world.advance(20_000)
  expect(await release(a, block)).toBe('released')
})

describe.each(PLUGINS)('next() of %s', (_, make) => {
  it('says which member a block would come from: it comes here when that one drains, or is down', async () => {
    for (const goes of ['drains', 'crashes']) {
      const world = make()
      const [a, b, c] = (await joined(world, 'bc')) as [TestMember, TestMember, TestMember]
      await world.advance(60_000)
      const nextOf = (member: TestMember) => ALL.filter(block => member.handover.next?.(block)?.includes('a'))
      const [toB, toC] = [nextOf(b), nextOf(c)]
      const had = ALL.filter(block => a.handover.owners(block).some(({ member, target }) => target && member === 'a'))
      expect(had.length).toBeGreaterThan(0)
      expect([...toB, ...toC].map(block => block.ulid).toSorted()).toEqual(had.map(block => block.ulid).toSorted())
      expect(ALL.map(block => a.handover.next?.(block)?.includes('a') ?? false)).not.toContain(true)
      if (goes === 'drains') world.table.drain('a', true)
      else {
        world.kill(a)
        world.expire('a')
      }
      await world.advance(500)
      for (const [member, blocks] of [
        [b, toB],
        [c, toC],
      ] as const) {
        // Locks are taken one after another, and by shares: until then the failover owner has the block, which next() knows.
        if (goes === 'drains' && member.plugin.name === 'redlock') continue
        for (const block of blocks) {
          expect(member.handover.owners(block).find(({ target, live }) => target && live)?.member).toBe(member.id)
          expect(member.handover.next?.(block)).toBeUndefined()
        }
      }
      world.table.drain('b', true)
      await world.advance(500)
      expect(ALL.map(block => b.handover.next?.(block))).toEqual(ALL.map(() => undefined))
    }
  })

  it('says nothing before the start, of what is its own, and while the store is away', async () => {
    const { world, a, b, block } = await pair(make)
    expect(world.member('x').handover.next?.(block)).toBeUndefined()
    expect([a.handover.next?.(block), b.handover.next?.(block)]).toEqual([['b'], undefined])
    a.line.away = true
    await world.advance(60_000)
    expect(a.handover.next?.(block)).toBeUndefined()
  })
})
