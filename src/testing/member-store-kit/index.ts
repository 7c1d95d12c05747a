/** The conformance kit of member stores: one for all of them, whatever they are made of. */
import { isKebab } from '../component-kit.ts'
import { assert, assertEqual, type Runner } from '../kit.ts'
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
import { type MemberStoreFixture, type MemberStoreKit, withSubject } from './subject.ts'
import { watchCases } from './watch.ts'

export interface MemberStoreKitOptions {
  /** What the report calls the store. */
  readonly name: string
  /** An empty, started store for one case. */
  readonly create: () => Promise<MemberStoreFixture> | MemberStoreFixture
}

/**
 * Registers the cases with a runner: Vitest, `node:test`, or Deno's `jsr:@std/testing/bdd`. Each has a store of its own, so
 * they may run in any order.
 *
 * @example
 * testMemberStore({ describe, it }, {
 *   name: 'memory',
 *   async create() {
 *     const store = memoryStore()
 *     await store.start?.(services())
 *     return { store, dispose: () => store.stop?.(new AbortController().signal) }
 *   },
 * })
 */
export function testMemberStore(runner: Runner, options: MemberStoreKitOptions): void {
  const kit: MemberStoreKit = {
    runner,
    it: (name, fn) => runner.it(name, async () => await withSubject(await options.create(), fn)),
  }
  runner.describe(`${options.name} keeps the contract of a member store`, () => {
    lifeCases(kit)
    firstJoinCases(kit)
    laterJoinCases(kit)
    stampCases(kit)
    claimCases(kit)
    releaseCases(kit)
    quorumCases(kit)
    expireCases(kit)
    absenceCases(kit)
    operatorCases(kit)
    epochCases(kit)
    slotCases(kit)
    slotPreconditionCases(kit)
    watchCases(kit)
    idCases(kit)
  })
}

function lifeCases({ it }: MemberStoreKit): void {
  it('has a kebab-case name, the same for every client', async s => {
    assert(isKebab(s.store.name), `a kebab-case name: current value is ${JSON.stringify(s.store.name)}`)
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
