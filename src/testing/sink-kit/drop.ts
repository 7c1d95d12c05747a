/** drop(), what may come after it, and readers that outlive it. */
import type { BlockSink } from '../../contracts/stage.ts'
import { assert, assertEqual, assertRejects, leaveOut } from '../kit.ts'
import type { SinkKit, Subject } from './subject.ts'

const { signal } = new AbortController()

export function dropCases({ it }: SinkKit): void {
  it('drop() takes the block out of loaded() before its first await', async subject => {
    await subject.add(subject.block)
    const dropping = subject.sink.drop(subject.block.meta.ulid, signal)
    assert(!subject.sink.loaded().has(subject.block.meta.ulid), 'the block to be gone at once')
    await subject.settled(dropping, 'drop()')
    assert(!subject.sink.loaded().has(subject.block.meta.ulid), 'the block to stay away')
  })

  it('drop() leaves nothing of the block, and the others as they are', async subject => {
    await subject.add(subject.other)
    const before = await subject.disk()
    await subject.add(subject.block)
    await subject.drop(subject.block.meta.ulid)
    assertEqual([...subject.sink.loaded().keys()], [subject.other.meta.ulid], 'the other block to stay loaded')
    assertEqual(await subject.disk(), before, 'the disk to be as it was')
    await subject.restarted(sink => {
      assert(!sink.loaded().has(subject.block.meta.ulid), 'the block not to show after a restart')
    })
  })

  it('drop() of a block that is not there is fine', async subject => {
    await subject.drop(subject.third.meta.ulid)
    await subject.add(subject.block)
    await subject.drop(subject.block.meta.ulid)
    await subject.drop(subject.block.meta.ulid)
    assertEqual([...subject.sink.loaded().keys()], [], 'nothing to be loaded')
  })

  it('a dropped block can be added again, also while it is still leaving', async subject => {
    await subject.add(subject.block)
    await subject.drop(subject.block.meta.ulid)
    await subject.add(subject.block)
    const dropping = subject.sink.drop(subject.block.meta.ulid, signal)
    await subject.add(subject.block)
    await subject.settled(dropping, 'drop()')
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
    const reader = opened(subject)
    assertEqual(reader.meta, subject.block.meta, 'the meta of the block')
    for (const { path, size } of subject.block.meta.files) {
      const at = size >> 1
      const expected = (await stored(subject, path)).subarray(at)
      assertEqual(await reader.files.read(path, at, size - at, signal), expected, `the second half of ${path}`)
    }
    reader[Symbol.dispose]()
  })

  it('a reader refuses what is not in the block, and an aborted signal', async subject => {
    await subject.add(subject.block)
    const reader = opened(subject)
    const { path, size } = subject.block.meta.files[0] ?? { path: '', size: 0 }
    const read = reader.files.read
    await assertRejects(async () => await read('../other', 0, 1, signal), 'a read of a file that is not in the block')
    await assertRejects(async () => await read(path, size - 1, 2, signal), 'a read past the end')
    await assertRejects(async () => await read(path, -1, 1, signal), 'a read before the beginning')
    await assertRejects(async () => await read(path, 0, 1, AbortSignal.abort()), 'a read that is aborted')
    reader[Symbol.dispose]()
  })

  it('a reader that was opened before a drop reads on until it is closed', async subject => {
    const before = await subject.disk()
    await subject.add(subject.block)
    const reader = opened(subject)
    const dropping = subject.sink.drop(subject.block.meta.ulid, signal)
    assert(subject.sink.open?.(subject.block.meta.ulid) === undefined, 'no new reader of a dropped block')
    for (const { path, size } of subject.block.meta.files) {
      assertEqual(await reader.files.read(path, 0, size, signal), await stored(subject, path), `the bytes of ${path}`)
    }
    reader[Symbol.dispose]()
    await subject.settled(dropping, 'drop() after the last reader closed')
    await assertRejects(async () => await reader.files.read('index', 0, 1, signal), 'a read of a closed reader')
    assertEqual(await subject.disk(), before, 'the disk to be as it was')
  })

  it('closing a reader twice leaves a second reader open', async subject => {
    await subject.add(subject.block)
    const [first, second] = [opened(subject), opened(subject)]
    const dropping = subject.sink.drop(subject.block.meta.ulid, signal)
    first[Symbol.dispose]()
    first[Symbol.dispose]()
    assertEqual(
      await second.files.read('index', 0, 5, signal),
      (await stored(subject, 'index')).subarray(0, 5),
      'bytes',
    )
    second[Symbol.dispose]()
    await subject.settled(dropping, 'drop()')
  })
}

function opened(subject: Subject): NonNullable<ReturnType<NonNullable<BlockSink['open']>>> {
  const reader = subject.sink.open?.(subject.block.meta.ulid)
  assert(reader, 'a reader of the loaded block')
  return reader
}

async function stored({ services, block }: Subject, path: string): Promise<Uint8Array> {
  const body = await services.bucket.get(block.path + path, { signal })
  assert(body, `object ${path}`)
  return await body.bytes(1 << 30)
}
