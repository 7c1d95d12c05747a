/** Cases of release: each of its conditions, false alone, keeps the block. */
import type { BlockId } from 'blockgate'
import { MAX_IDS, type ReleaseItem } from 'blockgate/members'
import { testId } from 'blockgate/testing'
import { expect } from 'vitest'
import { A, B, C, type Cases, itemOf, ok, PARENT, type Process, type Subject } from './subject.ts'

/** Asks for the release of A, and looks at the reply and at what is served. */
async function kept(a: Process, given: Partial<ReleaseItem> = {}): Promise<void> {
  expect(await a.release([itemOf(A, given)]), JSON.stringify(given)).toEqual(ok())
  expect(await a.served(), JSON.stringify(given)).toContain(A)
}
async function released(a: Process, given: Partial<ReleaseItem> = {}): Promise<void> {
  expect(await a.release([itemOf(A, given)]), JSON.stringify(given)).toEqual(ok(A))
  expect(await a.served(), JSON.stringify(given)).not.toContain(A)
}

const KEEPS: Readonly<Record<string, (s: Subject, b: Process) => Promise<unknown>>> = {
  'is down': s => s.expire('b'),
  'has left': (_, b) => b.leave(),
  'is forgotten': async s => [await s.expire('b'), await s.forget('b')],
  'does not serve it': (_, b) => b.serve([], [A]),
  'serves another block alone': (_, b) => b.serve([B], [A]),
  'has not told all that it serves to this store': (_, b) => b.heartbeat({ storeId: '' }),
  'has told what it serves to the store before': (_, b) => b.heartbeat({ storeId: 'before' }),
  'has joined again': (_, b) => b.joined(),
  'has joined again, and serves it, but has not told all': async (_, b) => [await b.joined(), await b.serve([A])],
  'is another process now': (s, b) => s.process('b', 'b-2').joined({ replaces: b.incarnation }),
}

export const RELEASES: Cases = {
  'release takes away a block that the target serves too, in the same epoch; once more changes nothing': async s => {
    const [a] = await s.pair()
    const [epoch, version] = [await s.epoch(), await a.version()]
    await released(a)
    expect(await s.epoch()).toBe(epoch)
    const after = await a.version()
    expect(after).toBeGreaterThan(version)
    await released(a)
    expect(await a.version()).toBe(after)
    expect(await a.release([])).toEqual(ok())
  },
  ...Object.fromEntries(
    Object.entries(KEEPS).map(([what, change]) => [
      `release keeps a block where the target ${what}`,
      async (s: Subject) => {
        const [a, b] = await s.pair()
        await change(s, b)
        await kept(a)
      },
    ]),
  ),
  'release keeps a block where the heartbeat of the target is as old as may be, or older': async s => {
    const [a, b] = await s.pair()
    await s.pass(5, 'b')
    for (const freshMs of [0, 4, 5]) expect(await a.release([itemOf(A)], { freshMs })).toEqual(ok())
    // Whatever a member writes counts as heard of.
    await b.serve([B])
    expect(await a.release([itemOf(A)], { freshMs: 5000 })).toEqual(ok(A))
  },
  'draining keeps nobody from being a target, nor from a release': async s => {
    const [a] = await s.pair()
    for (const id of ['a', 'b']) await s.store.drain(id, true)
    await released(a)
  },
  'release keeps a block without targets, of one the store does not know, and of the member itself': async s => {
    const [a] = await s.pair()
    for (const quorum of ['all', 'any'] as const)
      for (const targets of [[], ['c'], ['a'], ['a', 'b'], ['b', 'a']]) await kept(a, { targets, quorum })
  },
  'all: every target must serve the block': async s => {
    const [a] = await s.pair()
    const c = await s.member('c')
    await kept(a, { targets: ['b', 'c'] })
    await kept(a, { targets: ['c', 'b'] })
    await c.serve([A])
    await released(a, { targets: ['b', 'c'] })
  },
  'any: one target that serves the block is enough, and none is not': async s => {
    const [a, b] = await s.pair()
    await s.member('c')
    await kept(a, { targets: ['c', 'd'], quorum: 'any' })
    await released(a, { targets: ['c', 'b', 'd'], quorum: 'any' })
    await a.serve([A])
    await b.leave()
    await kept(a, { targets: ['c', 'b', 'd'], quorum: 'any' })
  },
  'a superseded block goes when its superseding block is served, not itself': async s => {
    const [a, b] = await s.pair()
    await kept(a, { superseding: PARENT })
    await b.serve([PARENT], [A])
    await kept(a, { superseding: PARENT, targets: ['a', 'b'] })
    await a.serve([PARENT])
    await released(a, { superseding: PARENT, targets: ['a', 'b'] })
    expect(await a.served()).toEqual([PARENT])
    await a.serve([A])
    await released(a, { superseding: PARENT })
  },
  'a batch releases what it may, in its order, and nothing else': async s => {
    const a = await s.member('a', [A, B, C])
    await s.member('b', [C, A])
    expect(await a.release([C, B, A].map(id => itemOf(id)))).toEqual(ok(C, A))
    expect(await a.served()).toEqual([B])
  },
  'two blocks of one member in a batch do not vouch for each other': async s => {
    const a = await s.member('a', [A, B])
    const items = [itemOf(A, { superseding: B, targets: ['a'] }), itemOf(B, { superseding: A, targets: ['a'] })]
    expect(await a.release(items)).toEqual(ok(A))
    expect(await a.served()).toEqual([B])
  },
  [`release takes ${MAX_IDS} items, and rejects more, and what is not a block id`]: async s => {
    const ids = Array.from({ length: MAX_IDS }, (_, i) => testId(1000 + i))
    const a = await s.member('a', ids)
    await s.member('b', ids)
    const items = ids.map(id => itemOf(id))
    const bad = 'x' as BlockId
    await s.rejected([() => a.release([...items, itemOf(A)])], 'stage-misuse')
    const wrong = [itemOf(bad), itemOf(A, { superseding: bad })]
    await s.rejected(
      wrong.map(item => () => a.release([itemOf(A), item])),
      'invalid-key',
    )
    expect(await a.release(items)).toEqual(ok(...ids))
    expect(await a.served()).toEqual([])
  },
}
