// They are loaded at a start: the first time takes real time, which is none here.
import 'redlock'
import '../../src/explain/join-ahead.ts'

/** The one list of ownership plugins that every history and every broken variant is run for. */
import { hashRing, rendezvous, tokenRing } from 'blockgate/plugins/ownership/hash-ring'
import { redlock } from 'blockgate/plugins/ownership/redlock'
import { balanced } from 'blockgate/plugins/placement/balanced'
import { placedRules, RedlockRules, ringRules } from './rules.ts'
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

export const leased: Tested = {
  name: 'redlock',
  leases(random) {
    const servers = random.pick([1, 1, 3] as const)
    return {
      slots: random.pick([16, 16, 24, 64]),
      ttlMs: random.pick([5_000, 10_000, 30_000]),
      servers,
      inStore: servers === 1 && random.chance(0.5),
    }
  },
  make({ options: { replicas, handoverDelayMs, leases } }, store, clients) {
    return redlock({
      store,
      clients,
      replicas,
      slots: leases?.slots,
      ttl: leases?.ttlMs,
      handoverDelay: handoverDelayMs,
    })
  },
  rules: world => new RedlockRules(world),
}

/** hashRing() with a placement that members publish. Its histories are longer by what it moves, so few of the tests run them. */
export const placed: Tested = {
  ...ring,
  name: 'balanced',
  make({ options, zones, variant }, store) {
    const own = balanced({ within: 0.1, every: 20_000 })
    const placement = variant.placement?.(own) ?? own
    return hashRing({ store, replicas: options.replicas, placement, zones, handoverDelay: options.handoverDelayMs })
  },
  rules: placedRules,
}

export const PLUGINS: readonly Tested[] = [ring, leased]
