/** Cases of listings: order, pages, prefixes, the delimiter, and folders that cannot be read. */
import { ErrorCode } from '../../contracts/errors.ts'
import type { Bucket } from '../../contracts/host.ts'
import { assert, assertEqual, leaveOut } from '../assert.ts'
import { assertFails, type BucketKit, numbered, type Subject } from './subject.ts'

const MANY = 2500
/** More than one page of every store we know. */
const OVER_A_PAGE = 1100

export function listingCases({ it }: BucketKit): void {
  it('lists nothing in an empty bucket', async s => {
    const page = await s.bucket.list('', { signal: s.signal })
    assertEqual(page, { objects: [], prefixes: [], cursor: undefined }, 'one empty page')
  })
  it(`lists ${MANY} objects over all pages, in order, each once, and goes on behind a text and a cursor`, async s => {
    const keys = numbered('a/', MANY)
    await s.putAll(['0', ...keys, 'b/c', 'd'])
    assertEqual(await s.keys('a/'), keys, 'all keys')
    await listsBehind(s, keys)
    await goesOnAfterDeletes(s, ['0', ...keys, 'b/c', 'd'])
  })
  it('takes a prefix as the start of a key, not as a folder', async s => {
    const below = ['a/b', 'a/bc', 'a/bc-d', 'a/bd/e']
    await s.putAll([...below, 'a-b', 'b', 'c/d/e'])
    assertEqual(await s.keys('a/b'), below, 'keys that start so')
    assertEqual(await s.keys('a/bc'), ['a/bc', 'a/bc-d'], 'keys that start so')
    assertEqual(await s.keys('a/'), below, 'keys that start so')
    assertEqual(await s.keys('a/b/'), [], 'nothing below an object')
    assertEqual(await s.keys('d/'), [], 'nothing below a missing folder')
    assertEqual(await s.keys(''), ['a-b', ...below, 'b', 'c/d/e'], 'the whole bucket')
  })
  const orders = {
    'the byte order of whole keys, across folders': 'a! a-b a-c/d a.b a/b a/c/d a/c0 a0 aa/b b',
    'the order of UTF-8, which is not that of UTF-16': 'Z a é € \uffee \u{1f600}',
  }
  for (const [order, keys] of Object.entries(orders)) {
    it(`lists in ${order}`, async s => {
      await s.putAll(keys.split(' ').reverse())
      assertEqual(await s.keys(''), keys.split(' '), order)
    })
  }
  it('gathers keys at the delimiter, also below a prefix that ends inside a name', async s => {
    await s.putAll(['a', 'b-c', 'b/c', 'b/d/e', 'b0', 'c/d', 'e/fg', 'e/fh/i', 'e/fh/j', 'e/g/h'])
    const top = { objects: ['a', 'b-c', 'b0'], prefixes: ['b/', 'c/', 'e/'], unreadable: [] }
    assertEqual(await s.list('', '/'), top, 'objects and common prefixes of the top')
    const below = { objects: ['e/fg'], prefixes: ['e/fh/'], unreadable: [] }
    assertEqual(await s.list('e/f', '/'), below, 'objects and common prefixes below e/f')
  })
  it(`lists ${OVER_A_PAGE} common prefixes over all pages, in order, each once`, async s => {
    await s.putAll(['f-first', ...numbered('f/', OVER_A_PAGE, '/x'), 'f/00500/y', 'f/z'])
    const all = { objects: ['f/z'], prefixes: numbered('f/', OVER_A_PAGE, '/'), unreadable: [] }
    assertEqual(await s.list('f/', '/'), all, 'all common prefixes, and the object after them')
  })
  it('shows in a new listing what was put and deleted after the last one', async s => {
    await s.putAll(['a/1', 'a/2'])
    await s.keys('')
    await s.put('a/3')
    await s.delete('a/1')
    assertEqual(await s.keys(''), ['a/2', 'a/3'], 'the objects of now')
  })
}

/** A text need not be a key. */
async function listsBehind(s: Subject, keys: readonly string[]): Promise<void> {
  const behind = async (prefix: string, after: string) => {
    const found: string[] = []
    let cursor: string | undefined
    do {
      const page = await s.bucket.list(prefix, { after, cursor, signal: s.signal })
      found.push(...page.objects.map(({ key }) => key))
      cursor = page.cursor
    } while (cursor !== undefined)
    return found
  }
  assertEqual(await behind('', ''), ['0', ...keys, 'b/c', 'd'], 'all keys behind nothing')
  assertEqual(await behind('', keys[2] ?? ''), [...keys.slice(3), 'b/c', 'd'], 'the keys behind one of them')
  assertEqual(await behind('a/', `${keys[2]}~`), keys.slice(3), 'the keys below a prefix, behind a text that is no key')
  assertEqual(await behind('', 'b'), ['b/c', 'd'], 'the keys behind a folder that has no /')
  assertEqual(await behind('', 'e'), [], 'nothing behind the last key')
}

/** Objects before and after a cursor are deleted. A store may show them during the listing; it may not skip or repeat anything else. */
async function goesOnAfterDeletes(s: Subject, keys: readonly string[]): Promise<void> {
  const first = await s.bucket.list('', { signal: s.signal })
  const seen = first.objects.map(object => object.key)
  assert(first.cursor !== undefined, `a cursor after a page of ${seen.length} of ${keys.length} objects`)
  const next = keys[seen.length] ?? ''
  for (const key of [seen[0], seen.at(-1), next]) await s.delete(key ?? '')
  let cursor: string | undefined = first.cursor
  while (cursor !== undefined) {
    const page = await s.bucket.list('', { cursor, signal: s.signal })
    seen.push(...page.objects.map(object => object.key))
    cursor = page.cursor
  }
  const others = (all: readonly string[]) => all.filter(key => key !== next)
  assertEqual(others(seen), others(keys), 'after a cursor all others, each once')
}

/** `spoil` makes a folder one that cannot be read: it is named, and takes nothing else with it. */
export function unreadableCases(
  { it, runner }: BucketKit,
  spoil: ((bucket: Bucket, folder: string) => Promise<void> | void) | undefined,
): void {
  if (!spoil) {
    leaveOut(runner, 'folders that cannot be read', 'spoil is not given')
    return
  }
  it('lists what is beside a folder that it cannot read, and never takes that one for empty', async s => {
    await s.putAll(['a/1', 'b/1', 'b/2', 'c/1'])
    await spoil(s.bucket, 'b/')
    const flat = { objects: ['a/1', 'c/1'], prefixes: [], unreadable: ['b/'] }
    assertEqual(await s.list(''), flat, 'the others, and the folder')
    const gathered = { objects: [], prefixes: ['a/', 'c/'], unreadable: ['b/'] }
    assertEqual(await s.list('', '/'), gathered, 'the common prefixes, and the folder')
    const list = () => s.bucket.list('b/', { signal: s.signal })
    await assertFails(list, ErrorCode.bucketFailed, 'a listing of the folder itself')
  })
  it('gathers a folder in which it cannot read a deeper one', async s => {
    await s.putAll(['a/1', 'b/c/1'])
    await spoil(s.bucket, 'b/c/')
    const gathered = { objects: [], prefixes: ['a/', 'b/'], unreadable: [] }
    assertEqual(await s.list('', '/'), gathered, 'both common prefixes')
    assertEqual((await s.list('b/')).unreadable, ['b/c/'], 'the deeper one')
  })
  it('lists on over all pages before and behind a folder that it cannot read', async s => {
    const objects = [...numbered('a/', 550), ...numbered('c/', 550)]
    await s.putAll([...objects, 'b/1', 'd/1'])
    await spoil(s.bucket, 'b/')
    await spoil(s.bucket, 'd/')
    const all = { objects, prefixes: [], unreadable: ['b/', 'd/'] }
    assertEqual(await s.list(''), all, 'all others, each once, and the folders')
  })
}
