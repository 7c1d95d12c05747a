/** The clock of Redis that stepped back: what was written before it lies in the future. */
import { BlockSet } from 'blockgate'
import { testId } from 'blockgate/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import type { RedisServer } from '../../../support/redis.ts'
import { joining, member, servers, stores } from './stores.ts'

const HOUR = 3_600_000
const BEATS = 'blockgate:{test}:heartbeats'
const META = 'blockgate:{test}:meta'
const EXPIRIES = 'blockgate:{test}:expiries'

describe('redisStore() whose clock stepped back', () => {
  const open = stores()
  const started = servers()
  let redis: RedisServer
  beforeEach(async () => {
    redis = await started()
  })

  it('releases nothing for a heartbeat that lies in the future, and tells no age of it', async () => {
    const store = await open({ url: redis.url })
    const [a, b] = [await member(store, 'a'), await member(store, 'b')]
    for (const each of [a, b]) await each.serves()
    const release = () => a.releases(['b'], { freshMs: 10 * HOUR })
    const heartbeat = JSON.parse(String(await redis.command('HGET', BEATS, 'b')))
    const put = (at: number) => redis.command('HSET', BEATS, 'b', JSON.stringify({ ...heartbeat, at: String(at) }))

    await put(Number(heartbeat.at) + HOUR)
    expect((await store.heartbeats()).heartbeats.get('b')?.age).toBe(0)
    expect(await release()).toEqual([])
    expect(await store.advertised('a')).toEqual(new BlockSet([testId(1)]))

    await put(Number(heartbeat.at) - HOUR)
    expect(await release()).toEqual([testId(1)])
  })

  it('does not count an expiry that lies in the future', async () => {
    const store = await open({ url: redis.url })
    const a = await member(store, 'a')
    const limit = { max: 1, windowMs: HOUR }
    const expire = () => store.expire('a', { incarnation: a.incarnation, sequence: 1 }, limit, 'b')
    const seconds = Number(((await redis.command('TIME')) as readonly string[])[0])

    await redis.command('LPUSH', EXPIRIES, String(seconds * 1000))
    expect(await expire()).toBe('refused')
    await redis.command('DEL', EXPIRIES)
    await redis.command('LPUSH', EXPIRIES, String(seconds * 1000 + 10 * HOUR))
    expect(await expire()).toBe('expired')
  })
  it('still gives versions of slots and of advertised blocks that were never there', async () => {
    const store = await open({ url: redis.url })
    const a = await member(store, 'a')
    const later = Number(((await redis.command('TIME')) as readonly string[])[0]) * 1e6 + HOUR * 1000
    await redis.command('HSET', META, 'slots', String(later))
    const fence = await store.fence()
    expect(await store.hold(a.next(), { ranks: [{ slot: 1, rank: 0 }], fence, give: false })).toMatchObject({
      status: 'ok',
    })
    expect((await store.slots(undefined))?.version).toBe(later + 1)

    const heartbeat = JSON.parse(String(await redis.command('HGET', BEATS, 'a')))
    await redis.command('HSET', BEATS, 'a', JSON.stringify({ ...heartbeat, version: String(later) }))
    await store.join(joining('a', { incarnation: a.incarnation, sequence: 99 }))
    expect((await store.heartbeats()).heartbeats.get('a')?.version).toBe(later + 1)
  })
})
