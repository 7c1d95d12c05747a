/** Cases of epochs, claims and leases. */
import type { Claim } from '../../contracts/ownership.ts'
import { assert, assertEqual } from '../assert.ts'
import { isKebab } from '../component.ts'
import { granted, type OwnershipIt, type Subject } from './subject.ts'

export function claimCases(it: OwnershipIt): void {
  it('an epoch is a finite number that never goes down', async s => {
    const read = () => [s.plugin.epoch(), ...s.metas.map(meta => s.plugin.epoch(meta))]
    const first = read()
    const claims = await s.claimAll(s.metas.slice(0, 20))
    const second = read()
    await s.giveBack(...claims)
    await s.change()
    assertGrowing(first, second)
    assertGrowing(second, read())
  })

  it('claims of many blocks at once are each granted or denied, and at least one is granted', async s => {
    const claims = await s.claimAll()
    for (const claim of claims) assertClaim(claim)
    assert(granted(claims).length > 0, `at least one of ${s.metas.length} blocks to be granted`)
    await s.giveBack(...claims)
  })

  it('a granted lease is held, and can be disposed twice', async s => {
    for (const meta of s.metas.slice(0, 50)) {
      const claim = await s.claim(meta)
      for (const lease of granted([claim])) {
        assert(lease.signal.aborted === false, 'the signal of a lease just granted not to be aborted')
        lease.assertHeld()
      }
      await s.giveBack(claim, claim)
    }
  })

  it('a block that was given back can be claimed again', async s => {
    for (const meta of s.metas.slice(0, 20)) {
      const first = await s.claim(meta)
      await s.giveBack(first)
      const second = await s.claim(meta)
      await s.giveBack(second)
      assertEqual(second.status, first.status, `the same answer for ${meta.ulid}, as nothing changed`)
    }
  })

  it('a claim whose signal has aborted is rejected or answered, and never hangs', async s => {
    for (const meta of s.metas.slice(0, 20)) {
      // A rejection is as good as an answer here: the engine has given the block up.
      const answer = s.plugin.claim(meta, AbortSignal.abort()).catch(() => undefined)
      const claim = await s.ends(answer, `claim() of ${meta.ulid} with an aborted signal`)
      if (claim) await s.giveBack(claim)
    }
  })
}

/** Two members claim every block at once, and hold what they got until all have answered. */
export async function rivals(a: Subject, b: Subject): Promise<void> {
  const [mine, theirs] = await Promise.all([a.claimAll(), b.claimAll()])
  for (const [i, meta] of a.metas.entries()) {
    const holders = granted([mine[i], theirs[i]]).filter(lease => !lease.signal.aborted)
    assert(holders.length < 2, `${meta.ulid} to be held by one member at most`)
  }
  assert(granted([...mine, ...theirs]).length > 0, 'one of two members to be granted a block')
  await a.giveBack(...mine)
  await b.giveBack(...theirs)
}

function assertGrowing(before: readonly number[], after: readonly number[]): void {
  for (const [i, epoch] of after.entries()) {
    const least = before[i] ?? 0
    assert(Number.isFinite(epoch), `an epoch that is a finite number: current value is ${epoch}`)
    assert(epoch >= least, `an epoch of at least ${least}: current value is ${epoch}`)
  }
}

function assertClaim(claim: Claim): void {
  assert(Number.isFinite(claim.epoch), `the epoch of a claim to be a finite number: current value is ${claim.epoch}`)
  if (claim.status === 'granted') {
    const { lease } = claim
    assert(lease.signal instanceof AbortSignal, 'a granted lease to have a signal')
    assert(typeof lease.assertHeld === 'function', 'a granted lease to have assertHeld()')
    assert(typeof lease[Symbol.asyncDispose] === 'function', 'a granted lease to be disposable')
    assert(lease.fence === undefined || Number.isFinite(lease.fence), 'a fence to be a finite number or undefined')
    return
  }
  assertEqual(claim.status, 'denied', 'a claim to be granted or denied')
  assert(isKebab(claim.reason), `a kebab-case reason: current value is ${JSON.stringify(claim.reason)}`)
  const owners: unknown = claim.owners
  assert(Array.isArray(owners) && owners.every(id => typeof id === 'string'), 'owners to be a list of member ids')
}
