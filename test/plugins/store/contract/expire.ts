/** Cases of expire: a silent member is set down, by whoever saw it silent, and never too many at once. */
import { assertEqual, testId } from 'blockgate/testing'
import { ANY_NUMBER, type Contract, type Subject } from './subject.ts'

export function expireCases({ it }: Contract): void {
  it('expire sets a member down whose heartbeat is still the one seen', async s => {
    const a = await s.member('a', [testId(1)])
    assertEqual(await expire(s, 'a', a.sequence), 'expired', 'the reply')
    const { epoch } = await s.store.entries()
    const { state, placed, draining, changed } = await s.record('a')
    const down = { state: 'down', placed: true, draining: false, changed: epoch }
    assertEqual({ state, placed, draining, changed }, down, 'the record')
    assertEqual(
      (await s.store.heartbeats()).heartbeats.get('a')?.sequence,
      a.sequence,
      'its heartbeat, which is still the last',
    )
  })
  it('expire leaves a member alone whose heartbeat has moved', async s => {
    const a = await s.member('a')
    const seen = a.sequence
    await a.heartbeat()
    const before = await s.everything()
    assertEqual(await expire(s, 'a', seen), 'moved', 'the reply for an older heartbeat')
    assertEqual(await expire(s, 'a', a.sequence + 1), 'moved', 'the reply for a heartbeat that nobody wrote')
    const other = { incarnation: a.incarnation - 1, sequence: a.sequence }
    assertEqual(await s.store.expire('a', other, ANY_NUMBER, 'b'), 'moved', 'the reply for another incarnation')
    assertEqual(await s.everything(), before, 'nothing to be written')
  })
  it('every write of a member counts as its heartbeat', async s => {
    const a = await s.member('a')
    const seen = a.sequence
    await a.serve([testId(1)])
    assertEqual(await expire(s, 'a', seen), 'moved', 'the reply')
  })
  it('expire knows nobody who is down already, has left, was forgotten or never came', async s => {
    const a = await s.member('a')
    const b = await s.member('b')
    await s.expire('a')
    await b.leave()
    const before = await s.everything()
    for (const process of [a, b]) assertEqual(await expire(s, process.id, process.sequence), 'gone', process.id)
    assertEqual(await expire(s, 'c', 1), 'gone', 'the reply for one that never came')
    assertEqual(await s.everything(), before, 'nothing to be written')
    await s.store.forget('a', (await s.record('a')).changed)
    assertEqual(await expire(s, 'a', a.sequence), 'gone', 'the reply for one that was forgotten')
  })
  it('expire is refused while frozen', async s => {
    const a = await s.member('a')
    await s.store.freeze(true)
    const before = await s.everything()
    assertEqual(await expire(s, 'a', a.sequence), 'refused', 'the reply')
    assertEqual(await s.everything(), before, 'nothing to be written')
    await s.store.freeze(false)
    assertEqual(await expire(s, 'a', a.sequence), 'expired', 'the reply after it')
  })
  it('expire is refused at the limit, whoever expired the others, and through whichever client', async s => {
    const [a, b, c] = [await s.member('a'), await s.member('b'), await s.member('c')]
    const limit = { max: 2, windowMs: 600_000 }
    assertEqual(await s.store.expire('a', a, limit, 'd'), 'expired', 'the first')
    assertEqual(await s.other.expire('b', b, limit, 'e'), 'expired', 'the second')
    const before = await s.everything()
    assertEqual(await s.store.expire('c', c, limit, 'd'), 'refused', 'the third, by one that expired another')
    assertEqual(await s.other.expire('c', c, limit, 'f'), 'refused', 'the third, by one that expired nobody')
    assertEqual(await s.everything(), before, 'nothing to be written')
    assertEqual(await s.store.expire('c', c, { ...limit, max: 3 }, 'd'), 'expired', 'the third, where three may be')
  })
  it('expire is refused where nobody may be expired', async s => {
    const a = await s.member('a')
    assertEqual(await s.store.expire('a', a, { max: 0, windowMs: 1000 }, 'b'), 'refused', 'the reply')
  })
  it('the limit counts a member again that came back in between', async s => {
    const a = await s.member('a')
    const limit = { max: 1, windowMs: 600_000 }
    assertEqual(await s.store.expire('a', a, limit, 'b'), 'expired', 'the first')
    await a.joined()
    assertEqual(await s.store.expire('a', a, limit, 'b'), 'refused', 'the second')
  })
  it('the limit counts no expiry that is as old as the window, and no attempt that failed', async s => {
    const [a, b] = [await s.member('a'), await s.member('b')]
    const limit = { max: 1, windowMs: 5 }
    for (const seen of [0, 1]) assertEqual(await expire(s, 'a', seen), 'moved', 'an attempt that fails')
    assertEqual(await s.store.expire('a', a, { max: 1, windowMs: 600_000 }, 'c'), 'expired', 'the first')
    assertEqual(await s.store.expire('b', b, { max: 1, windowMs: 600_000 }, 'c'), 'refused', 'within the window')
    await s.pass(5, 'b')
    assertEqual(await s.store.expire('b', b, limit, 'c'), 'expired', 'after the window')
  })
  it('a heartbeat that has moved is told before the limit is', async s => {
    await s.member('a')
    assertEqual(await s.store.expire('a', { incarnation: 1, sequence: 1 }, { max: 0, windowMs: 1 }, 'b'), 'moved', 'it')
  })
}

/** Whether the member is expired by b with no limit, which saw this sequence of its present incarnation. */
async function expire(s: Subject, id: string, sequence: number): Promise<string> {
  const incarnation = (await s.store.entries()).members.get(id)?.incarnation ?? 1
  return await s.store.expire(id, { incarnation, sequence }, ANY_NUMBER, 'b')
}
