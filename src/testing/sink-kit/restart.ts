/** What a sink with a disk knows after a restart. */

import type { BlockSink, LoadedBlock } from '../../contracts/stage.ts'
import { held } from '../../pipeline/owned.ts'
import { assert, assertEqual } from '../kit.ts'
import type { SinkKit } from './subject.ts'

export function restartCases({ it }: SinkKit): void {
  it('after a restart a sink with a disk has the same blocks, without asking the bucket', async subject => {
    await subject.add(subject.block, { lease: { ...held, fence: 12 } })
    await subject.add(subject.other)
    await subject.add(subject.third)
    await subject.drop(subject.third.meta.ulid)
    const before = shown(subject.sink)
    const { gets } = subject.bucket
    await subject.restarted(async sink => {
      const kept = subject.services.files === undefined ? {} : before
      assertEqual(shown(sink), kept, 'the same metas, bytes and fences')
      assertEqual(subject.bucket.gets, gets, 'the bucket not to be asked')
    })
  })

  it('what was prepared and never committed is gone after a restart', async subject => {
    const before = await subject.disk()
    await subject.prepare(subject.block)
    await subject.restarted(async sink => {
      assertEqual([...sink.loaded().keys()], [], 'nothing to be loaded')
      assertEqual(await subject.disk(), before, 'the disk to be as it was')
    })
  })

  it('labels keep their names after a restart, whatever these are', async subject => {
    const labels = JSON.parse('{"__proto__":"a","constructor":"b","":"c","ü":"\\u0000"}')
    const meta = { ...subject.block.meta, labels: Object.assign(Object.create(null), JSON.parse('{}')) }
    for (const [name, value] of Object.entries<string>(labels)) meta.labels[name] = value
    await subject.add({ ...subject.block, meta })
    await subject.restarted(sink => {
      const loaded = sink.loaded().get(meta.ulid)
      if (subject.services.files === undefined) return
      assertEqual(Object.entries(loaded?.meta.labels ?? {}), Object.entries(labels), 'the same labels')
      assert(Object.getPrototypeOf(loaded?.meta.labels) === null, 'labels without a prototype')
    })
  })
}

/** By id: the order in which a sink finds its blocks again does not matter. */
function shown(sink: BlockSink): Readonly<Record<string, LoadedBlock>> {
  return Object.fromEntries([...sink.loaded()].map(([id, { meta, bytes, fence }]) => [id, { meta, bytes, fence }]))
}
