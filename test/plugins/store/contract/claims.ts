/** Cases of claims: what a member serves, and nothing else. */
import { type BlockId, codeOf, ErrorCode } from 'blockgate'
import { MAX_IDS } from 'blockgate/members'
import { assert, assertEqual, assertRejects, testId } from 'blockgate/testing'
import { type Contract, claimsOf, versionOf } from './subject.ts'

const [A, B, C] = [testId(1), testId(2), testId(3)]

export function claimCases({ it }: Contract): void {
  it('serve adds claims and takes others away, of one member alone', async s => {
    const a = await s.member('a')
    const b = await s.member('b', [A])
    await a.serve([A, B])
    await a.serve([C], [A])
    assertEqual([await claimsOf(a), await claimsOf(b)], [[B, C], [A]], 'the claims of both')
  })
  it('a block that is both dropped and added is claimed after it', async s => {
    const a = await s.member('a', [A])
    await a.serve([A, B], [A, B])
    assertEqual(await claimsOf(a), [A, B], 'the claims')
  })
  it('the version of the claims grows when they change, and only then', async s => {
    const a = await s.member('a', [A])
    const version = await versionOf(a)
    await a.serve([A], [B])
    await a.serve([])
    await a.heartbeat()
    assertEqual(await versionOf(a), version, 'the same version, as nothing changed')
    await a.serve([B])
    const added = await versionOf(a)
    assert(added > version, `a version after ${version}: current value is ${added}`)
    await a.serve([], [A])
    const dropped = await versionOf(a)
    assert(dropped > added, `a version after ${added}: current value is ${dropped}`)
  })
  it('claims that were taken away by a join never have an earlier version again', async s => {
    const a = await s.member('a', [A])
    const seen = [await versionOf(a)]
    const joinsAgain = async () => {
      await a.joined()
      seen.push(await versionOf(a))
      await a.serve([A])
      seen.push(await versionOf(a))
    }
    await joinsAgain()
    await a.leave()
    seen.push(await versionOf(a))
    await joinsAgain()
    // Nobody is forgotten within a moment.
    await s.pass(1, 'a')
    await s.expire('a')
    await s.store.forget('a', (await s.record('a')).changed)
    await joinsAgain()
    assertEqual(
      seen,
      [...new Set(seen)].sort((x, y) => x - y),
      'versions that grow',
    )
  })
  it(`serve takes ${MAX_IDS} ids together`, async s => {
    const a = await s.member('a', [A])
    const many = ids(MAX_IDS - 1)
    assertEqual(await a.serve(many, [A]), 'ok', 'the status')
    assertEqual(await claimsOf(a), many, 'the claims')
    assertEqual(await a.serve([A], many), 'ok', 'the status of taking them away')
    assertEqual(await claimsOf(a), [A], 'the claims after it')
  })
  it(`serve rejects more than ${MAX_IDS} ids with stage-misuse, and writes nothing`, async s => {
    const a = await s.member('a', [A])
    const before = await s.everything()
    for (const call of [() => a.serve(ids(MAX_IDS + 1)), () => a.serve(ids(MAX_IDS), [A])]) {
      assertEqual(codeOf(await assertRejects(call, 'too many ids')), ErrorCode.stageMisuse, 'its code')
    }
    assertEqual(await s.everything(), before, 'nothing to be written')
  })
  it('serve rejects what is not a block id with invalid-key, and writes nothing', async s => {
    const a = await s.member('a', [A])
    const before = await s.everything()
    for (const bad of ['', 'x', `${A}0`, '../0000000001000000000000000'] as BlockId[]) {
      for (const call of [() => a.serve([B, bad]), () => a.serve([B], [A, bad])]) {
        assertEqual(codeOf(await assertRejects(call, JSON.stringify(bad))), ErrorCode.invalidKey, 'its code')
      }
    }
    assertEqual(await s.everything(), before, 'nothing to be written')
  })
  it('claims that were read stay as they were read', async s => {
    const a = await s.member('a', [A])
    const read = await s.store.claims('a')
    await a.serve([B], [A])
    assertEqual([...read], [A], 'what was read before')
  })
  it('nobody claims anything for a member that is unknown', async s => {
    await s.member('a', [A])
    assertEqual(await s.store.claims('b'), new Set(), 'its claims')
  })
  it('leave takes all claims away and sets the member down, once', async s => {
    const a = await s.member('a', [A, B])
    assertEqual(await a.leave(), 'ok', 'the status')
    const { epoch } = await s.store.entries()
    const { state, changed } = await s.record('a')
    assertEqual([state, changed, await claimsOf(a)], ['down', epoch, []], 'state, epoch and claims')
    assertEqual(await a.leave(), 'ok', 'the status of the second one')
    assertEqual((await s.record('a')).changed, epoch, 'the epoch of its last change, which began its grace')
  })
}

function ids(count: number): readonly BlockId[] {
  return Array.from({ length: count }, (_, i) => testId(1000 + i))
}
