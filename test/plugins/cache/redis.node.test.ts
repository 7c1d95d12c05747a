import { codeOf, type Services } from 'blockgate'
import { redisCache } from 'blockgate/plugins/cache/redis'
import { nodeHost } from 'blockgate/runtime/node'
import { fakeHost, services, testCache } from 'blockgate/testing'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../../support/redis.ts'

const { signal } = new AbortController()
const PATIENT = '2m'
let redis: RedisServer
let prefixes = 0
beforeAll(async () => {
  redis = await startRedis({ args: ['--maxmemory', '16mb', '--maxmemory-policy', 'allkeys-lru'] })
})
afterAll(() => redis.stop())

const real = (): Services => services({ host: { ...nodeHost(), log: fakeHost().log } })
const value = Uint8Array.of(0, 10, 13, 255)
const ENTRY = { key: 'block/index:1', kind: 'chunk', value } as const

/** Asked until the connection stands. */
function connected(options: Partial<Parameters<typeof redisCache>[0]> = {}) {
  return redisCache({ url: redis.url, prefix: `p${++prefixes}:`, commandTimeout: PATIENT, ...options })
}

async function started(options?: Parameters<typeof connected>[0]) {
  const cache = connected(options)
  await cache.start?.(real())
  await answers(cache)
  return cache
}

async function answers(cache: ReturnType<typeof redisCache>): Promise<void> {
  for (;;) {
    try {
      await cache.get(['nothing'], signal)
      return
    } catch (error) {
      if (codeOf(error) !== 'cache-failed') throw error
      await nodeHost().nextTurn()
    }
  }
}

testCache(
  { describe, it },
  {
    name: 'redisCache()',
    // A start does not wait for the connection; these cases do.
    factory() {
      const cache = connected()
      return {
        ...cache,
        async start(given) {
          await cache.start?.(given)
          await answers(cache)
        },
      }
    },
    services: real,
    invalid: [
      () => redisCache({}),
      () => redisCache({ url: 'http://127.0.0.1' }),
      () => redisCache({ url: 'redis://h', prefix: 'a b' }),
      () => redisCache({ url: 'redis://h', ttl: '10ms' }),
      () => redisCache({ url: 'redis://h', commandTimeout: 1 }),
    ],
    async damage() {
      const keys = (await redis.command('KEYS', `p${prefixes}:*`)) as string[]
      for (const key of keys) await redis.command('SETRANGE', key, 12, 'damaged')
    },
  },
)

describe('redisCache()', () => {
  it('shares its values with the gateways of its prefix alone, for its ttl', async () => {
    const prefix = 'shared:'
    const caches = await Promise.all([started({ prefix }), started({ prefix, ttl: '1h' }), started()])
    const [first, second, other] = caches
    await first?.put([ENTRY])
    expect(await second?.get([ENTRY.key], signal)).toEqual([value])
    expect(await other?.get([ENTRY.key], signal)).toEqual([undefined])
    const ttl = Number(await redis.command('PTTL', `${prefix}${ENTRY.key}`))
    expect(ttl).toBeGreaterThan(23 * 3_600_000)
    expect(ttl).toBeLessThanOrEqual(24 * 3_600_000)
    await second?.put([{ ...ENTRY, key: 'hour' }])
    expect(Number(await redis.command('PTTL', `${prefix}hour`))).toBeLessThanOrEqual(3_600_000)
    for (const cache of caches) await cache.stop?.(signal)
  })

  it('leaves it to Redis what goes: no more than its maxmemory is kept', async () => {
    const cache = await started()
    const large = new Uint8Array(256 * 1024)
    const keys = Array.from({ length: 128 }, (_, i) => `large:${i}`)
    for (const key of keys) await cache.put([{ key, kind: 'chunk', value: large }])
    const kept = (await cache.get(keys, signal)).filter(found => found)
    expect(kept.length).toBeGreaterThan(0)
    expect(kept.length).toBeLessThan(64)
    await cache.stop?.(signal)
  })

  it('takes a client, and does not put a value of more than 8 MiB', async () => {
    const client = new Redis({ host: '127.0.0.1', port: redis.port, lazyConnect: true })
    const cache = await started({ url: undefined, client })
    await cache.put([{ key: 'huge', kind: 'postings', value: new Uint8Array(8 * 1024 ** 2 + 1) }, ENTRY])
    expect(await cache.get(['huge', ENTRY.key], signal)).toEqual([undefined, value])
    await cache.stop?.(signal)
    client.disconnect()
  })

  it('starts where there is no Redis, fails with its place and without its password, and works when one is there', async () => {
    const server = await startRedis()
    const cache = connected({ url: `redis://:hunter2@127.0.0.1:${server.port}` })
    await server.stop()
    await cache.start?.(real())
    const failure = await Promise.resolve(cache.get(['a'], signal)).then(
      () => expect.fail('it must fail'),
      (error: Error) => error,
    )
    expect([codeOf(failure), failure.message.includes('hunter2')]).toEqual(['cache-failed', false])
    expect(failure.message).toContain(`127.0.0.1:${server.port}`)
    await cache.stop?.(signal)
    await expect(cache.get(['a'], signal)).rejects.toThrow('must be started')
  })

  it('comes back by itself', async () => {
    const server = await startRedis()
    const cache = await started({ url: server.url })
    await cache.put([ENTRY])
    await server.restartEmpty()
    await answers(cache)
    expect(await cache.get([ENTRY.key], signal)).toEqual([undefined])
    await cache.stop?.(signal)
    await server.stop()
  })
})
