/** Cases of slots: fences and holders. */
import { codeOf, ErrorCode } from 'blockgate'
import type { SlotStore } from 'blockgate/members'
import { assert, assertEqual, assertRejects } from 'blockgate/testing'
import { held, hold, slotIt } from './slot-subject.ts'
import { slotsOf, viewOf } from './slot-views.ts'
import { type Contract, versionOf } from './subject.ts'

const WRONG = [
  ...[{ slot: -1 }, { slot: 0.5 }, { slot: 65_536 }, { rank: -1 }, { rank: 0.5 }, { rank: 16 }],
  ...[{ fence: -1 }, { fence: 0.5 }, { fence: Number.MAX_SAFE_INTEGER }],
]

export function slotCases(kit: Contract): void {
  const it = slotIt(kit)

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
    assertEqual({ ...(await viewOf(store)), version: 0 }, { version: 0, slots: [], broken: 0 }, 'the slots')
  })
  it('a member is recorded with its fence, and every client sees it', async (s, store) => {
    const a = await s.member('a')
    const fence = await held(store, a)
    assertEqual(await slotsOf(s.other as SlotStore), [{ slot: 7, rank: 1, holder: 'a', fence }], 'the slots')
  })
  it('slots of a known version are not told again, and those of another one are', async (s, store) => {
    const a = await s.member('a')
    const empty = await viewOf(store)
    await held(store, a)
    const view = await store.slots(empty.version)
    assertEqual(view?.slots.length, 1, 'the number of slots after a change')
    assertEqual(await store.slots(view?.version), undefined, 'the slots of a known version')
    assertEqual(await (s.other as SlotStore).slots(view?.version), undefined, 'the same for another client')
    await held(store, a)
    const again = await store.slots(view?.version)
    assert(again && view && again.version > view.version, 'slots of a larger version after another change')
    assert(await store.slots(empty.version), 'slots for one who knows an old version')
    await hold(store, a, { fence: await store.fence(), give: true })
    assert(await store.slots(again.version), 'slots after one was given up')
  })
  it('only a larger fence takes a slot over', async (s, store) => {
    const [a, b] = [await s.member('a'), await s.member('b')]
    const before = await store.fence()
    const fence = await held(store, a)
    const written = await s.everything()
    const { version } = await viewOf(store)
    for (const old of [before, fence]) {
      assertEqual(await hold(store, b, { fence: old }), 'older', `the reply to fence ${old}`)
    }
    assertEqual(await hold(store, a, { fence, give: true }), 'older', 'the reply to its holder with its own fence')
    assertEqual(await s.everything(), written, 'nothing to be written')
    assertEqual(await store.slots(version), undefined, 'the version of the slots to be the same')
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
  it('a slot that nobody ever held cannot be given up', async (s, store) => {
    const a = await s.member('a')
    assertEqual(await hold(store, a, { fence: await store.fence(), give: true }), 'older', 'the reply')
    assertEqual(await slotsOf(store), [], 'the slots')
  })
  it('a hold is a sign of life and changes no claims; it raises no epoch, and may be done while frozen', async (s, store) => {
    const a = await s.member('a')
    await s.member('b')
    await s.store.freeze(true)
    const [epoch, claims] = [await s.epoch(), await versionOf(a)]
    await s.pass(20, 'b')
    await held(store, a)
    const { heartbeats } = await store.heartbeats()
    const [own, other] = [heartbeats.get('a'), heartbeats.get('b')]
    assert(own && other && own.age < other.age, 'a heartbeat that is younger than one of before')
    assertEqual([own.sequence, own.claims, own.storeId], [a.sequence, claims, a.storeId], 'the heartbeat')
    assertEqual(await s.epoch(), epoch, 'the epoch')
  })
  it('watch is told of a slot that changed', async (s, store) => {
    const a = await s.member('a')
    for (const [what, watched] of Object.entries({ other: s.other, own: s.store })) {
      let told = 0
      using _ = watched.watch(() => told++)
      // One of the calls may be for the join, late; not all of them.
      for (let i = 0; i < 5; i++) {
        const before = told
        await held(store, a)
        await s.until(() => told > before, `a call of the ${what} client`)
      }
    }
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
    const down = await s.everything()
    assertEqual(await store.hold(a.stamp(), request), 'missing', 'the reply to a member that is down')
    assertEqual(await s.everything(), down, 'nothing to be written')
    assertEqual(await slotsOf(store), [], 'the slots')
  })
  it('the records outlive their holder', async (s, store) => {
    const a = await s.member('a')
    const fence = await held(store, a)
    await a.leave()
    assertEqual(await slotsOf(store), [{ slot: 7, rank: 1, holder: 'a', fence }], 'the slots when it is down')
    await store.forget('a', (await s.record('a')).changed)
    assertEqual(await slotsOf(store), [{ slot: 7, rank: 1, holder: 'a', fence }], 'the slots when it is forgotten')
    const b = await s.member('b')
    await held(store, b)
    assertEqual((await slotsOf(store))[0]?.holder, 'b', 'the holder after it')
  })
  it('slots, ranks and fences that are not what they must be are refused with stage-misuse', async (s, store) => {
    const a = await s.member('a')
    for (const wrong of WRONG) {
      const what = `hold() of ${JSON.stringify(wrong)}`
      const error = await assertRejects(() => hold(store, a, { fence: 9, ...wrong }), what)
      assertEqual(codeOf(error), ErrorCode.stageMisuse, `the code of ${what}`)
    }
    for (const [slot, rank] of [
      [0, 0],
      [65_535, 15],
    ] as const)
      await held(store, a, { slot, rank })
  })
}
