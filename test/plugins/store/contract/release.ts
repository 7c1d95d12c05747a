/** Cases of release: each of its conditions, false alone, keeps the claim. */
import { type BlockId, codeOf, ErrorCode } from 'blockgate'
import { MAX_IDS, type ReleaseItem } from 'blockgate/members'
import { assert, assertEqual, assertRejects, testId } from 'blockgate/testing'
import { type Contract, claimsOf, type Process, type Subject, versionOf } from './subject.ts'

const [A, B, C, PARENT] = [testId(1), testId(2), testId(3), testId(9)]

/** Member b must serve A itself. */
const ITEM: ReleaseItem = { id: A, superseding: A, targets: ['b'], quorum: 'all' }

export function releaseCases({ it }: Contract): void {
  it('release takes away a claim that the target has too, in the same epoch', async s => {
    const [a] = await pair(s)
    const epoch = await s.epoch()
    const version = await versionOf(a)
    assertEqual(await a.release([ITEM]), { status: 'ok', released: [A] }, 'the reply')
    assertEqual([await claimsOf(a), await s.epoch()], [[], epoch], 'the claims and the epoch')
    const after = await versionOf(a)
    assert(after > version, `a version of the claims after ${version}: current value is ${after}`)
  })
  it('release keeps a claim that was decided in another epoch', async s => {
    const [a] = await pair(s)
    const epoch = await s.epoch()
    for (const decidedIn of [epoch - 1, epoch + 1, 0]) {
      assertEqual(await a.release([ITEM], { decidedIn }), { status: 'epoch' }, `the reply in epoch ${decidedIn}`)
    }
    assertEqual(await claimsOf(a), [A], 'the claims')
  })
  it('release keeps every claim while frozen', async s => {
    const [a] = await pair(s)
    await s.store.freeze(true)
    assertEqual([await a.release([ITEM]), await claimsOf(a)], [{ status: 'frozen' }, [A]], 'the reply and the claims')
    await s.store.freeze(false)
    await keptOrNot(a, [A])
  })

  const keeps: Readonly<Record<string, (s: Subject, b: Process) => Promise<unknown>>> = {
    'is down': s => s.expire('b'),
    'has left': (_, b) => b.leave(),
    'is forgotten': async s => {
      await s.expire('b')
      await s.store.forget('b', (await s.record('b')).changed)
    },
    'does not claim it': (_, b) => b.serve([], [A]),
    'claims another block alone': (_, b) => b.serve([B], [A]),
    'has not told all its claims to this store': (_, b) => b.heartbeat({ storeId: '' }),
    'has told its claims to the store before': (_, b) => b.heartbeat({ storeId: 'before' }),
    'has joined again': (_, b) => b.joined(),
    'has joined again, and claims it, but has not told all its claims': async (_, b) => {
      await b.joined()
      await b.serve([A])
    },
    'is another process now': (s, b) => s.process('b', 'b-2').joined({ replaces: b.incarnation }),
  }
  for (const [what, change] of Object.entries(keeps)) {
    it(`release keeps a claim where the target ${what}`, async s => {
      const [a, b] = await pair(s)
      await change(s, b)
      await keptOrNot(a, [])
    })
  }
  it('release keeps a claim where the target is nobody the store knows', async s => {
    const [a] = await pair(s)
    await keptOrNot(a, [], { targets: ['c'] })
  })
  it('release keeps a claim where the heartbeat of the target is as old as may be, or older', async s => {
    const [a] = await pair(s)
    await s.pass(5, 'b')
    for (const freshMs of [0, 4, 5]) {
      assertEqual(await a.release([ITEM], { freshMs }), { status: 'ok', released: [] }, `the reply for ${freshMs} ms`)
    }
    assertEqual(await claimsOf(a), [A], 'the claims')
    await keptOrNot(a, [A])
  })
  it('release goes by the last heartbeat of the target, whatever it wrote', async s => {
    const [a, b] = await pair(s)
    await s.pass(5, 'b')
    await b.serve([B])
    assertEqual(await a.release([ITEM], { freshMs: 5000 }), { status: 'ok', released: [A] }, 'the reply')
  })
  it('release counts a target that drains', async s => {
    const [a] = await pair(s)
    await s.store.drain('b', true)
    await keptOrNot(a, [A])
  })
  it('a member that drains releases as the others do', async s => {
    const [a] = await pair(s)
    await s.store.drain('a', true)
    await keptOrNot(a, [A])
  })
  it('release keeps a claim of a member that is a target itself', async s => {
    const [a] = await pair(s)
    for (const quorum of ['all', 'any'] as const) {
      await keptOrNot(a, [], { targets: ['a', 'b'], quorum })
      await keptOrNot(a, [], { targets: ['b', 'a'], quorum })
      await keptOrNot(a, [], { targets: ['a'], quorum })
    }
  })
  it('release keeps a claim where there are no targets', async s => {
    const [a] = await pair(s)
    for (const quorum of ['all', 'any'] as const) await keptOrNot(a, [], { targets: [], quorum })
  })
  it('release of a member that is down is missing, and keeps its claims', async s => {
    const [a] = await pair(s)
    await s.expire('a')
    const before = await s.everything()
    assertEqual(await a.release([ITEM]), { status: 'missing' }, 'the reply')
    assertEqual(await s.everything(), before, 'nothing to be written')
  })
}

export function quorumCases({ it }: Contract): void {
  it('all: every target must serve the block', async s => {
    const [a] = await pair(s)
    const c = await s.member('c')
    await keptOrNot(a, [], { targets: ['b', 'c'] })
    await keptOrNot(a, [], { targets: ['c', 'b'] })
    await c.serve([A])
    await keptOrNot(a, [A], { targets: ['b', 'c'] })
  })
  it('any: one target that serves the block is enough, and none is not', async s => {
    const [a, b] = await pair(s)
    await s.member('c')
    await keptOrNot(a, [], { targets: ['c', 'd'], quorum: 'any' })
    await keptOrNot(a, [A], { targets: ['c', 'b', 'd'], quorum: 'any' })
    await a.serve([A])
    await b.leave()
    await keptOrNot(a, [], { targets: ['c', 'b', 'd'], quorum: 'any' })
  })
  it('a superseded block needs its parent to be served, not itself', async s => {
    const [a, b] = await pair(s)
    await keptOrNot(a, [], { superseding: PARENT })
    await b.serve([PARENT], [A])
    await keptOrNot(a, [A], { superseding: PARENT })
  })
  it('a member that serves the parent itself is a target like the others', async s => {
    const [a, b] = await pair(s)
    await b.serve([PARENT])
    await keptOrNot(a, [], { superseding: PARENT, targets: ['a', 'b'] })
    await a.serve([PARENT])
    await keptOrNot(a, [A], { superseding: PARENT, targets: ['a', 'b'] })
    assertEqual(await claimsOf(a), [PARENT], 'the claims')
  })
  it('a batch releases what it may, in its order, and nothing else', async s => {
    const a = await s.member('a', [A, B, C])
    await s.member('b', [C, A])
    const items = [C, B, A].map(id => ({ id, superseding: id, targets: ['b'], quorum: 'all' as const }))
    assertEqual(await a.release(items), { status: 'ok', released: [C, A] }, 'the reply')
    assertEqual(await claimsOf(a), [B], 'the claims')
  })
  it('two claims of one member in a batch do not vouch for each other', async s => {
    const a = await s.member('a', [A, B])
    const items = [
      { id: A, superseding: B, targets: ['a'], quorum: 'all' as const },
      { id: B, superseding: A, targets: ['a'], quorum: 'all' as const },
    ]
    assertEqual(await a.release(items), { status: 'ok', released: [A] }, 'the reply')
    assertEqual(await claimsOf(a), [B], 'the claims')
  })
  it('a claim that is gone already is released once more', async s => {
    const [a] = await pair(s)
    await a.release([ITEM])
    const version = await versionOf(a)
    assertEqual(await a.release([ITEM]), { status: 'ok', released: [A] }, 'the reply')
    assertEqual(await versionOf(a), version, 'the version of the claims, which did not change')
  })
  it('an empty batch releases nothing', async s => {
    const [a] = await pair(s)
    assertEqual(await a.release([]), { status: 'ok', released: [] }, 'the reply')
  })
  it(`release takes ${MAX_IDS} items, and rejects more with stage-misuse`, async s => {
    const ids = Array.from({ length: MAX_IDS }, (_, i) => testId(1000 + i))
    const a = await s.member('a', ids)
    await s.member('b', ids)
    const items = ids.map(id => ({ id, superseding: id, targets: ['b'], quorum: 'all' as const }))
    const error = await assertRejects(() => a.release([...items, ITEM]), 'too many items')
    assertEqual([codeOf(error), await claimsOf(a)], [ErrorCode.stageMisuse, ids], 'its code, and the claims')
    assertEqual(await a.release(items), { status: 'ok', released: ids }, 'the reply to as many as may be')
    assertEqual(await claimsOf(a), [], 'the claims after it')
  })
  it('release rejects what is not a block id with invalid-key', async s => {
    const [a] = await pair(s)
    const bad = 'x' as BlockId
    for (const item of [
      { ...ITEM, id: bad },
      { ...ITEM, superseding: bad },
    ]) {
      const error = await assertRejects(() => a.release([ITEM, item]), 'an id that is none')
      assertEqual([codeOf(error), await claimsOf(a)], [ErrorCode.invalidKey, [A]], 'its code, and the claims')
    }
  })
}

/** Members a and b, which both serve A. */
async function pair(s: Subject): Promise<readonly [Process, Process]> {
  const b = await s.member('b', [A])
  return [await s.member('a', [A]), b]
}

/** Releases A, and looks at the reply and at the claim. */
async function keptOrNot(a: Process, released: readonly BlockId[], given: Partial<ReleaseItem> = {}): Promise<void> {
  const item = { ...ITEM, ...given }
  assertEqual(await a.release([item]), { status: 'ok', released }, `the reply to ${JSON.stringify(item)}`)
  assertEqual((await claimsOf(a)).includes(A), released.length === 0, 'whether the claim is still there')
}
