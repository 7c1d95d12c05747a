import type { SlotStore } from 'blockgate/members'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../../../support/redis.ts'
import { recordsIn, slotsAfter } from '../../../support/slot-views.ts'
import { cutAt, cutStore, runOn } from './cut.ts'
import { advertisedIn, dump, PREFIX, STEPS, type Step, seeded } from './steps.ts'
import { stores } from './stores.ts'

describe('a script of redisStore()', () => {
  const open = stores()
  let redis: RedisServer
  let store: SlotStore
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  it.each(STEPS)('leaves what it may wherever it is cut: $name', async step => {
    store = await open({ url: redis.url })
    const cuts: Awaited<ReturnType<typeof cut>>[] = []
    do cuts.push(await cut(step, cuts.length))
    while (cuts.at(-1)?.command !== undefined)
    const writes = cuts.map(({ command }) => command)
    expect(writes.length).toBeGreaterThan(step.writes.length)
    // Who may not publish is refused before anything is written.
    expect(writes.lastIndexOf('PUBLISH')).toBeLessThan(1)
    // Claims go, and an expiry counts, before the epoch moves: one of the other order would be believed without them.
    for (const { raised, left } of cuts) if (raised) expect(left).toEqual(cuts.at(-1)?.left)
  })

  it('tells the mark of the slots alone to one who knows it, and only what came after to one who knows an older one', async () => {
    await redis.command('FLUSHALL')
    store = await open({ url: redis.url })
    const { a } = await seeded(store)
    await store.hold(a.next(), { ranks: [{ slot: 1, rank: 0 }], fence: 1, give: false })
    const before = (await store.slots(undefined))?.mark
    await store.hold(a.next(), { ranks: [{ slot: 2, rank: 0 }], fence: 1, give: false })
    const { mark } = (await store.slots(undefined)) ?? {}
    const replies: unknown[] = []
    const run = runOn(
      redis,
      lua => lua,
      reply => replies.push(reply),
    )
    const { slots } = cutStore(store, run)
    for (const known of [mark, before, undefined]) await slots(known)
    const changed = ['2/0', '1 a']
    expect(replies).toEqual([[mark], [mark, '0', ...changed], [mark, '1', '1/0', '1 a', ...changed]])
  })

  /** Cuts the step at its write number `at` and looks at what is there. `command`: what was not done; undefined where it ended before. */
  async function cut(step: Step, at: number) {
    await redis.command('FLUSHALL')
    const world = await seeded(store)
    const [advertised, record, view, all] = [
      await advertisedIn(store),
      await store.entries(),
      await store.slots(undefined),
      await dump(redis),
    ]
    const error = await step.run(cutStore(store, runOn(redis, cutAt(at))), world).then(
      () => undefined,
      (thrown: unknown) => String(thrown),
    )
    const raised = (await store.entries()).epoch !== record.epoch
    const keys = [...(await dump(redis)).keys()].filter(key => key.includes('advertised'))
    const left = [...keys, await redis.command('LLEN', `${PREFIX}expiries`)]
    if (error === undefined) return { command: undefined, raised, left }
    const [, command] = /cut before (\w+)/.exec(error) ?? []
    expect(command, error).toBeDefined()
    const where = `before ${command}, write ${at}`
    if (at === 0) expect(await dump(redis), where).toEqual(all)
    for (const [id, ids] of await advertisedIn(store))
      expect(
        [...ids].filter(block => !advertised.get(id)?.has(block)),
        `${where}: advertised by ${id}`,
      ).toEqual([])
    const now = await store.entries()
    const slotsNow = await store.slots(undefined)
    expect([now.broken, (await store.heartbeats()).broken, slotsNow?.broken], where).toEqual([0, 0, 0])
    // An epoch or a version that nothing follows costs a look; a change that nobody sees would cost more.
    if (now.epoch === record.epoch) expect(now, where).toEqual(record)
    const since = await store.slots(view?.mark)
    expect(recordsIn(slotsAfter(view, since)), where).toEqual(recordsIn(slotsAfter(undefined, slotsNow)))
    return { command, raised, left }
  }
})
