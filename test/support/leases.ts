/** redlock() for a cluster of gateways on one fake host, on simulated lock servers. Loads the npm package: Node only. */
import type { Host } from 'blockgate'
import { type RedlockOptions, redlock } from 'blockgate/plugins/ownership/redlock'
import { type LockServer, lockServers } from './lock-servers.ts'
import { type ClusterOwnership, type Ownership, RINGS } from './ownerships.ts'

/** Few blocks are in a story: so many slots that each gateway has some of them. */
const SLOTS = 64

export interface LeasedCluster extends ClusterOwnership {
  readonly servers: readonly LockServer[]
}

/** A cluster that locks on `count` servers. */
export function leasedCluster(count: number, host: Host, more: Partial<RedlockOptions> = {}): LeasedCluster {
  const { servers, clientsFor } = lockServers(count, host)
  return {
    servers,
    make: (member, store, options) =>
      redlock({ slots: SLOTS, ...more, ...options, store, clients: clientsFor(member) }),
  }
}

const leases = (count: number): Ownership => ({
  name: count === 1 ? 'redlock on one lock server' : `redlock on ${count} lock servers`,
  hashed: false,
  cluster: host => leasedCluster(count, host),
})

/** Every plugin that stands on the member store. */
export const OWNERSHIPS: readonly Ownership[] = [...RINGS, leases(1), leases(3)]
