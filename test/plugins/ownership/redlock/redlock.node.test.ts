/** The plugin as users have it, on simulated lock servers: the kit, and what several members are granted. */
import { type RedlockOptions, redlock } from 'blockgate/plugins/ownership/redlock'
import { memoryStore } from 'blockgate/plugins/store/memory'
import { type FakeHost, sampleBlocks, services, testOwnership } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { never, World } from '../../../members/world.ts'
import { type LockServers, lockServers } from '../../../support/lock-servers.ts'

const SLOTS = 32

/** A world whose members lock on `count` servers. */
function lockedWorld(count: number): { readonly world: World<RedlockOptions>; readonly locks: LockServers } {
  const world = new World<RedlockOptions>((store, options, id) =>
    redlock({ slots: SLOTS, ...options, store, clients: locks.clientsFor(id) }),
  )
  const locks = lockServers(count, world.host)
  return { world, locks }
}

for (const count of [1, 3]) {
  /** Of each plugin that the kit was given: its world, and the host that it is started on. */
  const worlds = new WeakMap<object, World<RedlockOptions>>()
  const hosts: FakeHost[] = []
  testOwnership(
    { describe, it },
    {
      name: `redlock on ${count} lock servers`,
      services: instance => services({ instance, host: hosts.at(-1) as FakeHost }),
      factory: () => {
        const { world } = lockedWorld(count)
        hosts.push(world.host)
        const { plugin } = world.member('test-1', {}, { host: world.host })
        worlds.set(plugin, world)
        return plugin
      },
      change: async plugin => {
        const world = worlds.get(plugin)
        await world?.started('test-2')
        await world?.advance(10_000)
      },
      invalid: [
        () => redlock({ store: memoryStore(), clients: [] }),
        () => redlock({ store: memoryStore(), clients: ['redis://a', 'redis://b'] }),
        () => redlock({ store: memoryStore(), clients: ['redis://a'], slots: 0 }),
        () => redlock({} as RedlockOptions),
        () => redlock({ store: null, clients: null } as unknown as RedlockOptions),
      ],
    },
  )
}

it('200 blocks are shared by members with one view: each has its replicas, the same for all', async () => {
  const { world } = lockedWorld(3)
  const members = [await world.started('a', { replicas: 2 }), await world.started('b', { replicas: 2 })]
  members.push(await world.started('c', { replicas: 2 }))
  await world.advance(10_000)
  for (const { meta } of sampleBlocks(200)) {
    const claims = await Promise.all(members.map(({ plugin }) => plugin.claim(meta, never)))
    expect(claims.filter(({ status }) => status === 'granted')).toHaveLength(2)
    const owners = members.map(({ handover }) => handover.owners(meta).map(({ member, target }) => [member, target]))
    expect(owners[1]).toEqual(owners[0])
    expect(owners[2]).toEqual(owners[0])
  }
  for (const member of members) await world.along(member.stop())
})
