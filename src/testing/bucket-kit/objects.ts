/** Cases of single objects: put, get, delete, etags and conditions. */

import type { BucketWriter } from '../../contracts/bucket.ts'
import { codeOf, ErrorCode } from '../../contracts/errors.ts'
import { assert, assertEqual, assertRejects, leaveOut } from '../kit.ts'
import { type BucketKit, bytesOf, type Subject } from './subject.ts'

/** One race is won by chance also where the store does not hold its condition. */
const ROUNDS = 20
const WRITERS = 10

type PutCondition = NonNullable<Parameters<BucketWriter['put']>[2]['if']>

export function objectCases({ it }: BucketKit): void {
  it('gives back the bytes that were put', async s => {
    const body = Uint8Array.from({ length: 256 }, (_, i) => i)
    await s.put('a/b', body)
    assertEqual(await (await s.bucket.get('a/b', { signal: s.signal }))?.bytes(256), body, 'the same bytes')
  })
  it('has undefined for a missing object', async s => {
    await s.put('a/b')
    assertEqual(await s.text('a'), undefined, 'no object at the folder of another')
    assertEqual(await s.text('a/bc'), undefined, 'no object at a longer key')
  })
  it('replaces an object that is put again', async s => {
    await s.put('a', 'one')
    await s.put('a', 'three')
    assertEqual(await s.text('a'), 'three', 'the later body')
    assertEqual(await s.keys(''), ['a'], 'one object')
  })
  it('keeps its own copy of the bytes', async s => {
    const body = bytesOf('before')
    await s.put('a', body)
    body.fill(0)
    assertEqual(await s.text('a'), 'before', 'the bytes of the time of the put')
  })
  it('holds an empty object', async s => {
    await s.put('empty', '')
    await using body = await s.bucket.get('empty', { signal: s.signal })
    assertEqual(body?.info.size, 0, 'size 0')
    assertEqual(await body?.bytes(0), new Uint8Array(), 'no bytes')
  })
  it('deletes an object', async s => {
    await s.putAll(['a/b', 'a/c'])
    await s.bucket.delete('a/b', { signal: s.signal })
    assertEqual(await s.text('a/b'), undefined, 'no deleted object')
    assertEqual(await s.keys(''), ['a/c'], 'the other object')
  })
  it('deletes a missing object without an error', async s => {
    await s.bucket.delete('a/b', { signal: s.signal })
  })
  it('has no folder left after the last object in it is deleted', async s => {
    await s.put('a/b/c')
    await s.bucket.delete('a/b/c', { signal: s.signal })
    assertEqual(
      (await s.pages('', '/')).flatMap(page => page.prefixes),
      [],
      'no common prefix',
    )
    await s.put('a', 'an object where the folder was')
    assertEqual(await s.keys(''), ['a'], 'the new object')
  })
  it('tells the same key, size and etag in a listing and in a get', async s => {
    await s.put('a/b', 'four')
    const [page] = await s.pages('')
    await using body = await s.bucket.get('a/b', { signal: s.signal })
    const listed = page?.objects[0]
    assertEqual([listed?.key, listed?.size, listed?.etag], ['a/b', 4, body?.info.etag], 'the listed object')
    assertEqual([body?.info.key, body?.info.size], ['a/b', 4], 'the object of the get')
    // HTTP dates have seconds; a listing may have milliseconds.
    assertEqual(Math.floor((listed?.modified ?? 0) / 1000), Math.floor((body?.info.modified ?? -1) / 1000), 'one time')
  })
  it('keeps an etag while the object stays the same', async s => {
    await s.put('a', 'one')
    assertEqual(await s.etag('a'), await s.etag('a'), 'one etag')
  })
  it('changes the etag with the content, also at the same size', async s => {
    await s.put('a', 'one')
    const before = await s.etag('a')
    await s.put('a', 'two')
    assert((await s.etag('a')) !== before, 'another etag')
  })
  it('has an etag without quotes', async s => {
    await s.put('a')
    const etag = await s.etag('a')
    assert(etag !== '' && !etag.includes('"'), `an etag without quotes, not ${etag}`)
  })
}

export function conditionCases({ it, runner, conditionalPut }: BucketKit): void {
  if (!conditionalPut) {
    leaveOut(runner, 'conditional puts', 'supports.conditionalPut is false')
    it('refuses a condition that it cannot hold, with unsupported', async s => {
      const put = s.bucket.put('a', bytesOf('one'), { if: 'absent', signal: s.signal })
      assertEqual(codeOf(await assertRejects(put, 'a conditional put')), ErrorCode.unsupported, 'its code')
    })
    return
  }
  it('stores an absent object under the condition absent', async s => {
    assertEqual(await s.bucket.put('a/b', bytesOf('one'), { if: 'absent', signal: s.signal }), 'stored', 'the answer')
    assertEqual(await s.text('a/b'), 'one', 'the body')
  })
  it('leaves an object that is there under the condition absent', async s => {
    await s.put('a', 'one')
    assertEqual(await s.bucket.put('a', bytesOf('two'), { if: 'absent', signal: s.signal }), 'conflict', 'the answer')
    assertEqual(await s.text('a'), 'one', 'the first body')
  })
  it(`lets exactly one of ${WRITERS} concurrent puts of an absent object win, in each of ${ROUNDS} races`, async s => {
    await race(s, 'lock', () => 'absent')
  })
  it('replaces an object whose etag is the given one', async s => {
    await s.put('a', 'one')
    const options = { if: { etag: await s.etag('a') }, signal: s.signal }
    assertEqual(await s.bucket.put('a', bytesOf('two'), options), 'stored', 'the answer')
    assertEqual(await s.text('a'), 'two', 'the new body')
  })
  it('leaves an object whose etag is another', async s => {
    await s.put('a', 'one')
    const etag = await s.etag('a')
    await s.put('a', 'two')
    assertEqual(await s.bucket.put('a', bytesOf('six'), { if: { etag }, signal: s.signal }), 'conflict', 'the answer')
    assertEqual(await s.text('a'), 'two', 'the body of before')
  })
  it('has a conflict for an etag of a missing object', async s => {
    const options = { if: { etag: '0123456789abcdef0123456789abcdef' }, signal: s.signal }
    assertEqual(await s.bucket.put('a', bytesOf('one'), options), 'conflict', 'the answer')
    assertEqual(await s.text('a'), undefined, 'still no object')
  })
  it(`lets exactly one of ${WRITERS} concurrent puts on one etag win, in each of ${ROUNDS} races`, async s => {
    await race(s, 'counter', async key => {
      await s.put(key, 'one')
      return { etag: await s.etag(key) }
    })
  })
}

async function race(
  s: Subject,
  name: string,
  condition: (key: string) => Promise<PutCondition> | PutCondition,
): Promise<void> {
  const winners: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const key = `a/${name}-${round}`
    const options = { if: await condition(key), signal: s.signal }
    const puts = Array.from({ length: WRITERS }, (_, i) => s.bucket.put(key, bytesOf(`writer ${i}`), options))
    const answers = await Promise.all(puts)
    winners.push(answers.filter(answer => answer === 'stored').length)
    if (winners.at(-1) !== 1) continue
    assertEqual(await s.text(key), `writer ${answers.indexOf('stored')}`, "the winner's body")
  }
  assertEqual(winners, Array(ROUNDS).fill(1), 'one winner in each race')
}
