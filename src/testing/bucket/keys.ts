/** Cases of unusual and hostile keys. */
import { codeOf, ErrorCode } from '../../contracts/errors.ts'
import { assert, assertEqual } from '../assert.ts'
import { assertFails, type BucketKit, bytesOf, type Subject } from './subject.ts'

const UNUSUAL = [
  'a b/c d',
  'a+b',
  'a%2Fb',
  'a%20b',
  'a?b=c',
  'a#b',
  'a&b',
  'a=b;c,d',
  "a'b(c)!*",
  'a:b@c$d~e',
  '..a/b..',
  '.hidden/...',
  'größe/日本/\u{1f600}',
  'e\u0301',
]

const HOSTILE = [
  '../x',
  '../../x',
  'a/../b',
  'a/..',
  '..',
  '.',
  './a',
  'a/./b',
  '/a',
  '//a',
  'a//b',
  'a/',
  'a\\..\\b',
  'a\0b',
]

export function keyCases({ it }: BucketKit): void {
  for (const key of UNUSUAL) {
    it(`takes the key ${JSON.stringify(key)} as it is`, async s => {
      await s.put(key, 'unusual')
      assertEqual(await s.text(key), 'unusual', 'the body')
      assertEqual(await s.keys(''), [key], 'the key in a listing')
      assertEqual(await s.keys(key), [key], 'the key as a prefix')
      await s.delete(key)
      assertEqual(await s.keys(''), [], 'nothing after the delete')
    })
  }
  it('keeps keys apart that only look alike', async s => {
    const keys = ['a b', 'a%20b', 'a%2Fb', 'a%2fb', 'a+b', 'a/b', 'e\u0301', '\u00e9']
    for (const key of keys) await s.put(key)
    for (const key of keys) assertEqual(await s.text(key), key, `the body of ${JSON.stringify(key)}`)
  })
  it('rejects the empty key, and one of more than 1024 bytes, with invalid-key', async s => {
    await refuses(s, '')
    // 400 characters, 1,200 bytes; short segments, because file systems take 255 bytes.
    await refuses(s, `${'€€€€€€€/'.repeat(49)}€€€€€€€€`)
  })
  it('takes a key of 991 bytes, which leaves room for a prefix', async s => {
    const key = `${'0123456789abcdef0123456789abcde/'.repeat(30)}0123456789abcdef0123456789abcde`
    await s.put(key, 'long')
    assertEqual([await s.text(key), await s.keys('')], ['long', [key]], 'its body and its place in a listing')
  })
  for (const key of HOSTILE) {
    // A store may take such a key for a name like any other; a file system may not. Nothing may lead elsewhere.
    it(`refuses the key ${JSON.stringify(key)} with invalid-key, or takes it for a plain name`, async s => {
      const others = ['a', 'b', 'x'].filter(other => !key.startsWith(`${other}/`))
      for (const other of others) await s.put(other, 'untouched')
      if (await takes(s, key)) {
        assertEqual(await s.text(key), 'hostile', 'the body that was put')
        assert((await s.keys('')).includes(key), 'a listing that shows the key as it is')
        await s.delete(key)
      } else {
        await refuses(s, key)
      }
      assertEqual(await s.keys(''), others, 'nothing but the other objects')
      for (const other of others) assertEqual(await s.text(other), 'untouched', `the body of ${other}`)
    })
  }
  it('never lists outside the bucket for a hostile prefix', async s => {
    await s.put('a/b', 'untouched')
    for (const prefix of ['../', '..', '/', './', 'a/../', 'a//', '/etc/', 'a\0']) {
      assertEqual(await s.keys(prefix), [], `nothing below ${JSON.stringify(prefix)}`)
    }
  })
}

async function takes(s: Subject, key: string): Promise<boolean> {
  try {
    return (await s.bucket.put(key, bytesOf('hostile'), { signal: s.signal })) === 'stored'
  } catch (error) {
    assertEqual(codeOf(error), ErrorCode.invalidKey, `the code for ${JSON.stringify(key)}`)
    return false
  }
}

async function refuses(s: Subject, key: string): Promise<void> {
  for (const call of s.calls(key)) await assertFails(call, ErrorCode.invalidKey, JSON.stringify(key))
}
