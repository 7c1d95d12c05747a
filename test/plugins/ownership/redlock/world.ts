/** Members that lease slots: the worlds of test/members, with locks on one table of this process, without a network. */
import { LeaseLost, OwnershipUnavailable } from 'blockgate'
import { elapsed, type Mark, mark } from 'blockgate/members'
import type { FakeHost } from 'blockgate/testing'
import type { Lock } from '../../../../plugins/ownership/redlock/lock.ts'
import type { RedlockOptions } from '../../../../plugins/ownership/redlock/options.ts'
import { type OpenLocks, slotLeases } from '../../../../plugins/ownership/redlock/slot-leases.ts'
import { World } from '../../../members/world.ts'

/** A lock server that all members of a world share. */
export class TestLocks {
  readonly #host: FakeHost
  readonly #held = new Map<string, { readonly by: object; ends: number }>()
  /** Members that cannot reach it. */
  readonly cut = new Set<string>()
  /** Nobody can. */
  away = false
  /** `acquire gw-1 0/0`, `extend …`, `release …`: what arrived, in order. */
  readonly log: string[] = []
  /** Members that have connected. */
  readonly opened: string[] = []

  constructor(host: FakeHost) {
    this.#host = host
  }

  /** As after a restart without persistence. */
  empty(): void {
    this.#held.clear()
  }

  /** Resources that are locked now. */
  get locked(): readonly string[] {
    return [...this.#held].filter(([, { ends }]) => ends > this.#host.monotonic()).map(([resource]) => resource)
  }

  /** The locks of one member, on the clocks of its own host. */
  open(member: string, ttlMs: number, host: FakeHost): OpenLocks {
    this.opened.push(member)
    const ask = async <T>(what: string, resource: string, answer: () => T): Promise<T> => {
      await undefined
      if (this.away || this.cut.has(member)) throw new OwnershipUnavailable('the lock server is away')
      this.log.push(`${what} ${member} ${resource.replace(/^.*lock\//, '')}`)
      const result = answer()
      await undefined
      return result
    }
    const now = () => this.#host.monotonic()
    return {
      acquire: async resource => {
        const by = {}
        let since = mark(host)
        const granted = await ask('acquire', resource, () => {
          const held = this.#held.get(resource)
          if (held && held.ends > now()) return false
          this.#held.set(resource, { by, ends: now() + ttlMs })
          return true
        })
        if (!granted) return undefined
        const controller = new AbortController()
        let over = false
        const valid = (at: Mark = mark(host)) => !over && elapsed(since, at) < ttlMs * 0.9
        const mine = () => this.#held.get(resource)?.by === by && (this.#held.get(resource)?.ends ?? 0) > now()
        const end = () => {
          over = true
          controller.abort(new LeaseLost('the lock is over'))
        }
        const lock: Lock = {
          resource,
          signal: controller.signal,
          get valid() {
            if (!over && !valid()) end()
            return !over
          },
          extend: async () => {
            const at = mark(host)
            if (!lock.valid) return 'lost'
            const extended = await ask('extend', resource, () => {
              if (!mine()) return false
              this.#held.set(resource, { by, ends: now() + ttlMs })
              return true
            })
            if (extended) since = at
            else end()
            return extended ? 'extended' : 'lost'
          },
          release: async () => {
            end()
            await ask('release', resource, () => mine() && this.#held.delete(resource)).catch(() => {})
          },
        }
        return lock
      },
      async close() {},
    }
  }
}

export interface RedlockWorld {
  readonly world: World<RedlockOptions>
  readonly locks: TestLocks
}

export function redlockWorld(shared: Partial<RedlockOptions> = {}): RedlockWorld {
  const world: World<RedlockOptions> = new World((store, options, id) => {
    const given: RedlockOptions = { clients: [], slots: 16, ...shared, ...options, store }
    return slotLeases(given, async (ttlMs, host) => locks.open(id, ttlMs, host as FakeHost))
  })
  const locks = new TestLocks(world.host)
  return { world, locks }
}
