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
    expect(await store.hold(by.next(), { ranks: [{ slot, rank }], fence, give: false })).toMatchObject({ status: 'ok' })
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

  it('tells everything while a member of an older version records holders, and changes again after that', async () => {
    await held(a, 1, 0)
    const known = await store.slots(undefined)
    const older = async (slot: number) => {
      await redis.command('HSET', META, 'slots', `${Number(await redis.command('HGET', META, 'slots')) + 1}`)
      await redis.command('HSET', SLOTS, `${slot}/0`, '9000000000000000 b')
    }
    await older(2)
    expect(await store.slots(known?.mark)).toMatchObject({ whole: true, slots: [{}, {}] })
    const between = await store.slots(undefined)
    expect(await store.slots(between?.mark)).toBeUndefined()
    await held(a, 3, 0)
    for (const view of [known, between])
      expect(await store.slots(view?.mark)).toMatchObject({ whole: true, slots: [{}, {}, {}] })
    const after = await store.slots(undefined)
    await held(a, 4, 0)
    expect(await store.slots(after?.mark)).toMatchObject({ whole: false, slots: [{ slot: 4 }] })
  })

  it.each([
    ['is gone', () => redis.command('HDEL', SLOTS, '1/0')],
    ['nobody can read', () => redis.command('HSET', SLOTS, '1/0', 'x')],
  ])('tells everything where an entry that changed %s', async (_, spoil) => {
    await held(a, 2, 0)
    const known = await store.slots(undefined)
    await held(a, 1, 0)
    await spoil()
    expect(await store.slots(known?.mark)).toMatchObject({ whole: true, slots: [{ slot: 2 }] })
  })

  it('takes changes that it did not write for none', async () => {
    await held(a, 1, 0)
    const known = await store.slots(undefined)
    const CHANGES = 'blockgate:{test}:slot-changes'
    await held(a, 2, 0)
    for (const text of ['', 'x', `${known?.version}`]) {
      await redis.command('LPUSH', CHANGES, text)
      expect(await store.slots(known?.mark)).toMatchObject({ whole: true, slots: [{}, {}] })
    }
    await held(a, 3, 0)
    expect(await redis.command('LLEN', CHANGES)).toBe(1)
  })

  it.each(['', 'x', '-1', '1e15', '9007199254740991'])(
    'starts again from the clock where fence and version are %j',
    async text => {
      const before = await held(a, 1, 0)
      await redis.command('HSET', META, 'fence', text, 'slots', text)
      expect(await store.slots(undefined)).toEqual({ version: 0, mark: '', whole: true, slots: [before], broken: 1 })
      const after = await held(b, 1, 0)
      expect(after.fence).toBeGreaterThan(before.fence)
      const view = await store.slots('')
      expect([view?.slots, view?.broken]).toEqual([[after], 0])
      expect(view?.version).toBeGreaterThanOrEqual(after.fence)
    },
  )
})
