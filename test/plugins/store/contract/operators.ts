/** Cases of what operators do: drain and freeze. */
import { assertEqual, testId } from 'blockgate/testing'
import { type Contract, claimsOf, type Subject } from './subject.ts'

const A = testId(1)

export function operatorCases({ it }: Contract): void {
  it('drain makes a member leaving, which keeps place and claims', async s => {
    const a = await s.member('a', [A])
    assertEqual(await s.store.drain('a', true), true, 'the reply')
    assertEqual(await standing(s), { state: 'leaving', draining: true, placed: true }, 'its record')
    assertEqual((await s.record('a')).changed, await s.epoch(), 'the epoch of its last change')
    assertEqual([await claimsOf(a), await a.serve([], [A])], [[A], 'ok'], 'its claims and its writes')
  })
  it('drain can be taken back', async s => {
    await s.member('a')
    await s.store.drain('a', true)
    assertEqual(await s.store.drain('a', false), true, 'the reply')
    assertEqual(await standing(s), { state: 'active', draining: false, placed: true }, 'its record')
    assertEqual((await s.record('a')).changed, await s.epoch(), 'the epoch of its last change')
  })
  it('drain to what is so already is true and writes nothing', async s => {
    await s.member('a')
    await s.member('b')
    await s.store.drain('a', true)
    const before = await s.everything()
    assertEqual([await s.store.drain('a', true), await s.store.drain('b', false)], [true, true], 'the replies')
    assertEqual(await s.everything(), before, 'nothing to be written')
  })
  it('drain is false for a member that is unknown', async s => {
    const before = await s.everything()
    assertEqual([await s.store.drain('a', true), await s.store.drain('a', false)], [false, false], 'the replies')
    assertEqual(await s.everything(), before, 'nothing to be written')
  })
  it('a drain outlives that the member is down, and its process', async s => {
    const a = await s.member('a')
    await s.store.drain('a', true)
    await a.leave()
    assertEqual(await standing(s), { state: 'down', draining: true, placed: true }, 'its record when it left')
    assertEqual((await a.joined()).draining, true, 'what the same process is told')
    assertEqual(await standing(s), { state: 'leaving', draining: true, placed: true }, 'its record when it came back')
    const next = await s.process('a', 'a-2').joined({ replaces: a.incarnation })
    assertEqual(next.draining, true, 'what the next process is told')
    assertEqual((await standing(s)).state, 'leaving', 'the state of the next process')
    await s.expire('a')
    await s.store.evict('a', (await s.record('a')).changed)
    assertEqual(
      await standing(s),
      { state: 'down', draining: true, placed: false },
      'its record when the grace is over',
    )
  })
  it('drain of a member that is down is stored, and brings nobody back', async s => {
    const a = await s.member('a')
    await s.expire('a')
    const epoch = await s.epoch()
    await s.store.drain('a', true)
    assertEqual(await standing(s), { state: 'down', draining: true, placed: true }, 'its record')
    assertEqual((await s.epoch()) > epoch, true, 'whether the epoch was raised')
    await s.store.drain('a', false)
    assertEqual(await standing(s), { state: 'down', draining: false, placed: true }, 'its record when it is taken back')
    assertEqual((await a.joined()).draining, false, 'what the member is told')
  })
  it('a drain is forgotten with the member', async s => {
    const a = await s.member('a')
    await s.store.drain('a', true)
    await s.expire('a')
    await s.store.forget('a', (await s.record('a')).changed)
    assertEqual((await a.joined()).draining, false, 'what the member is told')
  })
  it('freeze is in every view, for every client, until it is taken back', async s => {
    const a = await s.member('a')
    for (const on of [true, false]) {
      await s.store.freeze(on)
      const views = [await s.store.entries(), await s.other.entries(), await s.other.heartbeats(), await a.heartbeat()]
      assertEqual(
        views.map(({ frozen }) => frozen),
        [on, on, on, on],
        'frozen in the views',
      )
    }
  })
  it('freeze to what is so already writes nothing', async s => {
    await s.store.freeze(false)
    assertEqual((await s.store.entries()).cause, '', 'no cause')
    await s.store.freeze(true)
    const before = await s.everything()
    await s.store.freeze(true)
    assertEqual(await s.everything(), before, 'nothing to be written')
  })
  it('members join, heartbeat, serve, drain and leave while frozen', async s => {
    await s.store.freeze(true)
    const a = await s.member('a', [A])
    assertEqual(await s.store.drain('a', true), true, 'the drain')
    assertEqual([await claimsOf(a), await a.leave(), await claimsOf(a)], [[A], 'ok', []], 'claims, leave and claims')
    assertEqual((await a.joined()).draining, true, 'the join after it')
  })
}

async function standing(s: Subject) {
  const { state, draining, placed } = await s.record('a')
  return { state, draining, placed }
}
