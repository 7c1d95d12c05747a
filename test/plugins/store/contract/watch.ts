/** Cases of watch: a hint, soon after an epoch was raised. That of slots is with the cases of slots. */
import { assert, assertEqual } from 'blockgate/testing'
import type { Contract } from './subject.ts'

export function watchCases({ it }: Contract): void {
  it('watch is told of a change by another client, and by its own', async s => {
    for (const [what, store] of Object.entries({ other: s.other, own: s.store })) {
      let told = 0
      using _ = s.store.watch(() => told++)
      await store.freeze(!(await store.entries()).frozen)
      await s.until(() => told > 0, `a call after a change by the ${what} client`)
    }
  })
  it('watch is told when the epoch is to be seen already', async s => {
    const epoch = await s.epoch()
    let asked: Promise<number> | undefined
    using _ = s.store.watch(() => {
      asked ??= s.epoch()
    })
    await s.process('a').joined()
    await s.until(() => asked !== undefined, 'a call')
    const seen = await asked
    assert(seen !== undefined && seen > epoch, `an epoch after ${epoch}: current value is ${seen}`)
  })
  it('every watcher is told, until it is disposed of', async s => {
    const told = { first: 0, second: 0 }
    const first = s.store.watch(() => told.first++)
    using _ = s.store.watch(() => told.second++)
    await s.store.freeze(true)
    await s.until(() => told.first > 0 && told.second > 0, 'a call of both')
    // What was on its way has arrived when a later change has.
    first[Symbol.dispose]()
    first[Symbol.dispose]()
    const before = { ...told }
    await s.store.freeze(false)
    await s.until(() => told.second > before.second, 'a call of the one that is left')
    assertEqual(told.first, before.first, 'no further call of the one that was disposed of')
  })
  it('one function that watches twice is told until both are disposed of', async s => {
    let told = 0
    const listener = () => told++
    const first = s.store.watch(listener)
    using _ = s.store.watch(listener)
    first[Symbol.dispose]()
    await s.store.freeze(true)
    await s.until(() => told > 0, 'a call')
  })
}
