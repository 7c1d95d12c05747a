/** Cases of slots: fences, holders, and the releases that depend on them. */
import type { ReleaseItem } from 'blockgate/members'
import { expect } from 'vitest'
import { recordsIn, slotsAfter } from '../../../support/slot-views.ts'
import { A, B, type Cases, itemOf, ok, type Process, type SlotSubject, slotsOf, viewOf } from './subject.ts'

const WRONG = [
  ...[{ slot: -1 }, { slot: 0.5 }, { slot: 65_536 }, { rank: -1 }, { rank: 0.5 }, { rank: 16 }],
  ...[{ fence: -1 }, { fence: 0.5 }, { fence: Number.MAX_SAFE_INTEGER }],
]

/** Members a and b serve A and B; b holds a rank of slots 7 and 8. `item` is decided by what slot 7 is now. */
async function decided(s: SlotSubject) {
  const [a, b] = [await s.member('a', [A, B]), await s.member('b', [A, B])]
  await s.held(b)
  await s.held(b, { slot: 8 })
  const again = async (): Promise<ReleaseItem> => {
    const holders = (await slotsOf(s.store)).filter(({ slot }) => slot === 7)
    return itemOf(A, { precondition: { slot: 7, holders } })
  }
  const item = await again()
  const entry = { rank: 1, holder: 'b', fence: 0, ...item.precondition?.holders[0] }
  return { a, b, item, again, entry }
}

const CHANGES: Readonly<Record<string, (s: SlotSubject, b: Process) => Promise<unknown>>> = {
  'has another fence': (s, b) => s.held(b),
  'was given up': async (s, b) => s.hold(b, { fence: await s.store.fence(), give: true }),
  'has another rank held, too': (s, b) => s.held(b, { rank: 0 }),
  'has the last rank held, too': (s, b) => s.held(b, { rank: 15 }),
}

export const SLOTS: Cases<SlotSubject> = {
  'fences grow, for every client, past the epoch, and raise no epoch': async s => {
    await s.process('a').joined()
    const epoch = await s.epoch()
    const fences = [epoch, await s.store.fence(), await s.other.fence(), await s.store.fence()]
    expect(fences).toEqual([...new Set(fences)].sort((x, y) => x - y))
    expect(await s.epoch()).toBe(epoch)
  },
  'no slot has a holder at first; one is recorded with its fence, and every client sees it': async s => {
    expect(await viewOf(s.store)).toMatchObject({ slots: [], broken: 0 })
    const a = await s.member('a')
    const fence = await s.held(a)
    expect(await slotsOf(s.other)).toEqual([{ slot: 7, rank: 1, holder: 'a', fence }])
  },
  'slots of a known version are not told again, and those of another one are': async s => {
    const a = await s.member('a')
    const empty = await viewOf(s.store)
    await s.held(a)
    const view = await s.store.slots(empty.mark)
    expect(view?.slots.length).toBe(1)
    for (const store of [s.store, s.other]) expect(await store.slots(view?.mark)).toBeUndefined()
    await s.held(a)
    const again = await s.store.slots(view?.mark)
    expect(again?.version).toBeGreaterThan(view?.version ?? 0)
    expect(await s.store.slots(empty.mark)).toBeDefined()
    await s.hold(a, { fence: await s.store.fence(), give: true })
    expect(await s.store.slots(again?.mark)).toBeDefined()
  },
  'whoever knows a mark is told what was recorded since, each once, and nothing twice': async s => {
    const a = await s.member('a')
    for (const slot of [1, 2, 3]) await s.held(a, { slot })
    const known = await viewOf(s.store)
    for (const slot of [2, 5, 2]) await s.held(a, { slot })
    await s.hold(a, { slot: 3, fence: await s.store.fence(), give: true })
    for (const store of [s.store, s.other]) {
      const read = await store.slots(known.mark)
      expect(read?.whole).toBe(false)
      expect(read?.slots.map(({ slot }) => slot).toSorted()).toEqual([2, 3, 5])
      const after = slotsAfter(known, read)
      expect([after.version, recordsIn(after)]).toEqual([read?.version, recordsIn(await viewOf(store))])
      await s.held(a, { slot: 3 })
      expect((await store.slots(after.mark))?.slots.map(({ slot }) => slot)).toEqual([3])
    }
  },
  'whoever knows a mark that the store does not know, or one too long ago, is told everything': async s => {
    const a = await s.member('a')
    await s.held(a, { slot: 1 })
    const old = await viewOf(s.store)
    const [version, ...stamp] = old.mark.split(' ')
    // Of the same version, and another write.
    const strange = ['', 'x', `${version}`, [version, ...stamp.slice(0, -1), 1e9].join(' '), `${Number(version) - 1}`]
    await s.held(a, { slot: 2 })
    for (const mark of strange) expect(await s.store.slots(mark)).toMatchObject({ whole: true, slots: [{}, {}] })
    expect(await s.store.slots(old.mark)).toMatchObject({ whole: false, slots: [{ slot: 2 }] })
    for (let i = 0; i < 256; i++) await s.held(a, { slot: 3 })
    expect(await s.store.slots(old.mark)).toMatchObject({ whole: true, slots: [{}, {}, {}] })
  },
  'several ranks are recorded at once, and one that is refused is no hindrance to the others': async s => {
    const [a, b] = [await s.member('a'), await s.member('b')]
    const ranks = [1, 2, 3].map(slot => ({ slot, rank: slot }))
    const [first, second, third] = ranks
    const old = await s.store.fence()
    await s.held(b, second)
    const { mark } = await viewOf(s.store)
    expect(await s.store.hold(a.stamp(), { ranks, fence: old, give: false })).toEqual({
      status: 'ok',
      recorded: [first, third],
    })
    expect((await s.store.slots(mark))?.slots.map(({ slot }) => slot).toSorted()).toEqual([1, 3])
    const fence = await s.store.fence()
    expect(await s.store.hold(b.stamp(), { ranks, fence, give: true })).toEqual({ status: 'ok', recorded: [second] })
    expect((await slotsOf(s.store)).map(({ holder }) => holder)).toEqual(['a', '', 'a'])
    await s.refused(() => s.store.hold(b.stamp(), { ranks: [], fence, give: false }), { status: 'ok', recorded: [] })
  },
  'a rank that is named twice in one call, and too many of them, are rejected': async s => {
    const a = await s.member('a')
    const fence = await s.store.fence()
    const many = Array.from({ length: 501 }, (_, slot) => ({ slot, rank: 0 }))
    await s.rejected(
      [many, [...many.slice(0, 2), { slot: 1, rank: 0 }]].map(
        ranks => () => s.store.hold(a.stamp(), { ranks, fence, give: false }),
      ),
      'stage-misuse',
    )
    const ranks = many.slice(0, 500)
    expect(await s.store.hold(a.stamp(), { ranks, fence, give: false })).toEqual({ status: 'ok', recorded: ranks })
  },
  'only a larger fence takes a slot over': async s => {
    const [a, b] = [await s.member('a'), await s.member('b')]
    const before = await s.store.fence()
    const fence = await s.held(a)
    const { mark } = await viewOf(s.store)
    for (const old of [before, fence]) await s.refused(() => s.hold(b, { fence: old }), 'older')
    await s.refused(() => s.hold(a, { fence, give: true }), 'older')
    expect(await s.store.slots(mark)).toBeUndefined()
    await s.held(b)
    expect((await slotsOf(s.store))[0]?.holder).toBe('b')
  },
  'ranks of one slot, and slots, do not touch one another': async s => {
    const [a, b] = [await s.member('a'), await s.member('b')]
    await s.held(a)
    await s.held(b, { rank: 0 })
    await s.held(b, { slot: 70 })
    const holders = (await slotsOf(s.store)).map(({ slot, rank, holder }) => `${slot}/${rank} ${holder}`)
    expect(holders).toEqual(['7/0 b', '7/1 a', '70/1 b'])
  },
  'its holder gives a slot up; nobody else does, and nobody one that nobody held': async s => {
    const [a, b] = [await s.member('a'), await s.member('b')]
    const gives = async (member: Process) => s.hold(member, { fence: await s.store.fence(), give: true })
    expect([await gives(a), await slotsOf(s.store)]).toEqual(['older', []])
    await s.held(a)
    expect(await gives(b)).toBe('older')
    const fence = await s.store.fence()
    expect(await s.hold(a, { fence, give: true })).toBe('ok')
    expect(await slotsOf(s.store)).toEqual([{ slot: 7, rank: 1, holder: '', fence }])
    expect(await gives(a)).toBe('older')
    await s.held(b)
  },
  'a hold is a sign of life and changes nothing that is served; it raises no epoch, and may be done while frozen':
    async s => {
      const a = await s.member('a')
      await s.member('b')
      await s.store.freeze(true)
      const [epoch, version] = [await s.epoch(), await a.version()]
      await s.pass(20, 'b')
      await s.held(a)
      const [own, other] = [await s.heartbeat('a'), await s.heartbeat('b')]
      expect(own).toMatchObject({ sequence: a.sequence, version, storeId: a.storeId })
      expect(own.age).toBeLessThan(other.age)
      expect(await s.epoch()).toBe(epoch)
    },
  'watch is told of a slot that changed': async s => {
    const a = await s.member('a')
    for (const [what, watched] of Object.entries({ other: s.other, own: s.store })) {
      let told = 0
      using _ = watched.watch(() => told++)
      // One of the calls may be for the join, late; not all of them.
      for (let i = 0; i < 5; i++) {
        const before = told
        await s.held(a)
        await s.until(() => told > before, `a call of the ${what} client`)
      }
    }
  },
  'a write of an old process, an old write, and one of a member that is down record nobody': async s => {
    const a = await s.member('a')
    const request = { ranks: [{ slot: 7, rank: 1 }], fence: await s.store.fence(), give: false }
    await s.refused(() => s.store.hold({ ...a.stamp(), sequence: 0 }, request), { status: 'stale' })
    await s.refused(() => s.store.hold({ ...a.stamp(), incarnation: 1 }, request), { status: 'superseded' })
    await s.refused(() => s.store.hold({ ...a.stamp(), id: 'nobody' }, request), { status: 'missing' })
    await s.expire('a')
    await s.refused(() => s.store.hold(a.stamp(), request), { status: 'missing' })
  },
  'the entries outlive their holder': async s => {
    const a = await s.member('a')
    const entries = [{ slot: 7, rank: 1, holder: 'a', fence: await s.held(a) }]
    await a.leave()
    expect(await slotsOf(s.store)).toEqual(entries)
    await s.forget('a')
    expect(await slotsOf(s.store)).toEqual(entries)
    await s.held(await s.member('b'))
    expect((await slotsOf(s.store))[0]?.holder).toBe('b')
  },
  'slots, ranks and fences that are not what they must be are rejected': async s => {
    const a = await s.member('a')
    await s.rejected(
      WRONG.map(wrong => () => s.hold(a, { fence: 9, ...wrong })),
      'stage-misuse',
    )
    await s.held(a, { slot: 0, rank: 0 })
    await s.held(a, { slot: 65_535, rank: 15 })
  },
  'a release goes through while the entries of its slot are those it was decided by, on top of what all need':
    async s => {
      const { a, item } = await decided(s)
      const decidedIn = (await s.epoch()) - 1
      expect(await a.release([item], { decidedIn })).toEqual({ status: 'epoch' })
      for (const targets of [['a'], [], ['b', 'c']]) expect(await a.release([{ ...item, targets }])).toEqual(ok())
      await s.store.freeze(true)
      expect(await a.release([item])).toEqual({ status: 'frozen' })
      await s.store.freeze(false)
      expect(await a.release([item])).toEqual(ok(A))
    },
  ...Object.fromEntries(
    Object.entries(CHANGES).map(([what, change]) => [
      `a release is kept where the slot ${what} since, and those beside it are not`,
      async (s: SlotSubject) => {
        const { a, b, item, again } = await decided(s)
        await change(s, b)
        expect(await a.release([item, itemOf(B)])).toEqual(ok(B))
        expect(await a.served()).toEqual([A])
        expect(await a.release([await again()])).toEqual(ok(A))
      },
    ]),
  ),
  'a release is kept where its slot changed hands, also to the one who asks': async s => {
    const { a, item } = await decided(s)
    await s.held(a)
    expect(await a.release([item])).toEqual(ok())
    expect(await a.served()).toEqual([A, B])
  },
  'each item of one release has a precondition of its own': async s => {
    const { a, item } = await decided(s)
    const wrong = itemOf(B, { precondition: { slot: 8, holders: [] } })
    expect(await a.release([wrong, item])).toEqual(ok(A))
    const holders = (await slotsOf(s.store)).filter(({ slot }) => slot === 8)
    expect(await a.release([itemOf(B, { precondition: { slot: 8, holders } })])).toEqual(ok(B))
  },
  'a release is kept where it names fewer entries than the slot has, or others': async s => {
    const { a, item, entry } = await decided(s)
    const others = [[], [{ ...entry, holder: 'a' }], [{ ...entry, rank: 2 }], [entry, { ...entry, rank: 2 }]]
    for (const holders of others)
      expect(await a.release([{ ...item, precondition: { slot: 7, holders } }])).toEqual(ok())
    // Nobody ever held this one.
    expect(await a.release([{ ...item, precondition: { slot: 9, holders: [] } }])).toEqual(ok(A))
  },
  'a precondition with a slot, a rank or a fence that cannot be, or a rank twice, is rejected': async s => {
    const { a, item, entry } = await decided(s)
    const wrong = [
      ...[-1, 0.5, 65_536].map(slot => ({ slot, holders: [] })),
      ...[-1, 0.5, 16].map(rank => ({ slot: 7, holders: [{ ...entry, rank }] })),
      ...[-1, 0.5].map(fence => ({ slot: 7, holders: [{ ...entry, fence }] })),
      { slot: 7, holders: [{ ...entry, holder: 'a' }, entry] },
    ]
    await s.rejected(
      wrong.map(precondition => () => a.release([{ ...item, precondition }])),
      'stage-misuse',
    )
  },
}
