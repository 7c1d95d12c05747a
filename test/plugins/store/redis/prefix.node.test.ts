import type { SlotStore } from 'blockgate/members'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../../../support/redis.ts'
import { claimsIn, dump, PREFIX, STEPS, seeded, type World } from './steps.ts'
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

  const denied = STEPS.flatMap(step => ['publish', ...step.commands].map(command => ({ ...step, command })))
  it.each(denied)('only took claims away where $command is refused: $name', async ({ run, name, command, writes }) => {
    const before = await claimsIn(store)
    await redis.command('ACL', 'SETUSER', 'limited', 'reset', 'on', '>x', '~*', '&*', '+@all', `-${command}`)
    const limited = await open({ url: redis.url.replace('//', '//limited:x@') })
    if (command === 'publish' && (name === 'fence' || !writes.includes('meta'))) {
      await run(limited, world)
      return
    }
    await expect(run(limited, world)).rejects.toMatchObject({ code: 'ownership-unavailable' })
    const after = await claimsIn(store)
    for (const [id, ids] of after)
      expect(
        [...ids].filter(block => !before.get(id)?.has(block)),
        id,
      ).toEqual([])
    const { epoch, broken } = await store.entries()
    expect(broken).toBe(0)
    if (command === 'publish') expect(after).toEqual(before)
    // A forgotten member whose record could not be taken away has nothing left that counts; all else raises last or not at all.
    if (name === 'forget' && command === 'hdel') expect(epoch).toBeGreaterThan(world.epoch)
    else expect(epoch).toBe(world.epoch)
  })
})
