// The conformance tests of buckets under a runner that is not Vitest: `node --test` and `deno test` both run this file.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fs } from 'blockgate/plugins/bucket/fs'
import { memory } from 'blockgate/plugins/bucket/memory'
import { testBucket } from 'blockgate/testing'

testBucket({ describe, it }, { name: 'memory', factory: () => ({ bucket: memory() }) })
testBucket(
  { describe, it },
  {
    name: 'fs',
    async factory() {
      const root = await mkdtemp(join(tmpdir(), 'blockgate-fs-'))
      return { bucket: fs({ root }), cleanup: () => rm(root, { recursive: true }) }
    },
  },
)
