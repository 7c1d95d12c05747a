/** The ownership plugins that the chaos is tried on: every schedule, on each. */
import type { OwnershipPlugin } from 'blockgate'
import type { SlotStore } from 'blockgate/members'
import { hashRing } from 'blockgate/plugins/ownership/hash-ring'
import { redlock } from 'blockgate/plugins/ownership/redlock'
import { balanced } from 'blockgate/plugins/placement/balanced'
import type { GatewaySettings } from './settings.ts'

export interface Tried {
  readonly name: string
  /** Who loads is agreed on by locks: schedules that break lock servers are for it alone. */
  readonly locks: boolean
  make(settings: GatewaySettings, store: SlotStore): OwnershipPlugin
}

export const OWNERSHIPS: readonly Tried[] = [
  { name: 'ring', locks: false, make: (settings, store) => hashRing({ store, ...shared(settings) }) },
  {
    // The blocks are of one size: a narrow band has something to move all the same, and a short wait moves it amid the schedules.
    name: 'balanced',
    locks: false,
    make: (settings, store) =>
      hashRing({ store, placement: balanced({ within: 0.02, every: '2s' }), ...shared(settings) }),
  },
  {
    name: 'redlock',
    locks: true,
    make(settings, store) {
      const { lockServers: clients, slots, timings } = settings
      return redlock({ store, clients, slots, ttl: timings.ttlMs, ...shared(settings) })
    },
  },
]

/** @throws Error that names them, where there is none of that name */
export function ownership(name: string): Tried {
  const found = OWNERSHIPS.find(tried => tried.name === name)
  if (found) return found
  const names = OWNERSHIPS.map(tried => tried.name)
  throw new Error(`the ownership must be one of ${names.join(', ')}: current value is ${name}`)
}

function shared({ replicas, timings, port }: GatewaySettings) {
  const { heartbeatMs: heartbeat, expireAfterMs: expireAfter, handoverDelayMs: handoverDelay } = timings
  // Two members: the first one up must not load the world.
  return { replicas, minMembers: 2, heartbeat, expireAfter, handoverDelay, address: `127.0.0.1:${port}` }
}
