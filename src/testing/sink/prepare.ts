/** prepare, commit and dispose: what shows, and what stays. A prepare that fails leaves nothing, whatever the reason. */
import { held } from '../../pipeline/owned.ts'
import { assert, assertEqual, assertRejects } from '../assert.ts'
import type { SinkKit, Subject } from './subject.ts'

const { signal } = new AbortController()

export function prepareCases({ it }: SinkKit): void {
  it('loaded() is empty at first', async ({ sink }) => {
    assertEqual([...sink.loaded().keys()], [], 'no loaded block')
  })

  it('prepare() shows nothing, commit() shows the block, and dispose after it changes nothing', async s => {
    const prepared = await s.prepare(s.block)
    assert(!s.shows(s.block), 'the block not to show before commit()')
    await prepared.commit()
    for (let time = 1; time <= 3; time++) {
      assertEqual([...s.sink.loaded().keys()], [s.block.meta.ulid], 'the block to show after commit()')
      await s.dispose(prepared)
    }
  })

  it('loaded() has the meta and the bytes that prepare() was given and gave', async s => {
    const prepared = await s.prepare(s.block)
    await prepared.commit()
    await s.dispose(prepared)
    const loaded = s.sink.loaded().get(s.block.meta.ulid)
    assertEqual(loaded?.meta, s.block.meta, 'the meta that was given')
    assertEqual(loaded?.bytes, prepared.bytes, 'the bytes of the prepared block')
    assert(Number.isSafeInteger(prepared.bytes) && prepared.bytes >= 0, 'bytes >= 0')
  })

  it('loaded() has the fence of the lease, and none where there was no lease', async s => {
    await s.add(s.block, { lease: { ...held, fence: 7 } })
    await s.add(s.other)
    assertEqual(s.sink.loaded().get(s.block.meta.ulid)?.fence, 7, 'the fence of the lease')
    assertEqual(s.sink.loaded().get(s.other.meta.ulid)?.fence, undefined, 'no fence')
  })

  it('dispose without commit() leaves nothing, also when it is called twice, and commit() after it fails', async s => {
    const before = await s.disk()
    const prepared = await s.prepare(s.block)
    await s.dispose(prepared)
    await s.dispose(prepared)
    await assertRejects(async () => await prepared.commit(), 'commit() of a disposed block')
    await assertNothing(s, before)
  })

  it('blocks can be prepared side by side, and do not change those that are loaded', async s => {
    const { sink, block, other, third } = s
    await s.add(third)
    const prepared = await Promise.all([block, other].map(each => s.prepare(each)))
    assertEqual([...sink.loaded().keys()], [third.meta.ulid], 'nothing new to show before commit()')
    await Promise.all(prepared.map(each => each.commit()))
    await Promise.all(prepared.map(each => s.dispose(each)))
    for (const { meta } of [block, other, third]) {
      assertEqual(sink.loaded().get(meta.ulid)?.meta, meta, `${meta.ulid} to be loaded`)
    }
  })
}

export function failureCases({ it }: SinkKit): void {
  it('prepare() with a signal that aborted already rejects and leaves nothing', async s => {
    await assertAborted(s, AbortSignal.abort(new Error('too late')))
    assertEqual(s.bucket.gets, 0, 'the bucket not to be asked')
  })

  it('an abort in the middle of prepare() rejects and leaves nothing', async s => {
    if (!(await readsBucket(s))) return
    const controller = new AbortController()
    s.bucket.onGet = () => controller.abort(new Error('no longer wanted'))
    await assertAborted(s, controller.signal)
  })

  it('prepare() of a block whose objects are gone rejects and leaves nothing', async s => {
    for (const { path } of s.block.meta.files) {
      await s.bucket.delete(s.block.path + path, { signal })
    }
    await assertFails(s)
  })

  it('prepare() of a block whose objects are shorter than the meta says rejects and leaves nothing', async s => {
    for (const { path, size } of s.block.meta.files) {
      await s.bucket.put(s.block.path + path, new Uint8Array(size >> 1), { signal })
    }
    await assertFails(s)
  })

  it('a block that failed can be added once its objects are there', async s => {
    const path = s.block.meta.files[0]?.path ?? ''
    const bytes = await s.stored(path)
    await s.bucket.delete(s.block.path + path, { signal })
    const prepared = await s.prepare(s.block).catch(() => undefined)
    if (prepared) await s.dispose(prepared)
    await s.bucket.put(s.block.path + path, bytes, { signal })
    await s.add(s.block, { lease: { ...held, fence: 1 } })
    assert(s.shows(s.block), 'the block to be loaded')
  })
}

async function assertAborted(s: Subject, aborted: AbortSignal): Promise<void> {
  const before = await s.disk()
  const work = () => s.prepare(s.block, { signal: aborted })
  const error = await assertRejects(work, 'prepare() of a block that is aborted')
  assert(error === aborted.reason, "the signal's reason")
  await assertNothing(s, before)
}

/** A sink that reads no object cannot see that one is missing: then it must take the block, having asked for nothing. */
async function assertFails(s: Subject): Promise<void> {
  const before = await s.disk()
  if (!(await readsBucket(s))) return
  await assertRejects(() => s.prepare(s.block), 'prepare() of a damaged block')
  await assertNothing(s, before)
}

/** Whether the sink asks the bucket for anything of a good block. */
async function readsBucket(s: Subject): Promise<boolean> {
  await s.dispose(await s.prepare(s.other))
  return s.bucket.gets > 0
}

/** Nothing of `block` shows, now or after a restart, and the disk is as it was `before`. */
async function assertNothing(s: Subject, before: readonly string[]): Promise<void> {
  const { ulid } = s.block.meta
  assert(!s.shows(s.block), 'the block not to show')
  assertEqual(await s.disk(), before, 'the disk to be as it was')
  await s.restarted(sink => assert(!sink.loaded().has(ulid), 'the block not to show after a restart'))
}
