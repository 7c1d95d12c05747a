/** The one list of ownership plugins that every history and every broken variant is run for. */
import { hashRing, rendezvous, tokenRing } from 'blockgate/plugins/ownership/hash-ring'
import { ringRules } from './rules-ring.ts'
import type { Tested } from './world.ts'

export const ring: Tested = {
  name: 'ring',
  leases: () => undefined,
  make({ options, zones }, store) {
    const placement = options.placement === 'rendezvous' ? rendezvous() : tokenRing()
    return hashRing({ store, replicas: options.replicas, placement, zones, handoverDelay: options.handoverDelayMs })
  },
  rules: ringRules,
}

export const PLUGINS: readonly Tested[] = [ring]
