import { everything as engines } from 'blockgate'
import { everything, noSharding } from 'blockgate/plugins/ownership/everything'
import { sampleBlocks, testOwnership } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'

testOwnership({ describe, it }, { name: 'everything', factory: () => everything() })

it('is the default of the engine by other names', () => {
  expect([everything, noSharding]).toEqual([engines, engines])
})

it('grants every block', async () => {
  const { signal } = new AbortController()
  const claims = await Promise.all(sampleBlocks(50).map(({ meta }) => everything().claim(meta, signal)))
  expect(new Set(claims.map(c => c.status))).toEqual(new Set(['granted']))
})
