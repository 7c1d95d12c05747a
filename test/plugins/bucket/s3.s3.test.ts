import { prefixed } from 'blockgate'
import { testBucket } from 'blockgate/testing'
import { describe, it, vi } from 'vitest'
import { fixture } from '../../support/s3-buckets.ts'

vi.setConfig({ testTimeout: 60_000 })

testBucket({ describe, it }, { name: 's3', factory: () => fixture() })
testBucket(
  { describe, it },
  {
    name: 'prefixed s3',
    factory: async () => ({ bucket: prefixed((await fixture()).bucket, 'team-a/blocks') }),
  },
)
