import { type NotDeletedOptions, notDeleted } from 'blockgate/plugins/filter/not-deleted'
import { blockContext, candidate, testOutcome, testStage } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { verdict } from './verdict.ts'

const NOW = Date.UTC(2026, 0, 1)
const HOUR = 3_600_000

const at = (options: NotDeletedOptions, deletionTime: number | undefined) =>
  verdict(
    notDeleted(options),
    blockContext(candidate({}, { markers: ['deletion-mark.json'], deletionTime }), { run: { now: NOW } }),
  )

testStage(
  { describe, it },
  { name: 'not-deleted', factory: () => notDeleted({ delay: '24h' }), invalid: [() => notDeleted({ delay: -1 })] },
)

it('keeps a block whose mark is 15 hours old and skips one of 60 hours, with a delay of 48 hours', async () => {
  expect(await at({ delay: '48h' }, NOW - 15 * HOUR)).toBe('passed')
  expect(await at({ delay: '48h' }, NOW - 60 * HOUR)).toBe('marked-for-deletion')
})

it('keeps a block whose mark cannot be read, and one without a mark', async () => {
  expect(await at({ delay: '48h' }, undefined)).toBe('passed')
  expect(await verdict(notDeleted({ delay: 0 }), blockContext(candidate()))).toBe('passed')
})

it('a mark must be older than the delay, not as old', async () => {
  expect(await at({ delay: '24h' }, NOW - 24 * HOUR)).toBe('passed')
  expect(await at({ delay: '24h' }, NOW - 24 * HOUR - 1000)).toBe('marked-for-deletion')
})

it('waits 24 hours by default', async () => {
  expect(await at({}, NOW - 24 * HOUR)).toBe('passed')
  expect(await at({}, NOW - 24 * HOUR - 1000)).toBe('marked-for-deletion')
})

it('says that the time of the block is over: it may go without a question also where it is the last one', async () => {
  const block = blockContext(candidate({}, { deletionTime: NOW - 25 * HOUR }), { run: { now: NOW } })
  expect(await notDeleted().handle(block, async () => testOutcome('passed'))).toMatchObject({ expired: true })
})
