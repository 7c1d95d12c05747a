/** prepare, commit and dispose: what shows, and what stays. A prepare that fails leaves nothing, whatever the reason. */
import { held } from '../../pipeline/owned.ts'
import { assert, assertEqual, assertRejects } from '../kit.ts'
import type { SinkKit, Subject } from './subject.ts'

const { signal } = new AbortController()

export function prepareCases({ it }: SinkKit): void {
  it('loaded() is empty at first', async ({ sink }) => {
    assertEqual([...sink.loaded().keys()], [], 'no loaded block')
  })

  it('prepare() shows nothing, commit() shows the block, and dispose after it changes nothing', async subject => {
    const { sink, block } = subject
    const prepared = await subject.prepare(block)
    assert(!sink.loaded().has(block.meta.ulid), 'the block not to show before commit()')
    await prepared.commit()
    for (let time = 1; time <= 3; time++) {
      assertEqual([...sink.loaded().keys()], [block.meta.ulid], 'the block to show after commit()')
      await subject.dispose(prepared)
    }
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

  it('dispose without commit() leaves nothing, also when it is called twice, and commit() after it fails', async subject => {
    const before = await subject.disk()
    const prepared = await subject.prepare(subject.block)
    await subject.dispose(prepared)
    await subject.dispose(prepared)
    await assertRejects(async () => await prepared.commit(), 'commit() of a disposed block')
    await assertNothing(subject, before)
  })

  it('blocks can be prepared side by side, and do not change those that are loaded', async subject => {
    const { sink, block, other, third } = subject
    await subject.add(third)
    const prepared = await Promise.all([block, other].map(each => subject.prepare(each)))
    assertEqual([...sink.loaded().keys()], [third.meta.ulid], 'nothing new to show before commit()')
    await Promise.all(prepared.map(each => each.commit()))
    await Promise.all(prepared.map(each => subject.dispose(each)))
    for (const { meta } of [block, other, third]) {
      assertEqual(sink.loaded().get(meta.ulid)?.meta, meta, `${meta.ulid} to be loaded`)
    }
  })
}

export function failureCases({ it }: SinkKit): void {
  it('prepare() with a signal that aborted already rejects and leaves nothing', async subject => {
    await assertAborted(subject, AbortSignal.abort(new Error('too late')))
    assertEqual(subject.bucket.gets, 0, 'the bucket not to be asked')
  })

  it('an abort in the middle of prepare() rejects and leaves nothing', async subject => {
    const controller = new AbortController()
    if (!(await readsBucket(subject))) return
    subject.bucket.onGet = () => controller.abort(new Error('no longer wanted'))
    await assertAborted(subject, controller.signal)
  })

  it('prepare() of a block whose objects are gone rejects and leaves nothing', async subject => {
    for (const { path } of subject.block.meta.files) {
      await subject.bucket.delete(subject.block.path + path, { signal })
    }
    await assertFails(subject)
  })

  it('prepare() of a block whose objects are shorter than the meta says rejects and leaves nothing', async subject => {
    for (const { path, size } of subject.block.meta.files) {
      await subject.bucket.put(subject.block.path + path, new Uint8Array(size >> 1), { signal })
    }
    await assertFails(subject)
  })

  it('a block that failed can be added once its objects are there', async subject => {
    const path = subject.block.meta.files[0]?.path ?? ''
    const bytes = await subject.stored(path)
    await subject.bucket.delete(subject.block.path + path, { signal })
    const prepared = await subject.prepare(subject.block).catch(() => undefined)
    if (prepared) await subject.dispose(prepared)
    await subject.bucket.put(subject.block.path + path, bytes, { signal })
    await subject.add(subject.block, { lease: { ...held, fence: 1 } })
    assert(subject.sink.loaded().has(subject.block.meta.ulid), 'the block to be loaded')
  })
}

async function assertAborted(subject: Subject, aborted: AbortSignal): Promise<void> {
  const before = await subject.disk()
  const work = () => subject.prepare(subject.block, { signal: aborted })
  const error = await assertRejects(work, 'prepare() of a block that is aborted')
  assert(error === aborted.reason, "the signal's reason")
  await assertNothing(subject, before)
}

/** A sink that reads no object cannot see that one is missing: then it must take the block, having asked for nothing. */
async function assertFails(subject: Subject): Promise<void> {
  const before = await subject.disk()
  if (!(await readsBucket(subject))) return
  await assertRejects(() => subject.prepare(subject.block), 'prepare() of a damaged block')
  await assertNothing(subject, before)
}

/** Whether the sink asks the bucket for anything of a good block. */
async function readsBucket(subject: Subject): Promise<boolean> {
  await subject.dispose(await subject.prepare(subject.other))
  return subject.bucket.gets > 0
}

/** Nothing of `block` shows, now or after a restart, and the disk is as it was `before`. */
async function assertNothing(subject: Subject, before: readonly string[]): Promise<void> {
  const { ulid } = subject.block.meta
  assert(!subject.sink.loaded().has(ulid), 'the block not to show')
  assertEqual(await subject.disk(), before, 'the disk to be as it was')
  await subject.restarted(sink => assert(!sink.loaded().has(ulid), 'the block not to show after a restart'))
}
