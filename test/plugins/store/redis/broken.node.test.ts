import { BlockSet } from 'blockgate'
import { testId } from 'blockgate/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import type { RedisServer } from '../../../support/redis.ts'
import { joining, member, servers, stores } from './stores.ts'

const RECORDS = 'blockgate:{test}:members'
const BEATS = 'blockgate:{test}:heartbeats'
const META = 'blockgate:{test}:meta'

describe('entries that somebody broke, seen by redisStore()', () => {
  const open = stores()
  const started = servers()
  let redis: RedisServer
  beforeEach(async () => {
    redis = await started()
  })

  const broken = [
    ...['', '[]', 'null', '{', '"x"', '[[[[', '{"incarnation":1e999}'],
    JSON.stringify({
      state: 'active',
      placed: true,
      draining: false,
      incarnation: 12,
      changed: '1',
      process: '',
      fingerprint: '',
      bucket: '',
    }),
  ]

  it('leaves them out, counts them, and works on for all others', async () => {
    const store = await open({ url: redis.url })
    const [a, b] = [await member(store, 'a'), await member(store, 'b')]
    for (const [i, text] of broken.entries()) {
      await redis.command('HSET', RECORDS, `x${i}`, text)
      await redis.command('HSET', BEATS, `x${i}`, text)
    }
    await redis.command('HSET', RECORDS, 'not an id', String(await redis.command('HGET', RECORDS, 'a')))
    const record = await store.entries()
    expect([[...record.members.keys()], record.broken]).toEqual([['a', 'b'], broken.length + 1])
    const heartbeats = await store.heartbeats()
    expect([[...heartbeats.heartbeats.keys()], heartbeats.broken]).toEqual([['a', 'b'], broken.length])
    for (const each of [a, b]) await each.serves()
    expect([await a.releases(['b', 'x1']), await a.releases(['b'])]).toEqual([[], [testId(1)]])
    expect(await store.expire('x1', { incarnation: 0, sequence: 0 }, { max: 1, windowMs: 1000 }, 'a')).toBe('gone')
    expect(await store.drain('x1', true)).toBe(false)
    expect(await store.join(joining('x1'))).toMatchObject({ status: 'joined' })
  })

  it('has a member join again whose own record or heartbeat is broken, so that it mends it', async () => {
    const store = await open({ url: redis.url })
    for (const key of [RECORDS, BEATS]) {
      const a = await member(store, 'a', {
        process: key,
        replaces: (await store.entries()).members.get('a')?.incarnation ?? 0,
      })
      await redis.command('HSET', key, 'a', '{"incarnation":"1"}')
      expect(await store.serve(a.next(), { added: [testId(1)], dropped: [] })).toBe('missing')
      const again = joining('a', { process: key, incarnation: a.incarnation, sequence: 99 })
      expect(await store.join(again)).toMatchObject({ status: 'joined', incarnation: a.incarnation })
      expect([(await store.entries()).broken, (await store.heartbeats()).broken]).toEqual([0, 0])
    }
  })

  it('sends no placement that is too long, and takes one without a version for none', async () => {
    const store = await open({ url: redis.url })
    const a = await member(store, 'a')
    const { epoch } = await store.entries()
    await store.publishPlacement(a.next(), { decidedIn: epoch, text: 'x' })
    await redis.command('HSET', META, 'placement-text', 'x'.repeat(131_073))
    expect((await store.entries()).placement).toMatchObject({ text: '' })
    await redis.command('HSET', META, 'placement', 'x')
    expect((await store.entries()).placement).toBeUndefined()
  })

  it('sets a member down whose heartbeat nobody can read', async () => {
    const store = await open({ url: redis.url })
    const a = await member(store, 'a')
    await redis.command('HSET', BEATS, 'a', 'x')
    const limit = { max: 1, windowMs: 1000 }
    expect(await store.expire('a', { incarnation: a.incarnation - 1, sequence: 0 }, limit, 'b')).toBe('moved')
    expect(await store.expire('a', { incarnation: a.incarnation, sequence: 0 }, limit, 'b')).toBe('expired')
  })

  it('goes by no heartbeat that is not of its record', async () => {
    const store = await open({ url: redis.url })
    const [a, b] = [await member(store, 'a'), await member(store, 'b')]
    for (const each of [a, b]) await each.serves()
    const heartbeat = JSON.parse(String(await redis.command('HGET', BEATS, 'b')))
    await redis.command('HSET', BEATS, 'b', JSON.stringify({ ...heartbeat, incarnation: String(b.incarnation - 1) }))
    expect(await store.serve(b.next(), { added: [testId(2)], dropped: [] })).toBe('missing')
    expect(await a.releases(['b'])).toEqual([])
  })

  it('counts statistics that are not what they must be, and keeps the heartbeat', async () => {
    const store = await open({ url: redis.url })
    const a = await member(store, 'a')
    await store.heartbeat(a.next(), { storeId: '', stats: { bytes: -1 } as never, seen: 0 })
    const { heartbeats, broken } = await store.heartbeats()
    expect([heartbeats.get('a')?.sequence, heartbeats.get('a')?.stats, broken]).toEqual([2, undefined, 1])
  })

  it('starts again from the clock where the epoch itself is broken', async () => {
    const store = await open({ url: redis.url })
    await member(store, 'a')
    for (const text of ['x', '-1', '1e15', '9007199254740991', '99999999999999999']) {
      await redis.command('HSET', META, 'epoch', text)
      expect(await store.entries(), text).toMatchObject({ epoch: 0, broken: 1 })
    }
    await store.freeze(true)
    expect((await store.entries()).epoch).toBeGreaterThan(1e15)
  })

  it('leaves out of what is advertised what is no block id', async () => {
    const store = await open({ url: redis.url })
    const a = await member(store, 'a')
    await store.serve(a.next(), { added: [testId(1)], dropped: [] })
    await redis.command('SADD', 'blockgate:{test}:advertised:a', '../x')
    expect(await store.advertised('a')).toEqual(new BlockSet([testId(1)]))
  })

  it('does not count an expiry that is no time, and keeps a thousand of them', async () => {
    const store = await open({ url: redis.url })
    await redis.command('RPUSH', 'blockgate:{test}:expiries', 'x', ...Array.from({ length: 1100 }, () => '1'))
    const a = await member(store, 'a')
    const limit = { max: 1, windowMs: 1000 }
    expect(await store.expire('a', { incarnation: a.incarnation, sequence: 1 }, limit, 'b')).toBe('expired')
    expect(await redis.command('LLEN', 'blockgate:{test}:expiries')).toBe(1000)
    await store.join(joining('a', { incarnation: a.incarnation, sequence: 2 }))
    expect(await store.expire('a', { incarnation: a.incarnation, sequence: 2 }, limit, 'b')).toBe('refused')
    // A thousand young ones are all that is kept: nobody knows how many more there were.
    await redis.command('DEL', 'blockgate:{test}:expiries')
    await redis.command('RPUSH', 'blockgate:{test}:expiries', ...Array.from({ length: 1000 }, () => '1'))
    const many = { max: 2000, windowMs: 1e15 }
    expect(await store.expire('a', { incarnation: a.incarnation, sequence: 2 }, many, 'b')).toBe('refused')
  })
})
