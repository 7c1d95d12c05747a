import { env } from 'cloudflare:workers'
import { r2 } from 'blockgate/plugins/bucket/r2'
import { testBucket } from 'blockgate/testing'
import { describe, it } from 'vitest'

// The conformance tests put 2,500 objects, one by one.
const binding = env.BLOCKS

async function cleanup(): Promise<void> {
  for (let page = await binding.list(); page.objects.length > 0; page = await binding.list()) {
    await binding.delete(page.objects.map(object => object.key))
  }
}

testBucket({ describe, it }, { name: 'r2', factory: () => ({ bucket: r2({ binding }), cleanup }) })
testBucket(
  { describe, it },
  { name: 'r2 with a prefix', factory: () => ({ bucket: r2({ binding, prefix: 'team-a/blocks' }), cleanup }) },
)
