/** Cases of members: join and leave, expire, evict and forget, drain and freeze. What is refused is in refusals.ts. */
import { BlockSet } from 'blockgate'
import { expect } from 'vitest'
import { A, ANY_NUMBER, B, type Cases, STATS } from './subject.ts'

export const MEMBERS: Cases = {
  'a store that nobody joined knows nothing, and is not frozen': async ({ store }) => {
    const { members, frozen, broken, cause } = await store.entries()
    expect({ members, frozen, broken, cause }).toEqual({ members: new Map(), frozen: false, broken: 0, cause: '' })
    expect((await store.heartbeats()).heartbeats).toEqual(new Map())
    expect(await store.advertised('a')).toEqual(new BlockSet())
  },
  'a first join writes entry and heartbeat, with the epoch that it made as the incarnation': async s => {
    const texts = {
      zone: 'zone-1',
      address: 'http://[::1]:80/?a=b',
      fingerprint: '{"replicas":2}',
      bucket: 's3://größe',
    }
    const reply = await s.process('a').joined(texts)
    const { epoch, storeId } = await s.store.entries()
    expect(reply).toEqual({ status: 'joined', incarnation: epoch, epoch, storeId, draining: false })
    const states = { state: 'active', placed: true, draining: false, incarnation: epoch, changed: epoch }
    expect(await s.entry('a')).toEqual({ id: 'a', ...texts, process: 'a-1', ...states })
    const { age, version: _, ...heartbeat } = await s.heartbeat('a')
    expect(heartbeat).toEqual({ incarnation: epoch, sequence: 1, storeId: '', stats: undefined })
    expect(age).toBeGreaterThanOrEqual(0)
  },
  'a repeated first join of one process gets its first incarnation again, in a later epoch': async s => {
    const a = s.process('a')
    const first = await a.joined()
    const second = await a.joined({ incarnation: 0, replaces: 7 })
    expect(second.incarnation).toBe(first.incarnation)
    expect(second.epoch).toBeGreaterThan(first.epoch)
    expect((await s.entry('a')).changed).toBe(second.epoch)
  },
  'a new process gets a larger incarnation, and takes place and blocks of the old one': async s => {
    const old = await s.member('a', [A])
    const next = s.process('a', 'a-2')
    const { incarnation } = await next.joined({ replaces: old.incarnation })
    expect(incarnation).toBeGreaterThan(old.incarnation)
    expect(await next.served()).toEqual([])
    expect((await s.entry('a')).process).toBe('a-2')
    expect(await old.serve([A])).toBe('superseded')
  },
  'a member that was unhealthy joins again as the same incarnation, and must tell all again': async s => {
    const a = await s.member('a', [A, B])
    await a.heartbeat({ stats: STATS })
    await s.expire('a')
    expect((await a.joined()).incarnation).toBe(a.incarnation)
    expect(await s.state('a')).toMatchObject({ state: 'active', changedNow: true })
    expect(await a.served()).toEqual([])
    expect(await s.heartbeat('a')).toMatchObject({ storeId: '', stats: undefined })
  },
  'a member that the store does not know joins again with its own incarnation': async s => {
    const a = s.process('a')
    a.incarnation = 12_345
    const { incarnation, epoch } = await a.joined({ seen: 12_345 })
    expect(incarnation).toBe(12_345)
    expect(epoch).toBeGreaterThan(incarnation)
    expect([await a.serve([A]), await a.served()]).toEqual(['ok', [A]])
  },
  'a process takes its place back from an older one that a store which lost writes still knows': async s => {
    const older = await s.member('a', [A])
    const newer = s.process('a', 'a-2')
    newer.incarnation = older.incarnation + 5
    expect((await newer.joined({ seen: newer.incarnation })).incarnation).toBe(older.incarnation + 5)
    expect(await newer.served()).toEqual([])
    expect(await older.join()).toEqual({ status: 'superseded' })
  },
  'a join writes what the process says of itself now': async s => {
    const a = await s.member('a')
    const texts = { zone: 'zone-2', address: '10.0.0.2:80', fingerprint: 'other fingerprint', bucket: 'other bucket' }
    await a.joined(texts)
    expect(await s.entry('a')).toMatchObject(texts)
  },
  'members on two buckets: only where one is down, or has no identity': async s => {
    const a = await s.member('a')
    expect((await s.process('b').join({ bucket: '' })).status).toBe('joined')
    expect((await s.process('c').join()).status).toBe('joined')
    for (const id of ['a', 'c']) await s.expire(id)
    expect((await s.process('d').join({ bucket: 'other' })).status).toBe('joined')
    expect(await a.join()).toEqual({ status: 'other-bucket', member: 'd', bucket: 'other' })
  },
  'leave takes all blocks away and makes the member unhealthy, once': async s => {
    const a = await s.member('a', [A, B])
    expect(await a.leave()).toBe('ok')
    expect(await s.state('a')).toEqual({ state: 'down', placed: true, draining: false, changedNow: true })
    expect(await a.served()).toEqual([])
    const { changed } = await s.entry('a')
    expect(await a.leave()).toBe('ok')
    expect((await s.entry('a')).changed).toBe(changed)
  },
  'expire makes a member unhealthy whose heartbeat is still the one seen': async s => {
    const a = await s.member('a', [A])
    expect(await s.store.expire('a', a, ANY_NUMBER, 'b')).toBe('expired')
    expect(await s.state('a')).toEqual({ state: 'down', placed: true, draining: false, changedNow: true })
    expect((await s.heartbeat('a')).sequence).toBe(a.sequence)
  },
  'expire is refused at the limit, whoever expired the others, and through whichever client': async s => {
    const [a, b, c] = [await s.member('a'), await s.member('b'), await s.member('c')]
    const limit = { max: 2, windowMs: 600_000 }
    expect(await s.store.expire('a', a, limit, 'd')).toBe('expired')
    expect(await s.other.expire('b', b, limit, 'e')).toBe('expired')
    await s.refused(() => s.store.expire('c', c, limit, 'd'), 'refused')
    await s.refused(() => s.other.expire('c', c, limit, 'f'), 'refused')
    expect(await s.store.expire('c', c, { ...limit, max: 3 }, 'd')).toBe('expired')
  },
  'the limit counts a member again that came back in between': async s => {
    const a = await s.member('a')
    const limit = { max: 1, windowMs: 600_000 }
    expect(await s.store.expire('a', a, limit, 'b')).toBe('expired')
    await a.joined()
    expect(await s.store.expire('a', a, limit, 'b')).toBe('refused')
  },
  'the limit counts no expiry that is as old as the window, and no attempt that failed': async s => {
    const [a, b] = [await s.member('a'), await s.member('b')]
    const limit = { max: 1, windowMs: 600_000 }
    for (const sequence of [0, 1]) expect(await s.store.expire('a', { ...a, sequence }, limit, 'c')).toBe('moved')
    expect(await s.store.expire('a', a, limit, 'c')).toBe('expired')
    expect(await s.store.expire('b', b, limit, 'c')).toBe('refused')
    await s.pass(5, 'b')
    expect(await s.store.expire('b', b, { max: 1, windowMs: 5 }, 'c')).toBe('expired')
  },
  'evict takes the place of a member that is down since that epoch, until it joins again': async s => {
    const a = await s.member('a', [A])
    await s.expire('a')
    expect(await s.evict('a')).toBe(true)
    expect(await s.state('a')).toEqual({ state: 'down', placed: false, draining: false, changedNow: true })
    await a.joined()
    expect(await s.state('a')).toMatchObject({ state: 'active', placed: true })
  },
  'forget removes a member that is down since that epoch, with heartbeat and blocks': async s => {
    const a = await s.member('a', [A])
    const b = await s.member('b', [A])
    await s.expire('a')
    await s.evict('a')
    expect(await s.forget('a')).toBe(true)
    expect([...(await s.store.entries()).members.keys()]).toEqual(['b'])
    expect([...(await s.store.heartbeats()).heartbeats.keys()]).toEqual(['b'])
    expect([await a.served(), await b.served()]).toEqual([[], [A]])
    expect([await a.serve([A]), await a.served()]).toEqual(['missing', []])
    expect([(await a.joined()).incarnation, await a.served()]).toEqual([a.incarnation, []])
  },
  'drain makes a member leaving, which keeps place and blocks, until it is taken back': async s => {
    const a = await s.member('a', [A])
    expect(await s.store.drain('a', true)).toBe(true)
    expect(await s.state('a')).toEqual({ state: 'leaving', placed: true, draining: true, changedNow: true })
    expect([await a.served(), await a.serve([], [A])]).toEqual([[A], 'ok'])
    expect(await s.store.drain('a', false)).toBe(true)
    expect(await s.state('a')).toEqual({ state: 'active', placed: true, draining: false, changedNow: true })
  },
  'a drain outlives that the member is down, and its process, and is forgotten with the member': async s => {
    const a = await s.member('a')
    await s.store.drain('a', true)
    await a.leave()
    expect(await s.state('a')).toMatchObject({ state: 'down', draining: true, placed: true })
    expect((await a.joined()).draining).toBe(true)
    expect(await s.state('a')).toMatchObject({ state: 'leaving', draining: true, placed: true })
    const next = s.process('a', 'a-2')
    expect((await next.joined({ replaces: a.incarnation })).draining).toBe(true)
    expect((await s.state('a')).state).toBe('leaving')
    await s.expire('a')
    await s.evict('a')
    expect(await s.state('a')).toMatchObject({ state: 'down', draining: true, placed: false })
    await s.forget('a')
    expect((await next.joined()).draining).toBe(false)
  },
  'drain of a member that is down is stored, and brings nobody back': async s => {
    const a = await s.member('a')
    await s.expire('a')
    await s.store.drain('a', true)
    expect(await s.state('a')).toEqual({ state: 'down', draining: true, placed: true, changedNow: true })
    await s.store.drain('a', false)
    expect(await s.state('a')).toEqual({ state: 'down', draining: false, placed: true, changedNow: true })
    expect((await a.joined()).draining).toBe(false)
  },
  'freeze is in every view, for every client, until it is taken back': async s => {
    const a = await s.member('a')
    for (const on of [true, false]) {
      await s.store.freeze(on)
      const views = [await s.store.entries(), await s.other.entries(), await s.other.heartbeats(), await a.heartbeat()]
      expect(views.map(({ frozen }) => frozen)).toEqual([on, on, on, on])
    }
  },
  'members join, heartbeat, serve, drain, leave and are forgotten while frozen': async s => {
    await s.store.freeze(true)
    const a = await s.member('a', [A])
    expect(await s.store.drain('a', true)).toBe(true)
    expect([await a.served(), await a.leave(), await a.served()]).toEqual([[A], 'ok', []])
    expect((await a.joined()).draining).toBe(true)
    await a.leave()
    expect(await s.forget('a')).toBe(true)
  },
}
