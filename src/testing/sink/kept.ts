/** What a sink keeps: until drop(), for readers that outlive it, and over a restart. */
import type { BlockReader, BlockSink, LoadedBlock } from '../../contracts/stage.ts'
import { held } from '../../pipeline/owned.ts'
import { assert, assertEqual, assertRejects, leaveOut } from '../assert.ts'
import type { SinkKit, Subject } from './subject.ts'

const { signal } = new AbortController()

export function dropCases({ it }: SinkKit): void {
  it('drop() takes the block out of loaded() before its first await', async s => {
    await s.add(s.block)
    const dropping = s.sink.drop(s.block.meta.ulid, signal)
    assert(!s.shows(s.block), 'the block to be gone at once')
    await s.ends(dropping, 'drop()')
    assert(!s.shows(s.block), 'the block to stay away')
  })

  it('drop() leaves nothing of the block, and the others as they are, also when it is called twice', async s => {
    await s.drop(s.third.meta.ulid)
    await s.add(s.other)
    const before = await s.disk()
    await s.add(s.block)
    for (let time = 1; time <= 2; time++) {
      await s.drop(s.block.meta.ulid)
      assertEqual([...s.sink.loaded().keys()], [s.other.meta.ulid], 'the other block to stay loaded')
      assertEqual(await s.disk(), before, 'the disk to be as it was')
    }
    await s.restarted(sink => {
      assert(!sink.loaded().has(s.block.meta.ulid), 'the block not to show after a restart')
    })
  })

  it('a dropped block can be added again, also while it is still leaving', async s => {
    await s.add(s.block)
    await s.drop(s.block.meta.ulid)
    await s.add(s.block)
    const dropping = s.sink.drop(s.block.meta.ulid, signal)
    await s.add(s.block)
    await s.ends(dropping, 'drop()')
    assertEqual(s.sink.loaded().get(s.block.meta.ulid)?.meta, s.block.meta, 'the block to be loaded')
  })
}

export function readerCases({ it, runner }: SinkKit, sink: BlockSink): void {
  if (!sink.open) {
    leaveOut(runner, 'readers', 'the sink has no open()')
    return
  }

  it('open() gives the bytes of a loaded block, and undefined for any other', async s => {
    assert(s.sink.open?.(s.block.meta.ulid) === undefined, 'no reader of a block that is not loaded')
    await s.add(s.block)
    using reader = opened(s)
    assertEqual(reader.meta, s.block.meta, 'the meta of the block')
    for (const { path, size } of s.block.meta.files) {
      const expected = (await s.stored(path)).subarray(size >> 1)
      const read = await reader.files.read(path, size >> 1, size - (size >> 1), signal)
      assertEqual(read, expected, `the second half of ${path}`)
    }
  })

  it('a reader refuses what is not in the block, and an aborted signal', async s => {
    await s.add(s.block)
    using reader = opened(s)
    const { path, size } = s.block.meta.files[0] ?? { path: '', size: 0 }
    const { read } = reader.files
    await assertRejects(async () => await read('../other', 0, 1, signal), 'a read of a file that is not in the block')
    await assertRejects(async () => await read(path, size - 1, 2, signal), 'a read past the end')
    await assertRejects(async () => await read(path, -1, 1, signal), 'a read before the beginning')
    await assertRejects(async () => await read(path, 0, 1, AbortSignal.abort()), 'a read that is aborted')
  })

  it('readers that were opened before a drop read on until each is closed, once or more', async s => {
    const before = await s.disk()
    await s.add(s.block)
    const [first, second] = [opened(s), opened(s)]
    const dropping = s.sink.drop(s.block.meta.ulid, signal)
    assert(s.sink.open?.(s.block.meta.ulid) === undefined, 'no new reader of a dropped block')
    first[Symbol.dispose]()
    first[Symbol.dispose]()
    for (const { path, size } of s.block.meta.files) {
      assertEqual(await second.files.read(path, 0, size, signal), await s.stored(path), `the bytes of ${path}`)
    }
    second[Symbol.dispose]()
    await s.ends(dropping, 'drop() after the last reader closed')
    await assertRejects(async () => await second.files.read('index', 0, 1, signal), 'a read of a closed reader')
    assertEqual(await s.disk(), before, 'the disk to be as it was')
  })
}

export function restartCases({ it }: SinkKit): void {
  it('after a restart a sink with a disk has the same blocks, without asking the bucket', async s => {
    await s.add(s.block, { lease: { ...held, fence: 12 } })
    await s.add(s.other)
    await s.add(s.third)
    await s.drop(s.third.meta.ulid)
    const before = shown(s.sink)
    const { gets } = s.bucket
    await s.restarted(sink => {
      const kept = s.services.files === undefined ? {} : before
      assertEqual(shown(sink), kept, 'the same metas, bytes and fences')
      assertEqual(s.bucket.gets, gets, 'the bucket not to be asked')
    })
  })

  it('what was prepared and never committed is gone after a restart', async s => {
    const before = await s.disk()
    await s.prepare(s.block)
    await s.restarted(async sink => {
      assertEqual([...sink.loaded().keys()], [], 'nothing to be loaded')
      assertEqual(await s.disk(), before, 'the disk to be as it was')
    })
  })

  it('labels keep their names after a restart, whatever these are', async s => {
    const labels = JSON.parse('{"__proto__":"a","constructor":"b","":"c","ü":"\\u0000"}')
    const meta = { ...s.block.meta, labels: Object.create(null) }
    for (const [name, value] of Object.entries<string>(labels)) meta.labels[name] = value
    await s.add({ ...s.block, meta })
    await s.restarted(sink => {
      const loaded = sink.loaded().get(meta.ulid)
      if (s.services.files === undefined) return
      assertEqual(Object.entries(loaded?.meta.labels ?? {}), Object.entries(labels), 'the same labels')
      assert(Object.getPrototypeOf(loaded?.meta.labels) === null, 'labels without a prototype')
    })
  })
}

function opened(s: Subject): BlockReader {
  const reader = s.sink.open?.(s.block.meta.ulid)
  assert(reader, 'a reader of the loaded block')
  return reader
}

/** By id: the order in which a sink finds its blocks again does not matter. */
function shown(sink: BlockSink): Readonly<Record<string, LoadedBlock>> {
  return Object.fromEntries([...sink.loaded()].map(([id, { meta, bytes, fence }]) => [id, { meta, bytes, fence }]))
}
