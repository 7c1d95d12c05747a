/** Tests of cases: the protocol holds in every history of each. */
import { describe, expect, test } from 'vitest'
import { explore } from './bfs.ts'
import type { Case } from './clean.ts'
import { protocol, settled } from './protocol.ts'

export function holds(cases: readonly Case[]): void {
  describe('the protocol keeps every copy, counts no advertisement that is not true, and can always settle:', () => {
    test.each(cases)('%s', (_, states, config) => {
      const seen = explore(protocol(config), states + 1, config.endless ? undefined : settled(config))

      expect(seen.story).toBeUndefined()
      expect(seen.states).toBe(states)
    })
  })
}
