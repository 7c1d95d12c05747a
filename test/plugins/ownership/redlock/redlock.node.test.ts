/** The plugin keeps the contract of ownership plugins, and members with one view agree; all on simulated lock servers. */
import { type RedlockOptions, redlock } from 'blockgate/plugins/ownership/redlock'
import { memoryStore } from 'blockgate/plugins/store/memory'
import { type FakeHost, services, testOwnership } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { never } from '../../../members/world.ts'
import { BLOCKS, RedlockWorld } from './world.ts'

for (const count of [1, 3] as const) {
  /** Of each plugin that the tests were given: its world, and the host that it is started on. */
  const worlds = new WeakMap<object, RedlockWorld>()
  const hosts: FakeHost[] = []
  testOwnership(
    { describe, it },
    {
      name: `redlock on ${count} lock servers`,
      services: instance => services({ instance, host: hosts.at(-1) as FakeHost }),
      factory: () => {
        const own = new RedlockWorld({}, count)
        const { host } = own.world
        hosts.push(host)
        const { plugin } = own.world.member('test-1', {}, { host })
        worlds.set(plugin, own)
        return plugin
      },
      change: async plugin => {
        const own = worlds.get(plugin)
        await own?.join('test-2')
        await own?.advance(10_000)
      },
      invalid: [
        () => redlock({ store: memoryStore(), clients: [] }),
        () => redlock({ store: memoryStore(), clients: ['redis://a'], slots: 0 }),
        () => redlock({} as RedlockOptions),
        () => redlock({ store: null, clients: null } as unknown as RedlockOptions),
      ],
    },
  )
}

it('200 blocks are shared by members with one view: each has its replicas, the same for all', async () => {
  const own = new RedlockWorld({ replicas: 2, slots: 32 }, 3)
  for (const id of 'abc') await own.join(id)
  await own.advance(10_000)
  for (const block of BLOCKS) {
    const claims = await Promise.all(own.members.map(({ plugin }) => plugin.claim(block, never)))
    expect(claims.filter(({ status }) => status === 'granted')).toHaveLength(2)
    const owners = own.members.map(({ handover }) => handover.owners(block).map(o => [o.member, o.target]))
    expect(owners).toEqual([owners[0], owners[0], owners[0]])
  }
})
