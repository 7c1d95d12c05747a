import { type ConsistencyDelayOptions, consistencyDelay } from 'blockgate/plugins/filter/consistency-delay'
import { testId, testStage } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { NOW, verdict } from './verdict.ts'

const MINUTE = 60_000

testStage(
  { describe, it },
  {
    name: 'consistency-delay',
    factory: () => consistencyDelay({ for: '30m' }),
    invalid: [() => consistencyDelay({ for: 'half an hour' })],
  },
)

interface Case extends ConsistencyDelayOptions {
  /** Minutes since the time in the ULID. */
  readonly age: number
  readonly uploadedAgo?: number
  readonly source?: string
}

it.each<[name: string, given: Case, verdict: string]>([
  ['exactly as old as the delay', { age: 30 }, 'passed'],
  ['a millisecond younger', { age: 30 - 1 / MINUTE }, 'too-fresh (retain)'],
  ['as old as half an hour, the default', { age: 30, for: undefined }, 'passed'],
  ['a millisecond younger than the default', { age: 30 - 1 / MINUTE, for: undefined }, 'too-fresh (retain)'],
  ['new', { age: 0 }, 'too-fresh (retain)'],
  ['new, with a delay of 0', { age: 0, for: 0 }, 'passed'],
  ['uploaded long ago, with a ULID of now', { age: 0, uploadedAgo: 1200 }, 'passed'],
  ['uploaded now, with an old ULID', { age: 1200, uploadedAgo: 29 }, 'too-fresh (retain)'],
  ...['compactor', 'compactor.repair', 'bucket.repair'].map(
    source => [`new, of ${source}`, { age: 0, source }, 'passed'] satisfies [string, Case, string],
  ),
  ...['', 'sidecar', 'receive', 'ruler', 'bucket.rewrite', 'bucket.upload', 'test'].map(
    source => [`new, of "${source}"`, { age: 29, source }, 'too-fresh (retain)'] satisfies [string, Case, string],
  ),
])('a block that is %s: %j: %s', async (_, { age, uploadedAgo, source = 'sidecar', ...options }, expected) => {
  const uploaded = uploadedAgo === undefined ? undefined : NOW - uploadedAgo * MINUTE
  const stage = consistencyDelay({ for: '30m', ...options })
  expect(await verdict(stage, { ulid: testId(NOW - age * MINUTE), source }, { uploaded })).toBe(expected)
})
