/** Cases of single objects: put, get, delete, etags and conditions. */
import type { BucketWriter } from '../../contracts/bucket.ts'
import { ErrorCode } from '../../contracts/errors.ts'
import { assert, assertEqual, leaveOut } from '../assert.ts'
import { assertFails, type BucketKit, bytesOf, type Subject } from './subject.ts'

/** One race is won by chance also where the store does not hold its condition. */
const ROUNDS = 20
const WRITERS = 10

type PutCondition = NonNullable<Parameters<BucketWriter['put']>[2]['if']>

export function objectCases({ it }: BucketKit): void {
  it('gives back the bytes that were put', async s => {
    const body = Uint8Array.from({ length: 256 }, (_, i) => i)
    await s.put('a/b', body)
    assertEqual(await (await s.get('a/b')).bytes(256), body, 'the same bytes')
  })
  it('has undefined for a missing object', async s => {
    await s.put('a/b')
    assertEqual(await s.text('a'), undefined, 'no object at the folder of another')
    assertEqual(await s.text('a/bc'), undefined, 'no object at a longer key')
    assertEqual(await s.text('a', { offset: 0, length: 5 }), undefined, 'no range of it')
    assertEqual(await s.text('a', { suffix: 5 }), undefined, 'no end of it')
  })
  it('replaces an object that is put again, and changes its etag, also at the same size', async s => {
    await s.put('a', 'one')
    const before = await s.etag('a')
    assertEqual(await s.etag('a'), before, 'one etag while it stays the same')
    await s.put('a', 'two')
    assertEqual([await s.text('a'), await s.keys('')], ['two', ['a']], 'the later body of one object')
    assert((await s.etag('a')) !== before, 'another etag')
  })
  it('keeps its own copy of the bytes', async s => {
    const body = bytesOf('before')
    await s.put('a', body)
    body.fill(0)
    assertEqual(await s.text('a'), 'before', 'the bytes of the time of the put')
  })
  it('holds an empty object, which has no bytes for any range', async s => {
    await s.put('empty', '')
    const body = await s.get('empty')
    assertEqual([body.info.size, await body.bytes(0)], [0, new Uint8Array()], 'size 0 and no bytes')
    assertEqual(await s.text('empty', { offset: 0, length: 5 }), '', 'no bytes from the start')
    assertEqual(await s.text('empty', { suffix: 5 }), '', 'no bytes from the end')
  })
  it('deletes an object, and one that is missing without an error', async s => {
    await s.putAll(['a/b', 'a/c'])
    for (const _ of ['there', 'missing']) await s.delete('a/b')
    assertEqual([await s.text('a/b'), await s.keys('')], [undefined, ['a/c']], 'the other object')
  })
  it('has no folder left after the last object in it is deleted', async s => {
    await s.put('a/b/c')
    await s.delete('a/b/c')
    assertEqual((await s.list('', '/')).prefixes, [], 'no common prefix')
    await s.put('a', 'an object where the folder was')
    assertEqual(await s.keys(''), ['a'], 'the new object')
  })
  it('tells the same in a listing and in a get: key, size, time, and an etag without quotes', async s => {
    await s.put('a/b', 'four')
    const [listed] = (await s.bucket.list('', { signal: s.signal })).objects
    await using body = await s.get('a/b')
    const { key, size, etag, modified } = body.info
    assertEqual([listed?.key, listed?.size, listed?.etag], ['a/b', 4, etag], 'the listed object')
    assertEqual([key, size], ['a/b', 4], 'the object of the get')
    assert(etag !== '' && !etag.includes('"'), `an etag without quotes, not ${etag}`)
    // HTTP dates have seconds; a listing may have milliseconds.
    assertEqual(Math.floor((listed?.modified ?? 0) / 1000), Math.floor(modified / 1000), 'one time')
  })
}

/** `conditionalPut` is false of a store that knows no conditions. */
export function conditionCases({ it, runner }: BucketKit, conditionalPut: boolean): void {
  const put = (s: Subject, body: string, condition: PutCondition) =>
    s.bucket.put('a', bytesOf(body), { if: condition, signal: s.signal })
  if (!conditionalPut) {
    leaveOut(runner, 'conditional puts', 'supports.conditionalPut is false')
    it('refuses a condition that it cannot hold, with unsupported', async s => {
      await assertFails(() => put(s, 'one', 'absent'), ErrorCode.unsupported, 'a conditional put')
    })
    return
  }
  it('stores an absent object under the condition absent, and leaves one that is there', async s => {
    assertEqual(await put(s, 'one', 'absent'), 'stored', 'the answer')
    assertEqual(await put(s, 'two', 'absent'), 'conflict', 'the answer')
    assertEqual(await s.text('a'), 'one', 'the first body')
  })
  it('replaces an object whose etag is the given one, and leaves one whose etag is another', async s => {
    await s.put('a', 'one')
    const etag = await s.etag('a')
    assertEqual(await put(s, 'two', { etag }), 'stored', 'the answer')
    assertEqual(await put(s, 'six', { etag }), 'conflict', 'the answer')
    assertEqual(await s.text('a'), 'two', 'the new body')
  })
  it('has a conflict for an etag of a missing object', async s => {
    assertEqual(await put(s, 'one', { etag: '0123456789abcdef0123456789abcdef' }), 'conflict', 'the answer')
    assertEqual(await s.text('a'), undefined, 'still no object')
  })
  it(`lets exactly one of ${WRITERS} concurrent puts of an absent object win, in each of ${ROUNDS} races`, async s => {
    await race(s, 'lock', () => 'absent')
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
