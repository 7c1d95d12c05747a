/** A prepare that fails: whatever the reason, nothing is left. */
import { held } from '../../pipeline/owned.ts'
import { assert, assertEqual, assertRejects } from '../kit.ts'
import { assertNothing } from './prepare.ts'
import type { SinkKit, Subject } from './subject.ts'

export function failureCases({ it }: SinkKit): void {
  it('prepare() with a signal that aborted already rejects and leaves nothing', async subject => {
    const before = await subject.disk()
    const reason = new Error('too late')
    const error = await assertRejects(
      () => subject.prepare(subject.block, { signal: AbortSignal.abort(reason) }),
      'prepare() of an aborted block',
    )
    assert(error === reason, "the signal's reason")
    assertEqual(subject.bucket.gets, 0, 'the bucket not to be asked')
    await assertNothing(subject, subject.block, before)
  })

  it('an abort in the middle of prepare() rejects and leaves nothing', async subject => {
    const before = await subject.disk()
    const controller = new AbortController()
    const reason = new Error('no longer wanted')
    subject.bucket.onGet = () => controller.abort(reason)
    const work = () => subject.prepare(subject.block, { signal: controller.signal })
    if (!(await readsBucket(subject))) return
    const error = await assertRejects(work, 'prepare() of a block that was aborted')
    assert(error === reason, "the signal's reason")
    await assertNothing(subject, subject.block, before)
  })

  it('prepare() of a block whose objects are gone rejects and leaves nothing', async subject => {
    const before = await subject.disk()
    for (const { path } of subject.block.meta.files) {
      await subject.bucket.delete(subject.block.path + path, { signal })
    }
    await assertFails(subject, before)
  })

  it('prepare() of a block whose objects are shorter than the meta says rejects and leaves nothing', async subject => {
    const before = await subject.disk()
    for (const { path, size } of subject.block.meta.files) {
      await subject.bucket.put(subject.block.path + path, new Uint8Array(size >> 1), { signal })
    }
    await assertFails(subject, before)
  })

  it('a block that failed can be added once its objects are there', async subject => {
    const key = subject.block.path + (subject.block.meta.files[0]?.path ?? '')
    const body = await subject.services.bucket.get(key, { signal })
    const bytes = await body?.bytes(1 << 30)
    assert(bytes, `object "${key}"`)
    await subject.bucket.delete(key, { signal })
    await subject.prepare(subject.block).then(
      prepared => subject.dispose(prepared),
      () => {},
    )
    await subject.bucket.put(key, bytes, { signal })
    await subject.add(subject.block, { lease: { ...held, fence: 1 } })
    assert(subject.sink.loaded().has(subject.block.meta.ulid), 'the block to be loaded')
  })
}

const { signal } = new AbortController()

/** A sink that reads no object cannot see that one is missing: then it must take the block, having asked for nothing. */
async function assertFails(subject: Subject, before: readonly string[]): Promise<void> {
  if (!(await readsBucket(subject))) return
  await assertRejects(() => subject.prepare(subject.block), 'prepare() of a damaged block')
  await assertNothing(subject, subject.block, before)
}

/** Whether the sink asks the bucket for anything of a good block. */
async function readsBucket(subject: Subject): Promise<boolean> {
  const { onGet } = subject.bucket
  subject.bucket.onGet = () => {}
  const prepared = await subject.prepare(subject.other)
  await subject.dispose(prepared)
  subject.bucket.onGet = onGet
  return subject.bucket.gets > 0
}
