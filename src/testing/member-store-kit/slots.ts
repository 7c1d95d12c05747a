/** Cases of slots: fences, holders, and releases that depend on them. Only for stores that have slots. */
import type { ReleaseItem, SlotRecord } from '../../members/contract.ts'
import type { SlotStore } from '../../members/slots.ts'
import { testId } from '../blocks.ts'
import { assert, assertEqual, assertRejects } from '../kit.ts'
import { claimsOf, type MemberStoreKit, type Process, type Subject } from './subject.ts'

const [A, B] = [testId(1), testId(2)]

export function slotCases(kit: MemberStoreKit): void {
  const it = (name: string, fn: (s: Subject, store: SlotStore) => Promise<void>) =>
    kit.it(name, async s => {
      if (hasSlots(s.store)) await fn(s, s.store)
    })

  it('fences grow, for every client, past the epoch, and raise no epoch', async (s, store) => {
    const a = s.process('a')
    await a.joined()
    const epoch = await s.epoch()
    const fences = [await store.fence(), await (s.other as SlotStore).fence(), await store.fence()]
    assert(
      fences.every((fence, i) => fence > (fences[i - 1] ?? epoch)),
      `fences above ${epoch}: are ${fences.join()}`,
    )
    assertEqual(await s.epoch(), epoch, 'the epoch')
  })
  it('no slot has a holder at first', async (_, store) => {
    assertEqual((await store.slots(undefined))?.slots, [], 'the slots')
  })
  it('a member is recorded with its fence, and every client sees it', async (s, store) => {
    const a = await s.member('a')
    const fence = await held(store, a)
    assertEqual(await slotsOf(s.other as SlotStore), [{ slot: 7, rank: 1, holder: 'a', fence }], 'the slots')
  })
  it('slots of a known version are not told again, and those of another one are', async (s, store) => {
    const a = await s.member('a')
    const empty = await store.slots(undefined)
    await held(store, a)
    const view = await store.slots(empty?.version)
    assertEqual(view?.slots.length, 1, 'the number of slots after a change')
    assertEqual(await store.slots(view?.version), undefined, 'the slots of a known version')
    await held(store, a)
    assert(await store.slots(view?.version), 'slots after another change')
  })
  it('only a larger fence takes a slot over', async (s, store) => {
    const [a, b] = [await s.member('a'), await s.member('b')]
    const before = await store.fence()
    const fence = await held(store, a)
    for (const old of [before, fence]) {
      assertEqual(await hold(store, b, { fence: old }), 'older', `the reply to fence ${old}`)
    }
    assertEqual((await slotsOf(store))[0]?.holder, 'a', 'the holder')
    await held(store, b)
    assertEqual((await slotsOf(store))[0]?.holder, 'b', 'the holder after a larger fence')
  })
  it('ranks of one slot, and slots, do not touch one another', async (s, store) => {
    const [a, b] = [await s.member('a'), await s.member('b')]
    await held(store, a)
    await held(store, b, { rank: 0 })
    await held(store, b, { slot: 70 })
    const holders = (await slotsOf(store)).map(r => `${r.slot}/${r.rank} ${r.holder}`)
    assertEqual(holders, ['7/0 b', '7/1 a', '70/1 b'], 'the holders')
  })
  it('its holder gives a slot up; nobody else does', async (s, store) => {
    const [a, b] = [await s.member('a'), await s.member('b')]
    await held(store, a)
    assertEqual(
      await hold(store, b, { fence: await store.fence(), give: true }),
      'older',
      'the reply to another member',
    )
    const fence = await store.fence()
    assertEqual(await hold(store, a, { fence, give: true }), 'ok', 'the reply to the holder')
    assertEqual(await slotsOf(store), [{ slot: 7, rank: 1, holder: '', fence }], 'the slots')
    assertEqual(await hold(store, a, { fence: await store.fence(), give: true }), 'older', 'the reply once it is free')
    await held(store, b)
  })
  it('a write of an old process, an old write, and one of a member that is down record nobody', async (s, store) => {
    const a = await s.member('a')
    const fence = await store.fence()
    const request = { slot: 7, rank: 1, fence, give: false }
    assertEqual(await store.hold({ ...a.stamp(), sequence: 0 }, request), 'stale', 'the reply to an old write')
    assertEqual(
      await store.hold({ ...a.stamp(), incarnation: 1 }, request),
      'superseded',
      'the reply to an old process',
    )
    assertEqual(await store.hold({ ...a.stamp(), id: 'nobody' }, request), 'missing', 'the reply to a stranger')
    await s.expire('a')
    assertEqual(await store.hold(a.stamp(), request), 'missing', 'the reply to a member that is down')
    assertEqual(await slotsOf(store), [], 'the slots')
  })
  it('the records outlive their holder', async (s, store) => {
    const a = await s.member('a')
    const fence = await held(store, a)
    await a.leave()
    await store.forget('a', (await s.record('a')).changed)
    assertEqual(await slotsOf(store), [{ slot: 7, rank: 1, holder: 'a', fence }], 'the slots')
  })
  it('slots, ranks and fences that are not what they must be are refused', async (s, store) => {
    const a = await s.member('a')
    for (const wrong of [{ slot: -1 }, { slot: 0.5 }, { slot: 65_536 }, { rank: -1 }, { rank: 16 }, { fence: -1 }]) {
      await assertRejects(
        () => hold(store, a, { fence: 9, ...wrong }),
        `hold() of ${JSON.stringify(wrong)} to be refused`,
      )
    }
  })

  const guarded = async (s: Subject, store: SlotStore) => {
    const [a, b] = [await s.member('a', [A, B]), await s.member('b', [A, B])]
    await held(store, b)
    await held(store, b, { slot: 8 })
    const item = async (): Promise<ReleaseItem> => {
      const holders = (await slotsOf(store)).filter(({ slot }) => slot === 7)
      return { id: A, needs: A, targets: ['b'], quorum: 'all', guard: { slot: 7, holders } }
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
  }
  for (const [what, change] of Object.entries(changes)) {
    it(`a release is kept where the slot ${what} since, and those beside it are not`, async (s, store) => {
      const { a, b, item, again } = await guarded(s, store)
      await change(store, b)
      const other: ReleaseItem = { id: B, needs: B, targets: ['b'], quorum: 'all' }
      assertEqual(await a.release([item, other]), { status: 'ok', released: [B] }, 'the reply')
      assertEqual(await claimsOf(a), [A], 'the claims')
      assertEqual(await a.release([await again()]), { status: 'ok', released: [A] }, 'the reply to one decided anew')
    })
  }
  it('a release is kept where it names fewer records than the slot has, or others', async (s, store) => {
    const { a, item } = await guarded(s, store)
    const record = { rank: 1, holder: 'b', fence: 0, ...item.guard?.holders[0] }
    for (const holders of [
      [],
      [{ ...record, holder: 'a' }],
      [{ ...record, rank: 2 }],
      [record, { ...record, rank: 2 }],
    ]) {
      assertEqual(
        await a.release([{ ...item, guard: { slot: 7, holders } }]),
        { status: 'ok', released: [] },
        'the reply',
      )
    }
    const elsewhere = { ...item, guard: { slot: 9, holders: [] } }
    assertEqual(await a.release([elsewhere]), { status: 'ok', released: [A] }, 'the reply for a slot nobody ever held')
  })
}

function hasSlots(store: object): store is SlotStore {
  return 'fence' in store && 'hold' in store && 'slots' in store
}

type Given = Partial<Parameters<SlotStore['hold']>[1]>

function hold(store: SlotStore, member: Process, given: Given & { readonly fence: number }) {
  return store.hold(member.stamp(), { slot: 7, rank: 1, give: false, ...given })
}

async function held(store: SlotStore, member: Process, given: Given = {}): Promise<number> {
  const fence = await store.fence()
  assertEqual(await hold(store, member, { ...given, fence }), 'ok', `the slot to be held by ${member.id}`)
  return fence
}

async function slotsOf(store: SlotStore): Promise<readonly SlotRecord[]> {
  const slots = (await store.slots(undefined))?.slots ?? []
  return slots.toSorted((a, b) => a.slot - b.slot || a.rank - b.rank)
}
