/** Cases of a folder that the bucket cannot read: it is named, and takes nothing else with it. */
import { codeOf, ErrorCode } from '../../contracts/errors.ts'
import type { Bucket } from '../../contracts/host.ts'
import { assert, assertEqual, assertRejects, leaveOut } from '../kit.ts'
import { type BucketKit, numbered, type Subject } from './subject.ts'

export function unreadableCases(
  { it, runner }: BucketKit,
  spoil: ((bucket: Bucket, folder: string) => Promise<void> | void) | undefined,
): void {
  if (!spoil) {
    leaveOut(runner, 'folders that cannot be read', 'spoil is not given')
    return
  }
  it('lists what is beside a folder that it cannot read, and names that one', async s => {
    await s.putAll(['a/1', 'b/1', 'b/2', 'c/1'])
    await spoil(s.bucket, 'b/')
    assertEqual(await told(s), [['a/1', 'c/1'], [], ['b/']], 'the others, and the folder')
  })
  it('never takes a folder that it cannot read for an empty one', async s => {
    await s.putAll(['a/1', 'b/1', 'c/1'])
    await spoil(s.bucket, 'b/')
    assertEqual(await told(s, '/'), [[], ['a/', 'c/'], ['b/']], 'the common prefixes, and the folder')
    const error = await assertRejects(s.bucket.list('b/', { signal: s.signal }), 'a listing of the folder itself')
    assertEqual(codeOf(error), ErrorCode.bucketFailed, 'its code')
  })
  it('gathers a folder in which it cannot read a deeper one', async s => {
    await s.putAll(['a/1', 'b/c/1'])
    await spoil(s.bucket, 'b/c/')
    assertEqual(await told(s, '/'), [[], ['a/', 'b/'], []], 'both common prefixes')
    assertEqual(
      (await s.pages('b/')).flatMap(page => page.unreadable ?? []).map(at => at.key),
      ['b/c/'],
      'the deeper one',
    )
  })
  it('lists on over all pages before and behind a folder that it cannot read', async s => {
    const keys = [...numbered('a/', 550), ...numbered('c/', 550)]
    await s.putAll([...keys, 'b/1', 'd/1'])
    await spoil(s.bucket, 'b/')
    await spoil(s.bucket, 'd/')
    assertEqual(await told(s), [keys, [], ['b/', 'd/']], 'all others, each once, and the folders')
  })
}

async function told(s: Subject, delimiter?: '/'): Promise<readonly (readonly string[])[]> {
  const pages = await s.pages('', delimiter)
  const bad = pages.flatMap(page => page.unreadable ?? [])
  assert(
    bad.every(({ error }) => error !== undefined),
    'an error for each key that cannot be read',
  )
  return [
    pages.flatMap(page => page.objects.map(object => object.key)),
    pages.flatMap(page => page.prefixes),
    bad.map(at => at.key),
  ]
}
