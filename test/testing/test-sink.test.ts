import type { BlockSink } from 'blockgate'
import { memory } from 'blockgate/plugins/sink/memory'
import { blockMeta, services, testSink } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { kitResult } from './kit-cases.ts'

/** The names of the cases that fail for the sink. */
const failures = async (factory: () => BlockSink) => [
  ...(await kitResult(runner => testSink(runner, { name: 'broken', factory }))).failed.keys(),
]

/** The memory sink with parts of it replaced. */
const broken = (change: (sink: BlockSink) => Partial<BlockSink>) => () => {
  const sink = memory()
  return { ...sink, ...change(sink) }
}

const SHOWS = 'prepare() shows nothing, commit() shows the block, and dispose after it changes nothing'
const SIDE_BY_SIDE = 'blocks can be prepared side by side, and do not change those that are loaded'

describe('testSink finds a sink that', () => {
  it('shows a block in prepare()', async () => {
    const factory = broken(sink => ({
      async prepare(block) {
        const prepared = await sink.prepare(block)
        await prepared.commit()
        return prepared
      },
    }))
    expect(await failures(factory)).toEqual([
      SHOWS,
      'dispose without commit() leaves nothing, also when it is called twice, and commit() after it fails',
      SIDE_BY_SIDE,
    ])
  })

  it('drops the block in dispose', async () => {
    const factory = broken(sink => ({
      async prepare(block) {
        const prepared = await sink.prepare(block)
        return { ...prepared, [Symbol.asyncDispose]: () => sink.drop(block.id, block.signal) }
      },
    }))
    expect(await failures(factory)).toContain(SHOWS)
  })

  it('drops only after an await', async () => {
    const factory = broken(sink => ({
      async drop(id, signal) {
        await Promise.resolve()
        await sink.drop(id, signal)
      },
    }))
    expect(await failures(factory)).toEqual(['drop() takes the block out of loaded() before its first await'])
  })

  it('ignores the signal', async () => {
    const factory = broken(sink => ({
      prepare: block => sink.prepare({ ...block, signal: new AbortController().signal }),
    }))
    expect(await failures(factory)).toEqual(['prepare() with a signal that aborted already rejects and leaves nothing'])
  })

  it('reads objects and does not mind what is missing or too short, nor an abort meanwhile', async () => {
    const factory = (): BlockSink => {
      const sink = memory()
      let bucket = services().bucket
      return {
        ...sink,
        async start(given) {
          bucket = given.bucket
        },
        async prepare(block) {
          const prepared = await sink.prepare(block)
          await using body = await bucket.get(`${block.path}index`, { signal: new AbortController().signal })
          await body?.bytes(1 << 20)
          return prepared
        },
      }
    }
    expect(await failures(factory)).toEqual([
      'an abort in the middle of prepare() rejects and leaves nothing',
      'prepare() of a block whose objects are gone rejects and leaves nothing',
      'prepare() of a block whose objects are shorter than the meta says rejects and leaves nothing',
    ])
  })

  it('forgets the fence, or the meta', async () => {
    const loaded = (sink: BlockSink) =>
      new Map(
        [...sink.loaded()].map(([id, held]) => [id, { ...held, fence: undefined, meta: blockMeta({ ulid: id }) }]),
      )
    const factory = broken(sink => ({ loaded: () => loaded(sink) }))
    expect(await failures(factory)).toEqual([
      'loaded() has the meta and the bytes that prepare() was given and gave',
      'loaded() has the fence of the lease, and none where there was no lease',
      SIDE_BY_SIDE,
      'a dropped block can be added again, also while it is still leaving',
    ])
  })

  it('keeps blocks of another life', async () => {
    const shared = memory()
    expect(await failures(() => ({ ...shared }))).toContain('loaded() is empty at first')
  })

  it('closes a reader at a drop, or lets it read anything', async () => {
    const factory = broken(sink => ({
      open(id) {
        const block = sink.loaded().get(id)
        if (!block) return undefined
        const read = async (_: string, __: number, length: number) => {
          if (!sink.loaded().has(id)) throw new Error('closed')
          return new Uint8Array(length)
        }
        return { meta: block.meta, files: { read }, [Symbol.dispose]() {} }
      },
    }))
    expect(await failures(factory)).toEqual([
      'open() gives the bytes of a loaded block, and undefined for any other',
      'a reader refuses what is not in the block, and an aborted signal',
      'readers that were opened before a drop read on until each is closed, once or more',
    ])
  })
})
