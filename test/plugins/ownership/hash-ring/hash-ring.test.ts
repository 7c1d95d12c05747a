import { type HashRingOptions, hashRing, rendezvous, tokenRing } from 'blockgate/plugins/ownership/hash-ring'
import { balanced } from 'blockgate/plugins/placement/balanced'
import { memoryStore } from 'blockgate/plugins/store/memory'
import { type FakeHost, sampleBlocks, services, testOwnership } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { never, World } from '../../../members/world.ts'

/** Hosts of the worlds below, in the order in which they were made. */
const hostOf: FakeHost[] = []

const problems = (options: object) =>
  (hashRing(options as HashRingOptions).check?.() ?? []).map(p => `${p.path} must ${p.must}`)

for (const placement of [rendezvous(), tokenRing(), balanced()]) {
  const worlds = new WeakMap<object, World>()
  testOwnership(
    { describe, it },
    {
      name: `hash-ring with ${placement.name} on memoryStore()`,
      factory: () => hashRing({ store: memoryStore(), placement }),
      invalid: [
        () => hashRing({ store: memoryStore(), placement, replicas: 0 }),
        () => hashRing({ store: memoryStore(), placement: tokenRing({ tokens: 0 }) }),
        () => hashRing({} as HashRingOptions),
        () => hashRing({ store: null, placement: null } as unknown as HashRingOptions),
      ],
    },
  )
  testOwnership(
    { describe, it },
    {
      name: `hash-ring with ${placement.name}, beside members that come`,
      services: instance => services({ instance, host: hostOf.at(-1) as FakeHost }),
      factory: () => {
        const world = new World()
        hostOf.push(world.host)
        const { plugin } = world.member('test-1', { placement }, { host: world.host })
        worlds.set(plugin, world)
        return plugin
      },
      change: async plugin => {
        const world = worlds.get(plugin)
        await world?.started('test-2', { placement })
        await world?.advance(500)
      },
    },
  )
}

describe('options', () => {
  const store = memoryStore()

  it('are checked, and each problem says what must be', () => {
    expect(problems({ store })).toEqual([])
    expect(problems({})).toEqual(['store must be given'])
    expect(problems({ store: {} })).toEqual(['store must be a member store, such as redisStore()'])
    expect(problems({ store, replicas: 0, minMembers: 1.5 })).toEqual([
      'replicas must be >= 1',
      'minMembers must be an integer',
    ])
    expect(problems({ store, zones: [] })).toEqual(['zones must have at least one zone'])
    expect(problems({ store, zones: ['a', 'a'] })).toEqual(['zones must name each zone once'])
    expect(problems({ store, zones: ['a b'] })[0]).toContain('zones[0] must match')
    expect(problems({ store, heartbeat: 0 })).toEqual(["heartbeat must be a duration > 0, such as '3s'"])
    expect(problems({ store, heartbeat: '6s' })).toEqual(['expireAfter must be >= 3 × heartbeat (18000 ms)'])
    expect(problems({ store, heartbeat: '5s', expireAfter: '15s' })).toEqual([])
    expect(problems({ store, placement: {} })).toEqual(['placement must be a placement, such as rendezvous()'])
    expect(problems({ store, replica: 1 })[0]).toContain('replica must be one of the known options: store, replicas')
  })

  it('of the store and of the placement have their paths below', () => {
    const wrong = {
      ...store,
      check: () => [
        { path: 'url', must: 'be a URL', value: 1 },
        { path: '', must: 'be right', value: 2 },
      ],
    }
    expect(problems({ store: wrong, placement: tokenRing({ tokens: 0 }) })).toEqual([
      'store.url must be a URL',
      'store must be right',
      'placement.tokens must be >= 1',
    ])
  })

  it('a zone that is not one of those declared does not start, but may look', async () => {
    const world = new World()
    const a = world.member('a', { zones: ['z1', 'z2'] }, { instance: { id: 'a', zone: 'z3' } })
    await expect(a.start()).rejects.toThrow('instance.zone must be one of z1, z2: current value is "z3"')
    await a.stop()
    const looks = world.member('a', { zones: ['z1', 'z2'] }, { observer: true })
    await looks.start()
    await looks.stop()
    const b = world.member('b', { zones: ['z1', 'z2'] }, { instance: { id: 'b', zone: 'z2' } })
    await b.start()
  })

  it('that members must agree on are in their fingerprint', async () => {
    const fingerprint = async (options: Partial<HashRingOptions>) => {
      const world = new World()
      const a = world.member('a', options, { instance: { id: 'a', zone: 'z1' } })
      await a.start()
      const record = world.table.entries().members.get('a')
      await a.stop()
      return record?.fingerprint
    }
    const all = await Promise.all([
      fingerprint({}),
      fingerprint({ replicas: 2 }),
      fingerprint({ zones: ['z1'] }),
      fingerprint({ placement: tokenRing() }),
      fingerprint({ placement: balanced() }),
    ])
    expect(new Set(all).size).toBe(5)
    expect(await fingerprint({ handoverDelay: '1s', grace: '1m', minMembers: 1, address: 'http://a' })).toBe(all[0])
  })
})

it('200 blocks are shared by members with one view: each has its replicas, the same for all', async () => {
  const world = new World()
  const members = [await world.started('a', { replicas: 2 }), await world.started('b', { replicas: 2 })]
  members.push(await world.started('c', { replicas: 2 }))
  await world.advance(500)
  for (const { meta } of sampleBlocks(200)) {
    const claims = await Promise.all(members.map(({ plugin }) => plugin.claim(meta, never)))
    expect(claims.filter(({ status }) => status === 'granted')).toHaveLength(2)
    const owners = members.map(({ handover }) => handover.owners(meta).map(({ member, target }) => [member, target]))
    expect(owners[1]).toEqual(owners[0])
    expect(owners[2]).toEqual(owners[0])
  }
})
