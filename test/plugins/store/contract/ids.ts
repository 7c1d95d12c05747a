/** Cases of member ids: what may be one, what may not, and that no id means anything to the store. */
import { BlockSet } from 'blockgate'
import type { MemberStore } from 'blockgate/members'
import { expect } from 'vitest'
import { A, ANY_NUMBER, type Cases, FRESH, itemOf, type Subject } from './subject.ts'

const INVALID = ['', ' ', 'a b', 'a/b', '../a', 'a\n', 'a\0', 'ä', '{a}', 'a*', '"a"', 'a'.repeat(129)]
const UNUSUAL = ['__proto__', 'constructor', 'a'.repeat(128), 'A', '0', '-a', 'gw-1.store:10907', '...']

const TEXTS = { zone: undefined, address: undefined, process: 'p', fingerprint: '', bucket: '' }
const JOIN = { ...TEXTS, incarnation: 0, sequence: 1, replaces: 0, seen: 0 }
const STAMP = { id: 'a', incarnation: 1, sequence: 1 }
const RELEASE = { decidedIn: 1, freshMs: FRESH, items: [] }

/** Every place of an id. */
const PLACES: Readonly<Record<string, (store: MemberStore, id: string) => Promise<unknown>>> = {
  join: (store, id) => store.join({ ...JOIN, id }),
  'join, as a zone': (store, zone) => store.join({ ...JOIN, id: 'b', zone }),
  heartbeat: (store, id) => store.heartbeat({ ...STAMP, id }, { storeId: '', stats: undefined, seen: 0 }),
  leave: (store, id) => store.leave({ ...STAMP, id }),
  serve: (store, id) => store.serve({ ...STAMP, id }, { added: [A], dropped: [] }),
  release: (store, id) => store.release({ ...STAMP, id }, RELEASE),
  'release, as a target': (store, id) =>
    store.release(STAMP, { ...RELEASE, items: [itemOf(A, { targets: ['a', id], quorum: 'any' })] }),
  advertised: (store, id) => store.advertised(id),
  expire: (store, id) => store.expire(id, STAMP, ANY_NUMBER, 'a'),
  'expire, as the one who asks': (store, by) => store.expire('a', STAMP, ANY_NUMBER, by),
  evict: (store, id) => store.evict(id, 1),
  forget: (store, id) => store.forget(id, 1),
  drain: (store, id) => store.drain(id, true),
}

export const CALLS: Cases = Object.fromEntries(
  Object.entries(PLACES).map(([name, call]) => [
    `${name} rejects what is not an id`,
    async (s: Subject) => {
      await s.member('a', [A])
      await s.rejected(
        INVALID.map(id => () => call(s.store, id)),
        'invalid-member',
      )
    },
  ]),
)

export const IDS: Cases = {
  'an id may be any of those that are allowed, and what it serves is its own': async s => {
    for (const id of UNUSUAL) expect(await (await s.member(id, [A])).served()).toEqual([A])
    const { members, broken } = await s.store.entries()
    expect([[...members.keys()].sort(), broken]).toEqual([[...UNUSUAL].sort(), 0])
    for (const id of UNUSUAL) {
      expect(members.get(id)?.id).toBe(id)
      await s.expire(id)
      expect(await s.forget(id)).toBe(true)
      expect(await s.store.advertised(id)).toEqual(new BlockSet())
    }
    expect((await s.store.entries()).members.size).toBe(0)
  },
  'an id that every object has is nobody': async s => {
    await s.member('a')
    for (const id of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      expect(await s.store.advertised(id)).toEqual(new BlockSet())
      expect(await s.store.drain(id, true)).toBe(false)
      expect(await s.store.leave({ ...STAMP, id })).toBe('missing')
    }
  },
}
