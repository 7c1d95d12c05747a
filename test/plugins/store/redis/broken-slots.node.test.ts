import type { SlotStore } from 'blockgate/members'
import { testId } from 'blockgate/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import type { RedisServer } from '../../../support/redis.ts'
import { member, servers, stores } from './stores.ts'

const SLOTS = 'blockgate:{test}:slots'
const META = 'blockgate:{test}:meta'

/** No fence, no holder that can be, or a fence that no number holds. */
const TEXTS = [
  '',
  'x',
  '1',
  ' a',
  '-1 a',
  '1.5 a',
  '1 a b',
  '1 a/b',
  '1 a\n',
  `1 ${'a'.repeat(129)}`,
  '9007199254740991 a',
]
const FIELDS = [
  '',
  '1',
  '1/',
  '/0',
  '1/16',
  '65536/0',
  '01/0',
  '1/00',
  '-1/0',
  '1/0/0',
  '1.0/0',
  'x/0',
  '1e1/0',
  ' 1/0',
]

describe('entries of slots that somebody broke, seen by redisStore()', () => {
  const open = stores()
  const started = servers()
  let redis: RedisServer
  let store: SlotStore
  let a: Awaited<ReturnType<typeof member>>
  let b: typeof a
  beforeEach(async () => {
    redis = await started()
    store = await open({ url: redis.url })
    ;[a, b] = [await member(store, 'a'), await member(store, 'b')]
  })

  const held = async (by: typeof a, slot: number, rank: number) => {
    const fence = await store.fence()
    expect(await store.hold(by.next(), { slot, rank, fence, give: false })).toBe('ok')
    return { slot, rank, holder: by === a ? 'a' : 'b', fence }
  }

  it('leaves them out, counts them, and gives all others', async () => {
    const whole = [await held(a, 1, 0), await held(b, 65_535, 15)]
    for (const [i, text] of TEXTS.entries()) await redis.command('HSET', SLOTS, `${i}/1`, text)
    for (const field of FIELDS) await redis.command('HSET', SLOTS, field, '5 a')
    const view = await store.slots(undefined)
    expect(view?.slots.toSorted((x, y) => x.slot - y.slot)).toEqual(whole)
    expect(view?.broken).toBe(TEXTS.length + FIELDS.length)
  })

  it.each(TEXTS)('has the next hold of the slot mend %j, which no guard sees', async text => {
    for (const each of [a, b]) await each.serves()
    const record = await held(b, 1, 0)
    await redis.command('HSET', SLOTS, '1/1', text)
    expect(await a.releases(['b'], { precondition: { slot: 1, holders: [record] } })).toEqual([testId(1)])
    const mended = await held(a, 1, 1)
    const view = await store.slots(undefined)
    expect([view?.slots.toSorted((x, y) => x.rank - y.rank), view?.broken]).toEqual([[record, mended], 0])
  })

  it.each(['', 'x', '-1', '1e15', '9007199254740991'])(
    'starts again from the clock where fence and version are %j',
    async text => {
      const before = await held(a, 1, 0)
      await redis.command('HSET', META, 'fence', text, 'slots', text)
      expect(await store.slots(undefined)).toEqual({ version: 0, slots: [before], broken: 1 })
      const after = await held(b, 1, 0)
      expect(after.fence).toBeGreaterThan(before.fence)
      const view = await store.slots(0)
      expect([view?.slots, view?.broken]).toEqual([[after], 0])
      expect(view?.version).toBeGreaterThanOrEqual(after.fence)
    },
  )
})
