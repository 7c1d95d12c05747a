/** The contract of member stores, the same for each of them. */
import { describe, expect, it } from 'vitest'
import { CALLS, IDS } from './ids.ts'
import { MEMBERS } from './members.ts'
import { REFUSALS } from './refusals.ts'
import { RELEASES } from './releases.ts'
import { SERVING } from './serving.ts'
import { SLOTS } from './slots.ts'
import { A, B, type Cases, type Fixture, hasSlots, itemOf, ok, SlotSubject } from './subject.ts'
import { VIEWS } from './views.ts'

/** Registers the cases; each has a store of its own. */
export function testMemberStore(name: string, create: () => Promise<Fixture> | Fixture): void {
  const register = (cases: Cases<SlotSubject>, needsSlots = false) => {
    for (const [title, run] of Object.entries(cases))
      it(title, async () => {
        const fixture = await create()
        try {
          const slots = hasSlots(fixture.store)
          if (slots || !needsSlots) await run(new SlotSubject(fixture))
        } finally {
          await fixture.dispose()
        }
      })
  }
  describe(`${name} keeps the contract of a member store`, () => {
    for (const cases of [LIFE, MEMBERS, REFUSALS, SERVING, RELEASES, VIEWS, IDS, CALLS]) register(cases)
    register(SLOTS, true)
  })
}

const LIFE: Cases = {
  'has a kebab-case name, the same for every client, and no problem with its options': async ({ store, other }) => {
    expect(store.name).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/)
    expect([other.name, other.shared]).toEqual([store.name, store.shared])
    expect(store.check?.() ?? []).toEqual([])
  },
  'can be stopped twice, and when time is up already': async ({ store }) => {
    await store.stop?.(new AbortController().signal)
    await store.stop?.(AbortSignal.abort())
  },
  'without slots keeps what depends on one': async s => {
    if (hasSlots(s.store)) return
    const a = await s.member('a', [A, B])
    await s.member('b', [A, B])
    const dependent = itemOf(A, { precondition: { slot: 7, holders: [] } })
    expect(await a.release([dependent, itemOf(B)])).toEqual(ok(B))
  },
}
