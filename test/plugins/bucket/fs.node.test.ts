import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prefixed } from 'blockgate'
import { fs } from 'blockgate/plugins/bucket/fs'
import { testBucket } from 'blockgate/testing'
import { describe, it } from 'vitest'

async function fixture() {
  const root = await mkdtemp(join(tmpdir(), 'blockgate-fs-'))
  return { bucket: fs({ root }), cleanup: () => rm(root, { recursive: true }) }
}

testBucket({ describe, it }, { name: 'fs', factory: fixture })
testBucket(
  { describe, it },
  {
    name: 'prefixed fs',
    async factory() {
      const { bucket, cleanup } = await fixture()
      return { bucket: prefixed(bucket, 'team-a/blocks'), cleanup }
    },
  },
)
