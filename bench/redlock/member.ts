/** One member, without blocks. */
import type { Host, OwnershipPlugin } from 'blockgate'
import { hashRing } from 'blockgate/plugins/ownership/hash-ring'
import { type RedlockOptions, redlock } from 'blockgate/plugins/ownership/redlock'
import { redisStore } from 'blockgate/plugins/store/redis'
import { nodeHost, nodeLog } from 'blockgate/runtime/node'
import { services } from 'blockgate/testing'

export const CLUSTER = 'bench'

export type MemberSettings = Omit<RedlockOptions, 'store' | 'clients'>

export interface MemberInput {
  readonly id: string
  readonly store: string
  /** Lock servers; none: a ring. */
  readonly clients: readonly string[]
  readonly settings: MemberSettings
}

/** Members are set down on purpose here. */
export function host(): Host {
  return nodeHost({ log: { ...nodeLog(), info: () => {}, warn: () => {} } })
}

export async function startMember({ id, store, clients, settings }: MemberInput): Promise<OwnershipPlugin> {
  const { slots, ttl, ...shared } = settings
  const options = { ...shared, store: redisStore({ cluster: CLUSTER, url: store }) }
  const plugin = clients.length === 0 ? hashRing(options) : redlock({ ...options, slots, ttl, clients })
  await plugin.start?.(services({ host: host(), instance: { id, zone: undefined } }))
  return plugin
}
