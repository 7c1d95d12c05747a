import type { SlotStore } from 'blockgate/members'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../../../support/redis.ts'
import { dump, PREFIX, STEPS, seeded, type World } from './steps.ts'
import { stores } from './stores.ts'

describe('a step of redisStore() that fails in the middle', () => {
  const open = stores()
  let redis: RedisServer
  let store: SlotStore
  let world: World
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  beforeEach(async () => {
    await redis.command('FLUSHALL')
    store = await open({ url: redis.url })
    world = await seeded(store)
  })

  it.each(STEPS)('is one that works: $name', async step => {
    const before = await dump(redis)
    await step.run(store, world)
    const after = await dump(redis)
    const changed = [...new Set([...before.keys(), ...after.keys()])].filter(key => before.get(key) !== after.get(key))
    expect(changed.sort()).toEqual(step.writes.map(key => PREFIX + key).sort())
  })

  const wrong = STEPS.flatMap(step => [...step.writes, ...(step.reads ?? [])].map(key => ({ ...step, key })))
  it.each(wrong)('has written nothing where $key is of another type: $name', async ({ run, key }) => {
    await redis.command('DEL', PREFIX + key)
    await redis.command('SET', PREFIX + key, 'x')
    const before = await dump(redis)
    const error = await run(store, world).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({ code: 'ownership-unavailable' })
    expect(String(error)).toMatch(
      new RegExp(`WRONGTYPE key "${PREFIX}${key}" must be a (hash|set|list): current value is a string`),
    )
    expect(await dump(redis)).toEqual(before)
  })
})
