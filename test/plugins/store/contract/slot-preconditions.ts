/** Cases of releases that depend on the records of a slot. */
import { codeOf, ErrorCode } from 'blockgate'
import type { ReleaseItem, SlotStore } from 'blockgate/members'
import { assertEqual, assertRejects, testId } from 'blockgate/testing'
import { held, hold, slotIt } from './slot-subject.ts'
import { hasSlots, slotsOf } from './slot-views.ts'
import { type Contract, claimsOf, type Process, type Subject } from './subject.ts'

const [A, B] = [testId(1), testId(2)]

export function slotPreconditionCases(kit: Contract): void {
  const it = slotIt(kit)
  const guarded = async (s: Subject, store: SlotStore) => {
    const [a, b] = [await s.member('a', [A, B]), await s.member('b', [A, B])]
    await held(store, b)
    await held(store, b, { slot: 8 })
    const item = async (): Promise<ReleaseItem> => {
      const holders = (await slotsOf(store)).filter(({ slot }) => slot === 7)
      return { id: A, superseding: A, targets: ['b'], quorum: 'all', precondition: { slot: 7, holders } }
    }
    return { a, b, item: await item(), again: item }
  }
  it('a release goes through while the records of its slot are the ones it was decided by', async (s, store) => {
    const { a, item } = await guarded(s, store)
    assertEqual(await a.release([item]), { status: 'ok', released: [A] }, 'the reply')
  })
  const changes: Readonly<Record<string, (store: SlotStore, b: Process) => Promise<unknown>>> = {
    'has another fence': (store, b) => held(store, b),
    'was given up': async (store, b) => hold(store, b, { fence: await store.fence(), give: true }),
    'has another rank held, too': (store, b) => held(store, b, { rank: 0 }),
    'has the last rank held, too': (store, b) => held(store, b, { rank: 15 }),
  }
  for (const [what, change] of Object.entries(changes)) {
    it(`a release is kept where the slot ${what} since, and those beside it are not`, async (s, store) => {
      const { a, b, item, again } = await guarded(s, store)
      await change(store, b)
      const other: ReleaseItem = { id: B, superseding: B, targets: ['b'], quorum: 'all' }
      assertEqual(await a.release([item, other]), { status: 'ok', released: [B] }, 'the reply')
      assertEqual(await claimsOf(a), [A], 'the claims')
      assertEqual(await a.release([await again()]), { status: 'ok', released: [A] }, 'the reply to one decided anew')
    })
  }
  it('a guard comes on top of what every release needs', async (s, store) => {
    const { a, item } = await guarded(s, store)
    const decidedIn = (await s.epoch()) - 1
    assertEqual(await a.release([item], { decidedIn }), { status: 'epoch' }, 'the reply to one of another epoch')
    for (const unmet of [{ targets: ['a'] }, { targets: [] }, { targets: ['b', 'c'] }])
      assertEqual(
        await a.release([{ ...item, ...unmet }]),
        { status: 'ok', released: [] },
        `the reply to ${JSON.stringify(unmet)}`,
      )
    await s.store.freeze(true)
    assertEqual(await a.release([item]), { status: 'frozen' }, 'the reply while frozen')
  })
  it('a release is kept where its slot changed hands, also to the one who asks', async (s, store) => {
    const { a, item } = await guarded(s, store)
    await held(store, a)
    assertEqual(await a.release([item]), { status: 'ok', released: [] }, 'the reply')
    assertEqual(await claimsOf(a), [A, B], 'the claims')
  })
  it('each item of one release has the guard of its own', async (s, store) => {
    const { a, item } = await guarded(s, store)
    const other: ReleaseItem = { ...item, id: B, superseding: B, precondition: { slot: 8, holders: [] } }
    assertEqual(await a.release([other, item]), { status: 'ok', released: [A] }, 'the reply')
    const right = { slot: 8, holders: (await slotsOf(store)).filter(({ slot }) => slot === 8) }
    assertEqual(
      await a.release([{ ...other, precondition: right }]),
      { status: 'ok', released: [B] },
      'the reply to the right one',
    )
  })
  it('a guard with a slot, a rank or a fence that cannot be, or a rank twice, is refused with stage-misuse', async (s, store) => {
    const { a, item } = await guarded(s, store)
    const record = { rank: 1, holder: 'b', fence: 0, ...item.precondition?.holders[0] }
    const before = await s.everything()
    for (const wrong of [
      ...[-1, 0.5, 65_536].map(slot => ({ slot, holders: [] })),
      ...[-1, 0.5, 16].map(rank => ({ slot: 7, holders: [{ ...record, rank }] })),
      ...[-1, 0.5].map(fence => ({ slot: 7, holders: [{ ...record, fence }] })),
      { slot: 7, holders: [{ ...record, holder: 'a' }, record] },
    ]) {
      const error = await assertRejects(() => a.release([{ ...item, precondition: wrong }]), JSON.stringify(wrong))
      assertEqual(codeOf(error), ErrorCode.stageMisuse, `the code for ${JSON.stringify(wrong)}`)
    }
    assertEqual(await s.everything(), before, 'nothing to be written')
  })
  kit.it('a store without slots keeps what depends on one', async s => {
    if (hasSlots(s.store)) return
    const a = await s.member('a', [A, B])
    await s.member('b', [A, B])
    const item: ReleaseItem = {
      id: A,
      superseding: A,
      targets: ['b'],
      quorum: 'all',
      precondition: { slot: 7, holders: [] },
    }
    const other: ReleaseItem = { id: B, superseding: B, targets: ['b'], quorum: 'all' }
    assertEqual(await a.release([item, other]), { status: 'ok', released: [B] }, 'the reply')
  })
  it('a release is kept where it names fewer records than the slot has, or others', async (s, store) => {
    const { a, item } = await guarded(s, store)
    const record = { rank: 1, holder: 'b', fence: 0, ...item.precondition?.holders[0] }
    for (const holders of [
      [],
      [{ ...record, holder: 'a' }],
      [{ ...record, rank: 2 }],
      [record, { ...record, rank: 2 }],
    ]) {
      assertEqual(
        await a.release([{ ...item, precondition: { slot: 7, holders } }]),
        { status: 'ok', released: [] },
        'the reply',
      )
    }
    const elsewhere = { ...item, precondition: { slot: 9, holders: [] } }
    assertEqual(await a.release([elsewhere]), { status: 'ok', released: [A] }, 'the reply for a slot nobody ever held')
  })
}
