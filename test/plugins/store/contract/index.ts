/** The contract of member stores, the same for each of them. */
import { assert, assertEqual } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { absenceCases } from './absence.ts'
import { claimCases } from './claims.ts'
import { epochCases } from './epochs.ts'
import { expireCases } from './expire.ts'
import { idCases } from './ids.ts'
import { firstJoinCases, laterJoinCases } from './joins.ts'
import { operatorCases } from './operators.ts'
import { quorumCases, releaseCases } from './release.ts'
import { slotPreconditionCases } from './slot-preconditions.ts'
import { slotCases } from './slots.ts'
import { stampCases } from './stamps.ts'
import { type Contract, type Fixture, withSubject } from './subject.ts'
import { watchCases } from './watch.ts'

/** Registers the contract's cases; each has a store of its own. */
export function testMemberStore(name: string, create: () => Promise<Fixture> | Fixture): void {
  const contract: Contract = { it: (title, fn) => it(title, async () => await withSubject(await create(), fn)) }
  describe(`${name} keeps the contract of a member store`, () => {
    for (const cases of CASES) cases(contract)
  })
}

const CASES = [
  lifeCases,
  firstJoinCases,
  laterJoinCases,
  stampCases,
  claimCases,
  releaseCases,
  quorumCases,
  expireCases,
  absenceCases,
  operatorCases,
  epochCases,
  slotCases,
  slotPreconditionCases,
  watchCases,
  idCases,
]

function lifeCases({ it }: Contract): void {
  it('has a kebab-case name, the same for every client', async s => {
    expect(s.store.name).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/)
    assertEqual(s.other.name, s.store.name, 'the name of another client')
    assertEqual(s.other.shared, s.store.shared, 'whether another process can reach it')
  })
  it('finds nothing wrong with the options of the kit', async s => {
    assertEqual(s.store.check?.() ?? [], [], 'check() to find no problems')
  })
  it('can be stopped twice, and when time is up already', async s => {
    await s.store.stop?.(new AbortController().signal)
    await s.store.stop?.(AbortSignal.abort())
  })
  it('has an id, the same in every answer and for every client', async s => {
    const { storeId } = await s.store.entries()
    assert(storeId !== '', 'a store id')
    const a = s.process('a')
    const others = [await a.joined(), await a.heartbeat(), await s.store.heartbeats(), await s.other.entries()]
    for (const answer of others) assertEqual(answer.storeId, storeId, 'the store id')
  })
}
