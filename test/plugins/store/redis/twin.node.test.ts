import { fakeHost } from 'blockgate/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MemberTable } from '../../../../src/members/table.ts'
import { type RedisServer, startRedis } from '../../../support/redis.ts'
import { stores } from './stores.ts'
import { Side, Walk } from './twin.ts'

const SEQUENCES = 24
const STEPS = 300

/** What the random steps must have come to, or they prove less than they seem to. */
const EXPECTED = [
  ...['join', 'join moved', 'join superseded', 'join stale', 'join other-bucket', 'rejoin'],
  ...['heartbeat ok', 'heartbeat missing', 'heartbeat superseded', 'heartbeat stale', 'heartbeat down'],
  ...['serve ok', 'serve missing', 'serve superseded', 'serve stale'],
  ...['leave ok', 'leave missing', 'leave superseded', 'leave stale'],
  ...['release ok', 'release ok some', 'release epoch', 'release frozen', 'release missing', 'release superseded'],
  ...['hold ok', 'hold ok given', 'hold ok older', 'hold stale', 'hold missing', 'hold superseded'],
  ...['publish ok', 'publish epoch', 'publish frozen', 'publish missing', 'publish superseded', 'publish stale'],
  ...['expire expired', 'expire moved', 'expire refused', 'expire gone'],
  ...['evict true', 'evict false', 'forget true', 'forget false', 'drain true', 'drain false', 'freeze undefined'],
]

describe('redisStore() beside the member table', () => {
  const store = stores()
  const seen = new Set<string>()
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  it.each(Array.from({ length: SEQUENCES }, (_, i) => i + 1))(
    'answers alike and ends alike, sequence %i',
    async seed => {
      const host = fakeHost({ seed })
      const table = new MemberTable({ clock: () => host.now(), storeId: 'table' })
      const sides = [new Side(await store({ cluster: `seed-${seed}`, url: redis.url })), new Side(table)] as const
      for (const side of sides) await side.look()
      const walk = new Walk(host.random)
      for (let i = 0; i < STEPS; i++) {
        // Epochs of the table grow as real ones do, by microseconds of a clock.
        await host.advance(1000)
        const step = walk.next()
        const [real, twin] = [await step(sides[0]), await step(sides[1])]
        expect(real, `step ${i}`).toEqual(twin)
        seen.add(twin.kind)
        for (const side of sides) await side.look()
        if (i % 5 === 0 || i === STEPS - 1)
          expect(await sides[0].state(), `after step ${i}, ${real.kind}`).toEqual(await sides[1].state())
      }
    },
  )

  it('came to every answer that a step has', () => {
    expect(EXPECTED.filter(kind => !seen.has(kind))).toEqual([])
  })
})
