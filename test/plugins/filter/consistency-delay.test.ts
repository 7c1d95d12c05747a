import { consistencyDelay } from 'blockgate/plugins/filter/consistency-delay'
import { blockContext, candidate, testId, testStage } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { verdict } from './verdict.ts'

const NOW = Date.UTC(2026, 0, 1)
const MINUTE = 60_000

/** A block whose ULID is `age` minutes old. */
const at = (age: number, given: { source?: string; uploadedAgo?: number; delay?: string | number } = {}) => {
  const uploaded = given.uploadedAgo === undefined ? undefined : NOW - given.uploadedAgo * MINUTE
  const block = candidate({ ulid: testId(NOW - age * MINUTE), source: given.source ?? 'sidecar' }, { uploaded })
  return verdict(consistencyDelay({ for: given.delay ?? '30m' }), blockContext(block, { run: { now: NOW } }))
}

testStage(
  { describe, it },
  {
    name: 'consistency-delay',
    factory: () => consistencyDelay({ for: '30m' }),
    invalid: [() => consistencyDelay({ for: 'half an hour' })],
  },
)

it('keeps a block that is exactly as old as the delay, and not one that is a millisecond younger', async () => {
  expect(await at(30)).toBe('passed')
  expect(await at(30 - 1 / MINUTE)).toBe('too-fresh (retain)')
  expect(await at(0)).toBe('too-fresh (retain)')
})

it('keeps everything with a delay of 0', async () => {
  expect(await at(0, { delay: 0 })).toBe('passed')
})

it('takes the upload time where there is one, and the time of the ULID else', async () => {
  expect(await at(0, { uploadedAgo: 20 * 60 })).toBe('passed')
  expect(await at(20 * 60, { uploadedAgo: 29 })).toBe('too-fresh (retain)')
})

it.each(['compactor', 'compactor.repair', 'bucket.repair'])('lets a fresh block of %s through', async source => {
  expect(await at(0, { source })).toBe('passed')
})

it.each(['', 'sidecar', 'receive', 'ruler', 'bucket.rewrite', 'bucket.upload', 'test'])(
  'holds a fresh block of source "%s" back',
  async source => {
    expect(await at(29, { source })).toBe('too-fresh (retain)')
  },
)

it('waits half an hour by default', async () => {
  const block = (age: number) => blockContext(candidate({ ulid: testId(NOW - age) }), { run: { now: NOW } })
  expect(await verdict(consistencyDelay(), block(30 * MINUTE - 1))).toBe('too-fresh (retain)')
  expect(await verdict(consistencyDelay(), block(30 * MINUTE))).toBe('passed')
})
