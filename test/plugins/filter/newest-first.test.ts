import { newestFirst } from 'blockgate/plugins/filter/newest-first'
import { candidate, runContext, testId, testStage } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'

testStage({ describe, it }, { name: 'newest-first', factory: () => newestFirst() })

it('orders by maxTime, then minTime, then ULID, all descending', async () => {
  const block = (n: number, minTime: number, maxTime: number) => candidate({ ulid: testId(n), minTime, maxTime })
  const list = [block(1, 0, 10), block(2, 5, 10), block(3, 0, 20), block(4, 0, 10), block(5, 0, 5), block(6, -9, 10)]
  for (const given of [list, [...list].reverse()]) {
    const answer = await newestFirst().select(given, runContext())
    expect(answer).toEqual([3, 2, 4, 1, 6, 5].map(n => ({ id: testId(n) })))
  }
})
