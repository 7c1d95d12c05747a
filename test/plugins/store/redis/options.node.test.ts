import type { BlockId } from 'blockgate'
import { redisStore } from 'blockgate/plugins/store/redis'
import { testId } from 'blockgate/testing'
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'

describe('options of redisStore()', () => {
  it('may be a URL or a client', () => {
    for (const url of ['redis://h', 'rediss://u:p@h:1/2', 'redis://:p@[::1]:6379/', undefined]) {
      const client = url === undefined ? new Redis({ lazyConnect: true }) : undefined
      expect(redisStore({ cluster: 'a', url, client }).check?.(), url).toEqual([])
    }
  })

  it('are refused by name', () => {
    const problems = (options: object) =>
      redisStore(options as never)
        .check?.()
        .map(({ path, must }) => [path, must])
    const client = new Redis({ lazyConnect: true })
    expect(problems({ cluster: 'a b', url: 'redis://h' })).toEqual([['cluster', 'be 1 to 128 of A-Z a-z 0-9 . _ -']])
    expect(problems({ cluster: '{x}', url: 'redis://h' })).toHaveLength(1)
    expect(problems({ url: 'redis://h' })).toEqual([['cluster', 'be given']])
    expect(problems({ cluster: 'a' })).toEqual([['url', 'be given, or client']])
    expect(problems({ cluster: 'a', url: 'redis://h', client })).toEqual([
      ['url', 'be left out: the client has its own'],
    ])
    for (const url of ['http://h', 'redis://', 'h:6379', 'redis://h/x', 'redis://h?db=1', 'redis://u:%zz@h'])
      expect(problems({ cluster: 'a', url }), url).toHaveLength(1)
    expect(problems({ cluster: 'a', url: 'redis://h', commandTimeout: 1 })).toEqual([['commandTimeout', 'be >= 10 ms']])
    const shards = { options: {}, isCluster: true, duplicate() {} }
    expect(problems({ cluster: 'a', client: shards })).toHaveLength(1)
    expect(redisStore(undefined as never).check?.()).not.toEqual([])
  })

  it('show no user and no password', () => {
    const problems = redisStore({ cluster: 'a', url: 'http://u:p@ss@h' }).check?.()
    expect(problems?.map(({ value }) => value)).toEqual(['…@h'])
  })

  it('refuse ids of members and blocks before Redis is asked', async () => {
    const store = redisStore({ cluster: 'a', url: 'redis://127.0.0.1:1' })
    const stamp = { id: 'a*', incarnation: 1, sequence: 1 }
    const refused = [
      store.advertised('a}b'),
      store.forget('', 1),
      store.evict('a b', 1),
      store.drain('x'.repeat(129), true),
      store.leave(stamp),
      store.serve(stamp, { added: [], dropped: [] }),
      store.expire('a', { incarnation: 1, sequence: 1 }, { max: 1, windowMs: 1 }, 'b c'),
    ]
    for (const step of refused) await expect(step).rejects.toMatchObject({ code: 'invalid-member' })
    const many = Array.from({ length: 501 }, (_, i) => testId(i))
    const add = store.serve({ id: 'a', incarnation: 1, sequence: 1 }, { added: many as BlockId[], dropped: [] })
    await expect(add).rejects.toMatchObject({ code: 'stage-misuse' })
  })
})
