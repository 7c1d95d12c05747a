/** Cases of listings: order, pages, prefixes, the delimiter. */
import { assert, assertEqual } from '../kit.ts'
import { type BucketKit, numbered } from './subject.ts'

const MANY = 2500
/** More than one page of every store we know. */
const OVER_A_PAGE = 1100

export function listingCases({ it }: BucketKit): void {
  it('lists nothing in an empty bucket', async s => {
    assertEqual(await s.pages(''), [{ objects: [], prefixes: [], cursor: undefined }], 'one empty page')
  })
  it('lists nothing below a prefix that no key has', async s => {
    await s.put('a/b')
    assertEqual(await s.keys('a/b/'), [], 'nothing below an object')
    assertEqual(await s.keys('b/'), [], 'nothing below a missing folder')
  })
  it(`lists ${MANY} objects over all pages, in order, each once`, async s => {
    const keys = numbered('a/', MANY)
    await s.putAll(keys)
    assertEqual(await s.keys('a/'), keys, 'all keys')
  })
  it('lists an empty prefix as the whole bucket', async s => {
    await s.putAll(['a', 'b/c', 'd/e/f'])
    assertEqual(await s.keys(''), ['a', 'b/c', 'd/e/f'], 'all keys')
  })
  it('takes a prefix as the start of a key, not as a folder', async s => {
    await s.putAll(['a/b', 'a/bc', 'a/bc-d', 'a/bd/e', 'a-b', 'b'])
    assertEqual(await s.keys('a/b'), ['a/b', 'a/bc', 'a/bc-d', 'a/bd/e'], 'keys that start so')
    assertEqual(await s.keys('a/bc'), ['a/bc', 'a/bc-d'], 'keys that start so')
    assertEqual(await s.keys('a/'), ['a/b', 'a/bc', 'a/bc-d', 'a/bd/e'], 'keys that start so')
  })
  it('lists in the byte order of whole keys, across folders', async s => {
    const keys = ['a!', 'a-b', 'a-c/d', 'a.b', 'a/b', 'a/c/d', 'a/c0', 'a0', 'aa/b', 'b']
    await s.putAll([...keys].reverse())
    assertEqual(await s.keys(''), keys, 'byte order')
  })
  it('lists in the order of UTF-8, which is not that of UTF-16', async s => {
    const keys = ['Z', 'a', 'é', '€', '\uffee', '\u{1f600}']
    await s.putAll([...keys].reverse())
    assertEqual(await s.keys(''), keys, 'UTF-8 order')
  })
  it('gathers keys at the delimiter', async s => {
    await s.putAll(['a', 'b-c', 'b/c', 'b/d/e', 'b0', 'c/d'])
    const pages = await s.pages('', '/')
    assertEqual(
      pages.flatMap(page => page.objects.map(o => o.key)),
      ['a', 'b-c', 'b0'],
      'objects of the top',
    )
    assertEqual(
      pages.flatMap(page => page.prefixes),
      ['b/', 'c/'],
      'common prefixes',
    )
  })
  it('gathers below a prefix that ends inside a name', async s => {
    await s.putAll(['a/bc', 'a/bd/e', 'a/bd/f', 'a/c/d'])
    const pages = await s.pages('a/b', '/')
    assertEqual(
      pages.flatMap(page => page.objects.map(o => o.key)),
      ['a/bc'],
      'objects',
    )
    assertEqual(
      pages.flatMap(page => page.prefixes),
      ['a/bd/'],
      'common prefixes',
    )
  })
  it(`lists ${OVER_A_PAGE} common prefixes over all pages, in order, each once`, async s => {
    await s.putAll(['f-first', ...numbered('f/', OVER_A_PAGE, '/x'), 'f/00500/y', 'f/z'])
    const pages = await s.pages('f/', '/')
    assertEqual(
      pages.flatMap(page => page.prefixes),
      numbered('f/', OVER_A_PAGE, '/'),
      'all common prefixes',
    )
    assertEqual(
      pages.flatMap(page => page.objects.map(o => o.key)),
      ['f/z'],
      'the object after them',
    )
  })
  it('goes on after the cursor when objects before and after it were deleted', async s => {
    const keys = numbered('a/', OVER_A_PAGE)
    await s.putAll(keys)
    const first = await s.bucket.list('', { signal: s.signal })
    const seen = first.objects.map(object => object.key)
    assert(first.cursor !== undefined, `a cursor after a page of ${seen.length} of ${OVER_A_PAGE} objects`)
    const next = keys[seen.length] ?? ''
    for (const key of [seen[0], seen.at(-1), next]) await s.bucket.delete(key ?? '', { signal: s.signal })
    let cursor: string | undefined = first.cursor
    while (cursor !== undefined) {
      const page = await s.bucket.list('', { cursor, signal: s.signal })
      seen.push(...page.objects.map(object => object.key))
      cursor = page.cursor
    }
    // A store may show what was deleted during the listing; it may not skip or repeat anything else.
    assertEqual(
      seen.filter(key => key !== next),
      keys.filter(key => key !== next),
      'all others, each once',
    )
  })
  it('shows in a new listing what was put and deleted after the last one', async s => {
    await s.putAll(['a/1', 'a/2'])
    await s.keys('')
    await s.put('a/3')
    await s.bucket.delete('a/1', { signal: s.signal })
    assertEqual(await s.keys(''), ['a/2', 'a/3'], 'the objects of now')
  })
}
