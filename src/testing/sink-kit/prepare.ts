/** prepare, commit and dispose: what shows, and what stays. */
import type { Candidate } from '../../contracts/block.ts'
import { held } from '../../pipeline/owned.ts'
import { assert, assertEqual, assertRejects } from '../kit.ts'
import type { SinkKit, Subject } from './subject.ts'

export function prepareCases({ it }: SinkKit): void {
  it('loaded() is empty at first', async ({ sink }) => {
    assertEqual([...sink.loaded().keys()], [], 'no loaded block')
  })

  it('prepare() shows nothing, commit() shows the block', async subject => {
    const { sink, block } = subject
    const prepared = await subject.prepare(block)
    assert(!sink.loaded().has(block.meta.ulid), 'the block not to show before commit()')
    await prepared.commit()
    assertEqual([...sink.loaded().keys()], [block.meta.ulid], 'the block to show after commit()')
    await subject.dispose(prepared)
    assertEqual([...sink.loaded().keys()], [block.meta.ulid], 'dispose after commit() to change nothing')
  })

  it('loaded() has the meta and the bytes that prepare() was given and gave', async subject => {
    const prepared = await subject.prepare(subject.block)
    await prepared.commit()
    await subject.dispose(prepared)
    const loaded = subject.sink.loaded().get(subject.block.meta.ulid)
    assertEqual(loaded?.meta, subject.block.meta, 'the meta that was given')
    assertEqual(loaded?.bytes, prepared.bytes, 'the bytes of the prepared block')
    assert(Number.isSafeInteger(prepared.bytes) && prepared.bytes >= 0, 'bytes >= 0')
  })

  it('loaded() has the fence of the lease, and none where there was no lease', async subject => {
    await subject.add(subject.block, { lease: { ...held, fence: 7 } })
    await subject.add(subject.other)
    assertEqual(subject.sink.loaded().get(subject.block.meta.ulid)?.fence, 7, 'the fence of the lease')
    assertEqual(subject.sink.loaded().get(subject.other.meta.ulid)?.fence, undefined, 'no fence')
  })

  it('dispose without commit() leaves nothing, also when it is called twice', async subject => {
    const before = await subject.disk()
    const prepared = await subject.prepare(subject.block)
    await subject.dispose(prepared)
    await subject.dispose(prepared)
    await assertNothing(subject, subject.block, before)
  })

  it('dispose can be called twice after commit()', async subject => {
    const prepared = await subject.prepare(subject.block)
    await prepared.commit()
    await subject.dispose(prepared)
    await subject.dispose(prepared)
    assert(subject.sink.loaded().has(subject.block.meta.ulid), 'the block to stay loaded')
  })

  it('commit() after dispose fails and shows nothing', async subject => {
    const before = await subject.disk()
    const prepared = await subject.prepare(subject.block)
    await subject.dispose(prepared)
    await assertRejects(async () => await prepared.commit(), 'commit() of a disposed block')
    await assertNothing(subject, subject.block, before)
  })

  it('blocks can be prepared side by side', async subject => {
    const { sink, block, other, third } = subject
    const all = [block, other, third]
    const prepared = await Promise.all(all.map(each => subject.prepare(each)))
    assertEqual([...sink.loaded().keys()], [], 'nothing to show before commit()')
    await Promise.all(prepared.map(each => each.commit()))
    await Promise.all(prepared.map(each => subject.dispose(each)))
    for (const { meta } of all) assertEqual(sink.loaded().get(meta.ulid)?.meta, meta, `${meta.ulid} to be loaded`)
  })

  it('a block that is prepared does not change those that are loaded', async subject => {
    await subject.add(subject.block)
    const prepared = await subject.prepare(subject.other)
    await subject.dispose(prepared)
    assertEqual([...subject.sink.loaded().keys()], [subject.block.meta.ulid], 'the first block to stay loaded')
  })
}

/** Nothing of `block` shows, now or after a restart, and the disk is as it was `before`. */
export async function assertNothing(subject: Subject, block: Candidate, before: readonly string[]): Promise<void> {
  const { ulid } = block.meta
  assert(!subject.sink.loaded().has(ulid), 'the block not to show')
  assertEqual(await subject.disk(), before, 'the disk to be as it was')
  await subject.restarted(sink => assert(!sink.loaded().has(ulid), 'the block not to show after a restart'))
}
