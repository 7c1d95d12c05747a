// Runs under `deno test` (see .ci/run), not under Vitest: the engine and portable plugins through their public names.
import { describe, it } from 'node:test'
import { BlockgateError, everything } from 'blockgate'
import { memory } from 'blockgate/plugins/bucket/memory'
import { newestFirst } from 'blockgate/plugins/filter/newest-first'
import { timeRange } from 'blockgate/plugins/filter/time-range'
import { staticShard } from 'blockgate/plugins/ownership/static-shard'
import { assert, testBucket, testOwnership, testStage } from 'blockgate/testing'
import { BlockgateError as FromSource } from '../../src/contracts/errors.ts'

const runner = { describe, it }

describe('the engine under Deno', () => {
  it('is one copy, whichever way it is imported', () => {
    assert(BlockgateError === FromSource, 'the class seen through the package to be the one from src')
  })
})

testBucket(runner, { name: 'bucket/memory', factory: () => ({ bucket: memory() }) })
testStage(runner, { name: 'filter/newest-first', factory: newestFirst })
testStage(runner, { name: 'filter/time-range', factory: () => timeRange({ newerThan: '90d' }) })
testOwnership(runner, { name: 'ownership/everything', factory: everything })
testOwnership(runner, { name: 'ownership/static-shard', factory: () => staticShard({ index: 0, of: 2 }) })
