import { settle } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { inOrder } from '../../../plugins/source/scan-bucket/pool.ts'

it('gives results in the order of the items, whichever ends first', async () => {
  const ends = new Map<number, () => void>()
  const work = inOrder([1, 2, 3], 3, item => new Promise<number>(resolve => ends.set(item, () => resolve(item * 10))))
  for (const item of [3, 1, 2]) ends.get(item)?.()
  expect(await work).toEqual([10, 20, 30])
})

it('begins nothing after a failure, and throws it when what is under way has ended', async () => {
  const begun: number[] = []
  let end = () => {}
  let isSettled = false
  const work = inOrder([1, 2, 3, 4], 2, async item => {
    begun.push(item)
    if (item === 2) throw new Error('two')
    await new Promise<void>(resolve => {
      end = resolve
    })
  }).finally(() => {
    isSettled = true
  })
  const rejected = expect(work).rejects.toThrow('two')
  await settle()
  expect(isSettled).toBe(false)
  end()
  await rejected
  expect(begun).toEqual([1, 2])
})
