import { type NotDeletedOptions, notDeleted } from 'blockgate/plugins/filter/not-deleted'
import { testStage } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { HOUR, NOW, verdict } from './verdict.ts'

testStage(
  { describe, it },
  { name: 'not-deleted', factory: () => notDeleted({ delay: '24h' }), invalid: [() => notDeleted({ delay: -1 })] },
)

// The time of a block that goes is over: it may go without a question also where it is the last one.
it.each<[NotDeletedOptions, age: number | undefined, verdict: string]>([
  [{ delay: '48h' }, 15 * HOUR, 'passed'],
  [{ delay: '48h' }, 60 * HOUR, 'marked-for-deletion (expired)'],
  [{ delay: '48h' }, 48 * HOUR, 'passed'],
  [{ delay: '48h' }, 48 * HOUR + 1000, 'marked-for-deletion (expired)'],
  [{}, 24 * HOUR, 'passed'],
  [{}, 24 * HOUR + 1000, 'marked-for-deletion (expired)'],
  // A mark that cannot be read.
  [{ delay: 0 }, undefined, 'passed'],
])('%j: a block whose mark is %j ms old: %s', async (options, age, expected) => {
  const deletionTime = age === undefined ? undefined : NOW - age
  expect(await verdict(notDeleted(options), {}, { markers: ['deletion-mark.json'], deletionTime })).toBe(expected)
})

it('keeps a block without a mark', async () => {
  expect(await verdict(notDeleted({ delay: 0 }))).toBe('passed')
})
