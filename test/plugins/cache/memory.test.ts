import { memoryCache } from 'blockgate/plugins/cache/memory'
import { testCache } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'

testCache(
  { describe, it },
  {
    name: 'memoryCache()',
    factory: () => memoryCache(),
    invalid: [() => memoryCache({ size: 0 }), () => memoryCache({ size: 'much' })],
    small: () => memoryCache({ size: '8MiB' }),
  },
)

describe('memoryCache()', () => {
  it('has 256 MiB where nothing is said, and what is said', async () => {
    const value = new Uint8Array(1024 ** 2)
    for (const [options, entries] of [
      [undefined, 32],
      [{ size: '16MiB' }, 15],
    ] as const) {
      const cache = memoryCache(options)
      for (let i = 0; i < 32; i++) await cache.put([{ key: `${i}`, kind: 'chunk', value }])
      expect(cache.stats?.()).toMatchObject({ entries })
    }
  })
})
