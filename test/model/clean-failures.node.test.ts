import { describe, expect, test } from 'vitest'
import { explore } from './bfs.ts'
import { FAILURES } from './clean.ts'
import { protocol, settled } from './protocol.ts'

describe('the protocol keeps every copy, counts no claim that is not true, and can always settle', () => {
  for (const { name, config, states, lingers } of FAILURES) {
    test(name, () => {
      const seen = explore(protocol(config), states + 1, lingers ? undefined : settled(config))

      expect(seen.story).toBeUndefined()
      expect(seen.states).toBe(states)
    })
  }
})
