import { backoffMs } from 'blockgate'
import { fakeHost } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { eachBounded } from '../../src/async/each.ts'

it('a backoff doubles up to its largest, half of it fixed and half random', () => {
  const at = (random: number) => ({ ...fakeHost(), random: () => random })
  const delays = (random: number) => [1, 2, 3, 4, 9].map(n => backoffMs(at(random), { base: 100, max: 500 }, n))
  expect(delays(0)).toEqual([50, 100, 200, 250, 250])
  expect(delays(1)).toEqual([100, 200, 400, 500, 500])
})

it('eachBounded gives results in the order of the items, whichever ends first', async () => {
  const ends = new Map<number, () => void>()
  const work = eachBounded([1, 2, 3], 3, n => new Promise<number>(resolve => ends.set(n, () => resolve(n * 10))))
  for (const n of [3, 1, 2]) ends.get(n)?.()
  expect(await work).toEqual([10, 20, 30])
})

it('eachBounded works side by side within its bound, starting in list order', async () => {
  const log: number[] = []
  let now = 0
  let most = 0
  await eachBounded([1, 2, 3, 4, 5], 2, async n => {
    log.push(n)
    most = Math.max(most, ++now)
    await Promise.resolve()
    now--
  })
  expect(log).toEqual([1, 2, 3, 4, 5])
  expect(most).toBe(2)
})

it('eachBounded begins nothing after a failure, waits for what runs, and rejects with the first', async () => {
  const log: string[] = []
  const slow = Promise.withResolvers<void>()
  const work = eachBounded(['slow', 'bad', 'never'], 2, async name => {
    log.push(name)
    if (name === 'bad') throw new Error('bad')
    await slow.promise
    log.push('slow ended')
  }).catch((error: Error) => log.push(error.message))
  await Promise.resolve()
  slow.resolve()
  await work
  expect(log).toEqual(['slow', 'bad', 'slow ended', 'bad'])
})
