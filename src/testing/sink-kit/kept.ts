/** What a sink keeps: until drop(), for readers that outlive it, and over a restart. */
import type { BlockReader, BlockSink, LoadedBlock } from '../../contracts/stage.ts'
import { held } from '../../pipeline/owned.ts'
import { assert, assertEqual, assertRejects, leaveOut } from '../kit.ts'
import type { SinkKit, Subject } from './subject.ts'

const { signal } = new AbortController()

export function dropCases({ it }: SinkKit): void {
  it('drop() takes the block out of loaded() before its first await', async subject => {
    await subject.add(subject.block)
    const dropping = subject.sink.drop(subject.block.meta.ulid, signal)
    assert(!subject.sink.loaded().has(subject.block.meta.ulid), 'the block to be gone at once')
    await subject.ends(dropping, 'drop()')
    assert(!subject.sink.loaded().has(subject.block.meta.ulid), 'the block to stay away')
  })

  it('drop() leaves nothing of the block, and the others as they are, also when it is called twice', async subject => {
    await subject.drop(subject.third.meta.ulid)
    await subject.add(subject.other)
    const before = await subject.disk()
    await subject.add(subject.block)
    for (let time = 1; time <= 2; time++) {
      await subject.drop(subject.block.meta.ulid)
      assertEqual([...subject.sink.loaded().keys()], [subject.other.meta.ulid], 'the other block to stay loaded')
      assertEqual(await subject.disk(), before, 'the disk to be as it was')
    }
    await subject.restarted(sink => {
      assert(!sink.loaded().has(subject.block.meta.ulid), 'the block not to show after a restart')
    })
  })

  it('a dropped block can be added again, also while it is still leaving', async subject => {
    await subject.add(subject.block)
    await subject.drop(subject.block.meta.ulid)
    await subject.add(subject.block)
    const dropping = subject.sink.drop(subject.block.meta.ulid, signal)
    await subject.add(subject.block)
    await subject.ends(dropping, 'drop()')
    assertEqual(subject.sink.loaded().get(subject.block.meta.ulid)?.meta, subject.block.meta, 'the block to be loaded')
  })
}

export function readerCases({ it, runner }: SinkKit, sink: BlockSink): void {
  if (!sink.open) {
    leaveOut(runner, 'readers', 'the sink has no open()')
    return
  }

  it('open() gives the bytes of a loaded block, and undefined for any other', async subject => {
    assert(subject.sink.open?.(subject.block.meta.ulid) === undefined, 'no reader of a block that is not loaded')
    await subject.add(subject.block)
    using reader = opened(subject)
    assertEqual(reader.meta, subject.block.meta, 'the meta of the block')
    for (const { path, size } of subject.block.meta.files) {
      const expected = (await subject.stored(path)).subarray(size >> 1)
      const read = await reader.files.read(path, size >> 1, size - (size >> 1), signal)
      assertEqual(read, expected, `the second half of ${path}`)
    }
  })

  it('a reader refuses what is not in the block, and an aborted signal', async subject => {
    await subject.add(subject.block)
    using reader = opened(subject)
    const { path, size } = subject.block.meta.files[0] ?? { path: '', size: 0 }
    const { read } = reader.files
    await assertRejects(async () => await read('../other', 0, 1, signal), 'a read of a file that is not in the block')
    await assertRejects(async () => await read(path, size - 1, 2, signal), 'a read past the end')
    await assertRejects(async () => await read(path, -1, 1, signal), 'a read before the beginning')
    await assertRejects(async () => await read(path, 0, 1, AbortSignal.abort()), 'a read that is aborted')
  })

  it('readers that were opened before a drop read on until each is closed, once or more', async subject => {
    const before = await subject.disk()
    await subject.add(subject.block)
    const [first, second] = [opened(subject), opened(subject)]
    const dropping = subject.sink.drop(subject.block.meta.ulid, signal)
    assert(subject.sink.open?.(subject.block.meta.ulid) === undefined, 'no new reader of a dropped block')
    first[Symbol.dispose]()
    first[Symbol.dispose]()
    for (const { path, size } of subject.block.meta.files) {
      assertEqual(await second.files.read(path, 0, size, signal), await subject.stored(path), `the bytes of ${path}`)
    }
    second[Symbol.dispose]()
    await subject.ends(dropping, 'drop() after the last reader closed')
    await assertRejects(async () => await second.files.read('index', 0, 1, signal), 'a read of a closed reader')
    assertEqual(await subject.disk(), before, 'the disk to be as it was')
  })
}

export function restartCases({ it }: SinkKit): void {
  it('after a restart a sink with a disk has the same blocks, without asking the bucket', async subject => {
    await subject.add(subject.block, { lease: { ...held, fence: 12 } })
    await subject.add(subject.other)
    await subject.add(subject.third)
    await subject.drop(subject.third.meta.ulid)
    const before = shown(subject.sink)
    const { gets } = subject.bucket
    await subject.restarted(sink => {
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
    const meta = { ...subject.block.meta, labels: Object.create(null) }
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

function opened(subject: Subject): BlockReader {
  const reader = subject.sink.open?.(subject.block.meta.ulid)
  assert(reader, 'a reader of the loaded block')
  return reader
}

/** By id: the order in which a sink finds its blocks again does not matter. */
function shown(sink: BlockSink): Readonly<Record<string, LoadedBlock>> {
  return Object.fromEntries([...sink.loaded()].map(([id, { meta, bytes, fence }]) => [id, { meta, bytes, fence }]))
}
