/** Members that lease slots: the worlds of test/members, with locks on simulated lock servers. */
import { type BlockMeta, isOwnershipUnavailable } from 'blockgate'
import { type RedlockOptions, redlock } from 'blockgate/plugins/ownership/redlock'
import { meta, never, type TestMember, World } from '../../../members/world.ts'
import { type LockServer, lockServers } from '../../../support/lock-servers.ts'

export const SLOTS = 16
export const BLOCKS: readonly BlockMeta[] = Array.from({ length: 200 }, (_, i) => meta(i + 1))

export class RedlockWorld {
  readonly world: World<RedlockOptions>
  readonly servers: readonly LockServer[]
  readonly members: TestMember[] = []

  constructor(shared: Partial<RedlockOptions> = {}, count: 1 | 3 = 1) {
    const world: World<RedlockOptions> = new World((store, options, id) =>
      redlock({ slots: SLOTS, ...shared, ...options, store, clients: clientsFor(id) }),
    )
    const { servers, clientsFor } = lockServers(count, world.host)
    this.world = world
    this.servers = servers
  }

  /** The first lock server. */
  get server(): LockServer {
    return this.servers[0] as LockServer
  }

  /** Started, after those that are there. */
  async join(id: string, options: Partial<RedlockOptions> = {}): Promise<TestMember> {
    const member = await this.world.started(id, options)
    this.members.push(member)
    return member
  }

  advance(ms: number): Promise<void> {
    return this.world.advance(ms)
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map(member => this.world.along(member.stop())))
  }

  get entries() {
    return this.world.table.slots(undefined)?.slots ?? []
  }

  /** Who is recorded: `<slot>/<rank>` → id, or `''` where it was given up. */
  get holders(): ReadonlyMap<string, string> {
    return new Map(this.entries.map(({ slot, rank, holder }) => [`${slot}/${rank}`, holder]))
  }

  /** How much each member holds; `''`: given up. */
  get shares(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const { holder } of this.entries) counts[holder] = (counts[holder] ?? 0) + 1
    return counts
  }

  /** The member makes an entry, as somebody would who was granted the lock by a server that had forgotten it. */
  enter(id: string, slot: number, rank = 0, give = false): void {
    const { table } = this.world
    const { incarnation = 0, sequence = 0 } = table.heartbeats().heartbeats.get(id) ?? {}
    const request = { ranks: [{ slot, rank }], fence: table.fence(), give }
    const answer = table.hold({ id, incarnation, sequence: sequence + 1 }, request)
    if (answer.status !== 'ok' || answer.recorded.length === 0) throw new Error(`it must be written: ${answer.status}`)
  }
}

/** Members `a`, `b`, … that have come to rest. */
export async function rested(ids: string, options: Partial<RedlockOptions> = {}): Promise<RedlockWorld> {
  const own = new RedlockWorld(options)
  for (const id of ids) await own.join(id)
  await own.advance(15_000)
  return own
}

/** How each block's claim is answered. */
export function answers(member: TestMember): Promise<readonly string[]> {
  return Promise.all(
    BLOCKS.map(async block => {
      try {
        const claim = await member.plugin.claim(block, never)
        return claim.status === 'granted' ? claim.status : claim.reason
      } catch (error) {
        if (isOwnershipUnavailable(error)) return 'unavailable'
        throw error
      }
    }),
  )
}

export async function grantedTo(member: TestMember): Promise<readonly BlockMeta[]> {
  const told = await answers(member)
  return BLOCKS.filter((_, i) => told[i] === 'granted')
}

export const count = (list: readonly string[], what: string): number => list.filter(each => each === what).length
