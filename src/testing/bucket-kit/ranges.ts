/** Cases of range reads. */
import type { Range } from '../../contracts/bucket.ts'
import { assertEqual } from '../kit.ts'
import type { BucketKit } from './subject.ts'

const CASES: readonly (readonly [name: string, range: Range, text: string])[] = [
  ['reads a range inside the object', { offset: 2, length: 3 }, '234'],
  ['reads a range up to the end', { offset: 7, length: 3 }, '789'],
  ['cuts a range that goes past the end', { offset: 7, length: 100 }, '789'],
  ['has no bytes for a range that starts at the end', { offset: 10, length: 1 }, ''],
  ['has no bytes for a range that starts past the end', { offset: 1000, length: 10 }, ''],
  ['has no bytes for a range of length 0', { offset: 3, length: 0 }, ''],
  ['reads a suffix', { suffix: 4 }, '6789'],
  ['reads the whole object for a suffix larger than it', { suffix: 100 }, '0123456789'],
  ['has no bytes for a suffix of 0', { suffix: 0 }, ''],
]

export function rangeCases({ it }: BucketKit): void {
  for (const [name, range, text] of CASES) {
    it(name, async s => {
      await s.put('a/digits', '0123456789')
      assertEqual(await s.text('a/digits', range), text, `the bytes of ${JSON.stringify(range)}`)
    })
  }
  it('tells the size of the whole object with a range, also with an empty one', async s => {
    await s.put('a', '0123456789')
    const etag = await s.etag('a')
    for (const [, range] of CASES) {
      await using body = await s.bucket.get('a', { range, signal: s.signal })
      assertEqual([body?.info.size, body?.info.etag], [10, etag], `size and etag with ${JSON.stringify(range)}`)
    }
  })
  it('has no bytes for any range of an empty object', async s => {
    await s.put('empty', '')
    assertEqual(await s.text('empty', { offset: 0, length: 5 }), '', 'no bytes from the start')
    assertEqual(await s.text('empty', { suffix: 5 }), '', 'no bytes from the end')
  })
  it('has undefined for a range of a missing object', async s => {
    assertEqual(await s.text('a', { offset: 0, length: 5 }), undefined, 'no object')
    assertEqual(await s.text('a', { suffix: 5 }), undefined, 'no object')
  })
  it('reads a range out of the middle of a large object', async s => {
    const large = Uint8Array.from({ length: 300_000 }, (_, i) => i % 251)
    await s.put('large', large)
    const body = await s.bucket.get('large', { range: { offset: 100_000, length: 150_000 }, signal: s.signal })
    assertEqual(await body?.bytes(150_000), large.slice(100_000, 250_000), 'those bytes')
  })
}
