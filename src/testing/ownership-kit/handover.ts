/** The cases of testOwnership() for plugins that have a handover. */
import type { Services } from '../../contracts/host.ts'
import type { Handover, Member, Owner, OwnershipPlugin } from '../../contracts/ownership.ts'
import { within } from '../component-kit.ts'
import { assert, assertEqual, type Runner } from '../kit.ts'
import type { OwnershipKit } from './options.ts'

const STATES: readonly unknown[] = ['active', 'leaving', 'down']

export function handoverCases(runner: Runner, kit: OwnershipKit): void {
  const { it } = runner
  const { signal } = new AbortController()
  const started = (use: (handover: Handover, plugin: OwnershipPlugin, services: Services) => Promise<void>) =>
    kit.started(async (plugin, services) => {
      assert(plugin.handover, 'every instance to have a handover')
      await use(plugin.handover, plugin, services)
    })

  it('owners() answers at once, the same twice, and moves no epoch', async () => {
    await started(async (handover, plugin) => {
      const epoch = plugin.epoch()
      for (const { meta } of kit.blocks) {
        const owners: readonly Owner[] = handover.owners(meta)
        assert(Array.isArray(owners), `owners() of ${meta.ulid} to be a list, not a promise`)
        for (const owner of owners) assertOwner(owner)
        assertEqual(new Set(owners.map(o => o.member)).size, owners.length, 'no member to be named twice')
        assertEqual(handover.owners(meta), owners, `the same owners of ${meta.ulid} the second time`)
      }
      assertEqual(plugin.epoch(), epoch, 'the epoch to stay as it was')
    })
  })

  it('members() knows this member, with a known state', async () => {
    await started(async (handover, _, { instance }) => {
      const members: readonly Member[] = handover.members()
      const ids = members.map(m => m.id)
      assert(ids.includes(instance.id), `${instance.id} to be among the members: current value is ${ids.join(', ')}`)
      for (const { id, state, heartbeatAge } of members) {
        assert(STATES.includes(state), `a known state of ${id}: current value is ${JSON.stringify(state)}`)
        assert(heartbeatAge >= 0, `the age of the last heartbeat of ${id} to be >= 0: current value is ${heartbeatAge}`)
      }
    })
  })

  it('publish() and serve() take empty sets', async () => {
    await started(async (handover, _, { host }) => {
      await within(host, handover.publish(new Set(), signal), 'publish() of nothing')
      await within(host, handover.serve({ added: [], dropped: [] }, signal), 'serve() of nothing')
    })
  })

  it('a block that this member is a target of is not released', async () => {
    await started(async (handover, plugin, { host, instance }) => {
      const isTarget = (o: Owner) => o.target && o.member === instance.id
      const mine = kit.blocks.find(({ meta }) => handover.owners(meta).some(isTarget))?.meta
      assert(mine, `${instance.id} to be a target of one of ${kit.blocks.length} blocks`)
      await within(host, handover.publish(new Set([mine.ulid]), signal), 'publish() of one block')
      const release = handover.release({ id: mine.ulid, superseding: mine }, plugin.epoch(mine), signal)
      assertEqual(await within(host, release, 'release()'), 'kept', `the release of ${mine.ulid}`)
    })
  })
}

function assertOwner(owner: Owner): void {
  assert(typeof owner.member === 'string' && owner.member !== '', 'an owner to have a member id')
  assert(Number.isInteger(owner.rank) && owner.rank >= 0, `a rank >= 0: current value is ${owner.rank}`)
  for (const field of ['target', 'serves', 'live'] as const) {
    assert(typeof owner[field] === 'boolean', `${field} of an owner to be true or false`)
  }
}
