/** Cases of member ids: what may be one, what may not, and that no id means anything to the store. */
import { codeOf, ErrorCode } from 'blockgate'
import type { MemberStore } from 'blockgate/members'
import { assertEqual, assertRejects, testId } from 'blockgate/testing'
import { ANY_NUMBER, type Contract, claimsOf, FRESH } from './subject.ts'

const A = testId(1)

const INVALID = ['', ' ', 'a b', 'a/b', '../a', 'a\n', 'a\0', 'ä', '{a}', 'a*', '"a"', 'a'.repeat(129)]

const UNUSUAL = ['__proto__', 'constructor', 'a'.repeat(128), 'A', '0', '-a', 'gw-1.store:10907', '...']

const texts = { zone: undefined, address: undefined, process: 'p', rules: '', bucket: '' }

/** Every place of an id. */
const CALLS: Readonly<Record<string, (store: MemberStore, id: string) => Promise<unknown>>> = {
  join: (store, id) => store.join({ id, ...texts, incarnation: 0, sequence: 1, replaces: 0, seen: 0 }),
  'join, as a zone': (store, zone) =>
    store.join({ id: 'b', ...texts, zone, incarnation: 0, sequence: 1, replaces: 0, seen: 0 }),
  heartbeat: (store, id) =>
    store.heartbeat({ id, incarnation: 1, sequence: 1 }, { storeId: '', stats: undefined, seen: 0 }),
  leave: (store, id) => store.leave({ id, incarnation: 1, sequence: 1 }),
  serve: (store, id) => store.serve({ id, incarnation: 1, sequence: 1 }, { added: [A], dropped: [] }),
  release: (store, id) =>
    store.release({ id, incarnation: 1, sequence: 1 }, { decidedIn: 1, freshMs: FRESH, items: [] }),
  'release, as a target': async (store, id) => {
    const items = [{ id: A, superseding: A, targets: ['a', id], quorum: 'any' as const }]
    return await store.release({ id: 'a', incarnation: 1, sequence: 1 }, { decidedIn: 1, freshMs: FRESH, items })
  },
  claims: (store, id) => store.claims(id),
  expire: (store, id) => store.expire(id, { incarnation: 1, sequence: 1 }, ANY_NUMBER, 'a'),
  'expire, as the one who asks': (store, by) => store.expire('a', { incarnation: 1, sequence: 1 }, ANY_NUMBER, by),
  evict: (store, id) => store.evict(id, 1),
  forget: (store, id) => store.forget(id, 1),
  drain: (store, id) => store.drain(id, true),
}

export function idCases({ it }: Contract): void {
  for (const [name, call] of Object.entries(CALLS)) {
    it(`${name} rejects what is not an id with invalid-member, and writes nothing`, async s => {
      await s.member('a', [A])
      const before = await s.everything()
      for (const id of INVALID) {
        const error = await assertRejects(() => call(s.store, id), JSON.stringify(id))
        assertEqual(codeOf(error), ErrorCode.invalidMember, `the code for ${JSON.stringify(id)}`)
      }
      assertEqual(await s.everything(), before, 'nothing to be written')
    })
  }
  it('an id may be any of those that are allowed, and its claims are its own', async s => {
    for (const id of UNUSUAL) {
      const process = await s.member(id, [A])
      assertEqual(await claimsOf(process), [A], `the claims of ${id}`)
    }
    const { members, broken } = await s.store.entries()
    assertEqual([[...members.keys()].sort(), broken], [[...UNUSUAL].sort(), 0], 'the members')
    for (const id of UNUSUAL) assertEqual(members.get(id)?.id, id, 'the id in the record')
    for (const id of UNUSUAL) {
      await s.expire(id)
      assertEqual(await s.store.forget(id, (await s.record(id)).changed), true, `the forgetting of ${id}`)
      assertEqual((await s.store.claims(id)).size, 0, `the claims of ${id} after it`)
    }
    assertEqual((await s.store.entries()).members.size, 0, 'the members that are left')
  })
  it('an id that every object has is nobody', async s => {
    await s.member('a')
    for (const id of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      assertEqual(await s.store.claims(id), new Set(), `the claims of ${id}`)
      assertEqual(await s.store.drain(id, true), false, `the drain of ${id}`)
      assertEqual(await s.store.leave({ id, incarnation: 1, sequence: 1 }), 'missing', `the leave of ${id}`)
    }
  })
}
