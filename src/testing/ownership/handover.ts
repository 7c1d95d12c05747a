/** Cases of plugins that have a handover. */
import type { Handover, Owner } from '../../contracts/ownership.ts'
import { assert, assertEqual } from '../assert.ts'
import type { OwnershipIt, Subject } from './subject.ts'

const STATES: readonly unknown[] = ['active', 'leaving', 'down']

export function handoverCases(it: OwnershipIt): void {
  const { signal } = new AbortController()

  it('owners() answers at once, the same twice, and moves no epoch', async s => {
    const handover = handoverOf(s)
    const epoch = s.plugin.epoch()
    for (const meta of s.metas) {
      const owners: readonly Owner[] = handover.owners(meta)
      assert(Array.isArray(owners), `owners() of ${meta.ulid} to be a list, not a promise`)
      for (const owner of owners) assertOwner(owner)
      assertEqual(new Set(owners.map(o => o.member)).size, owners.length, 'no member to be named twice')
      assertEqual(handover.owners(meta), owners, `the same owners of ${meta.ulid} the second time`)
    }
    assertEqual(s.plugin.epoch(), epoch, 'the epoch to stay as it was')
  })

  it('members() knows this member, with a known state', async s => {
    const members = handoverOf(s).members()
    const me = s.services.instance.id
    const ids = members.map(m => m.id)
    assert(ids.includes(me), `${me} to be among the members: current value is ${ids.join(', ')}`)
    for (const { id, state, heartbeatAge } of members) {
      assert(STATES.includes(state), `a known state of ${id}: current value is ${JSON.stringify(state)}`)
      assert(heartbeatAge >= 0, `the age of the last heartbeat of ${id} to be >= 0: current value is ${heartbeatAge}`)
    }
  })

  it('publish() and serve() take empty sets', async s => {
    const handover = handoverOf(s)
    await s.ends(handover.publish(new Set(), signal), 'publish() of nothing')
    await s.ends(handover.serve({ added: [], dropped: [] }, signal), 'serve() of nothing')
  })

  it('a block that this member is a target of is not released', async s => {
    const handover = handoverOf(s)
    const me = s.services.instance.id
    const mine = s.metas.find(meta => handover.owners(meta).some(owner => owner.target && owner.member === me))
    assert(mine, `${me} to be a target of one of ${s.metas.length} blocks`)
    await s.ends(handover.publish(new Set([mine.ulid]), signal), 'publish() of one block')
    const release = handover.release({ id: mine.ulid, superseding: mine }, s.plugin.epoch(mine), signal)
    assertEqual(await s.ends(release, 'release()'), 'kept', `the release of ${mine.ulid}`)
  })
}

function handoverOf({ plugin }: Subject): Handover {
  assert(plugin.handover, 'every instance to have a handover')
  return plugin.handover
}

function assertOwner(owner: Owner): void {
  assert(typeof owner.member === 'string' && owner.member !== '', 'an owner to have a member id')
  assert(Number.isInteger(owner.rank) && owner.rank >= 0, `a rank >= 0: current value is ${owner.rank}`)
  for (const field of ['target', 'serves', 'live'] as const) {
    assert(typeof owner[field] === 'boolean', `${field} of an owner to be true or false`)
  }
}
