/** Cases of evict and forget: what becomes of a member that stays away. */
import { assertEqual, testId } from 'blockgate/testing'
import { type Contract, claimsOf } from './subject.ts'

const A = testId(1)

export function absenceCases({ it }: Contract): void {
  it('evict takes the place of a member that is down since that epoch', async s => {
    await s.member('a', [A])
    await s.expire('a')
    assertEqual(await s.store.evict('a', (await s.record('a')).changed), true, 'the reply')
    const { epoch } = await s.store.entries()
    const { state, placed, changed } = await s.record('a')
    assertEqual({ state, placed, changed }, { state: 'down', placed: false, changed: epoch }, 'the record')
  })
  it('evict takes a place once', async s => {
    await s.member('a')
    await s.expire('a')
    const { changed } = await s.record('a')
    await s.store.evict('a', changed)
    const before = await s.everything()
    assertEqual(await s.store.evict('a', changed), false, 'the reply for the epoch it went down in')
    assertEqual(await s.store.evict('a', (await s.record('a')).changed), false, 'the reply for the last epoch')
    assertEqual(await s.everything(), before, 'nothing to be written')
  })
  it('forget removes a member that is down since that epoch, with heartbeat and claims', async s => {
    const a = await s.member('a', [A])
    await s.member('b', [A])
    await s.expire('a')
    assertEqual(await s.store.forget('a', (await s.record('a')).changed), true, 'the reply')
    assertEqual([...(await s.store.entries()).members.keys()], ['b'], 'the members')
    assertEqual([...(await s.store.heartbeats()).heartbeats.keys()], ['b'], 'the heartbeats')
    assertEqual([await claimsOf(a), [...(await s.store.claims('b'))]], [[], [A]], 'the claims')
    assertEqual(await a.serve([A]), 'missing', 'a write of the forgotten')
    assertEqual(await claimsOf(a), [], 'its claims after it')
  })
  it('forget removes a member that lost its place', async s => {
    await s.member('a')
    await s.expire('a')
    await s.store.evict('a', (await s.record('a')).changed)
    assertEqual(await s.store.forget('a', (await s.record('a')).changed), true, 'the reply')
  })
  for (const name of ['evict', 'forget'] as const) {
    it(`${name} leaves a member alone that is up, whatever the epoch`, async s => {
      await s.member('a')
      const before = await s.everything()
      for (const changed of [(await s.record('a')).changed, 0]) {
        assertEqual(await s.store[name]('a', changed), false, `the reply for epoch ${changed}`)
      }
      assertEqual(await s.everything(), before, 'nothing to be written')
    })
    it(`${name} leaves a member alone whose record has changed`, async s => {
      const a = await s.member('a')
      await s.expire('a')
      const { changed } = await s.record('a')
      await a.joined()
      await s.expire('a')
      const before = await s.everything()
      const now = (await s.record('a')).changed
      for (const epoch of [changed, now - 1, now + 1]) {
        assertEqual(await s.store[name]('a', epoch), false, `the reply for epoch ${epoch}, not ${now}`)
      }
      assertEqual(await s.everything(), before, 'nothing to be written')
    })
    it(`${name} knows nobody who never came`, async s => {
      assertEqual(await s.store[name]('a', 0), false, 'the reply')
    })
  }
  it('evict is refused while frozen, forget is not', async s => {
    await s.member('a')
    await s.expire('a')
    await s.store.freeze(true)
    const { changed } = await s.record('a')
    const before = await s.everything()
    assertEqual(await s.store.evict('a', changed), false, 'the reply of evict')
    assertEqual(await s.everything(), before, 'nothing to be written')
    assertEqual(await s.store.forget('a', changed), true, 'the reply of forget')
  })
  it('a member that lost its place has it again when it joins', async s => {
    const a = await s.member('a')
    await s.expire('a')
    await s.store.evict('a', (await s.record('a')).changed)
    await a.joined()
    const { state, placed } = await s.record('a')
    assertEqual({ state, placed }, { state: 'active', placed: true }, 'its record')
  })
}
