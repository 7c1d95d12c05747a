/** The ownership plugins that the chaos is tried on. */
import type { OwnershipPlugin } from 'blockgate'
import { hashRing } from 'blockgate/plugins/ownership/hash-ring'
import { redisStore } from 'blockgate/plugins/store/redis'
import type { GatewaySettings } from './settings.ts'

export const OWNERSHIPS: Readonly<Record<string, (settings: GatewaySettings) => OwnershipPlugin>> = {
  ring: ({ redis, cluster, replicas, minMembers, timings, port }) =>
    hashRing({
      store: redisStore({ url: redis, cluster }),
      replicas,
      minMembers,
      beat: timings.beatMs,
      expireAfter: timings.expireAfterMs,
      handoverDelay: timings.handoverDelayMs,
      address: `127.0.0.1:${port}`,
    }),
}
