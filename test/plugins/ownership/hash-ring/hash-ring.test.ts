import { hashRing, rendezvous, tokenRing } from 'blockgate/plugins/ownership/hash-ring'
import { memoryStore } from 'blockgate/plugins/store/memory'
import { testOwnership } from 'blockgate/testing'
import { describe, it } from 'vitest'

for (const placement of [rendezvous(), tokenRing()]) {
  testOwnership(
    { describe, it },
    {
      name: `hash-ring with ${placement.name}`,
      factory: () => hashRing({ store: memoryStore(), placement }),
      invalid: [() => hashRing({ store: memoryStore(), replicas: 0 }), () => hashRing({} as never)],
    },
  )
}
