import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Candidate } from 'blockgate'
import { blockContext, services, storedBlocks, testSink } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { directory } from '../../../plugins/sink/directory/index.ts'
import { localFiles, nodeHost } from '../../../src/runtime/node.ts'
import { tempFolders } from '../../support/temp-folders.ts'
import { add, directoryWorld, signal } from './sink-world.ts'

const folder = tempFolders()
const quiet = { info() {}, warn() {}, error() {} }

testSink(
  { describe, it },
  {
    name: 'directory',
    factory: () => directory(),
    invalid: [
      () => directory({ path: '../blocks' }),
      () => directory({ path: '' }),
      () => directory({ path: '/var' }),
      () => directory({ verify: 'yes' as unknown as boolean }),
      () => directory({ paths: 'blocks' } as object),
    ],
    services: instance => services({ instance, host: nodeHost({ log: quiet }), files: localFiles(folder()) }),
  },
)

async function world(given: Partial<Parameters<typeof directoryWorld>[0]> = {}) {
  const made = await directoryWorld({ root: folder(), ...given })
  const [block, other] = await storedBlocks(made.store)
  if (!block || !other) throw new Error('two blocks')
  return { ...made, block, other, get: made.bucket.get.bind(made.bucket) }
}

describe('directory', () => {
  it('puts every file of the block, byte for byte, and a manifest into a folder of its name', async () => {
    const { root, sink, store, block, paths } = await world()
    await add(sink, block)
    const { ulid, files } = block.meta
    const names = [...files.map(({ path }) => path), 'blockgate.json'].sort()
    expect(await paths()).toEqual(names.map(name => `blocks/${ulid}/${name}`))
    for (const { path } of files) {
      const body = await store.get(`${ulid}/${path}`, { signal })
      const expected = (await body?.bytes(1 << 20)) ?? Buffer.of()
      expect(Buffer.compare(await readFile(join(root, 'blocks', ulid, path)), expected)).toBe(0)
    }
  })

  it('asks for at most four files of a block at once', async () => {
    const { sink, bucket, block } = await world()
    await add(sink, block)
    expect(bucket.most).toBe(4)
  })

  it('without a disk it does not start', async () => {
    await expect(directory().start?.(services())).rejects.toMatchObject({ code: 'unsupported' })
  })

  const index = { path: 'index', size: 1 }
  it.each<[string, Candidate['meta']['files']]>([
    ['leads outside', [index, { path: '../../etc/passwd', size: 1 }]],
    ['is none of a block', [index, { path: 'chunks/1', size: 1 }]],
    ['is the manifest', [index, { path: 'blockgate.json', size: 1 }]],
    ['is there twice', [index, index]],
    ['has a size below 0', [{ path: 'index', size: -1 }]],
    ['has half a byte', [{ path: 'index', size: 1.5 }]],
    ['is not the index', [{ path: 'chunks/000001', size: 1 }]],
    ['is missing', []],
  ])('a file that %s never reaches the bucket or the disk', async (_, files) => {
    const { bucket, block, refused } = await world()
    expect((await refused({ ...block, meta: { ...block.meta, files } })).code).toBe('corrupt-block')
    expect(bucket.gets).toEqual([])
  })

  it('a file whose SHA-256 is not the one in the meta fails the block and leaves nothing; verify: false takes it', async () => {
    const { root, store, block, refused, paths } = await world()
    const chunk = block.meta.files.find(file => file.path === 'chunks/000002')
    await store.put(`${block.path}chunks/000002`, new Uint8Array(chunk?.size ?? 0), { signal })
    const error = await refused(block)
    expect(error.code).toBe('corrupt-block')
    expect(error.rawMessage).toContain(`"chunks/000002" must have the SHA-256 ${chunk?.sha256}: current value is `)
    expect(await paths()).toEqual([])
    const lax = await world({ root, verify: false })
    await lax.store.put(`${block.path}chunks/000002`, new Uint8Array(chunk?.size ?? 0), { signal })
    await add(lax.sink, block)
    expect(lax.ids()).toEqual([block.meta.ulid])
  })

  it.each([5000, 5002])('an object of %i bytes, where the meta says 5001, is not even begun', async size => {
    const { store, block, refused, paths } = await world()
    await store.put(`${block.path}index`, new Uint8Array(size), { signal })
    expect((await refused(block)).message).toBe(
      `corrupt-block: file "index" must have 5001 bytes: current value is ${size}`,
    )
    expect(await paths()).toEqual([])
  })

  it.each([
    ['ends too soon', 4990, '4990', 0],
    ['goes on for too long', 6000, 'more', 1],
  ])(
    'a body that %s, whatever size was announced, can be tried again and leaves nothing',
    async (_, sent, seen, cancels) => {
      const { bucket, block, refused, paths, get } = await world()
      let cancelled = 0
      bucket.get = async (key, options) => {
        const body = await get(key, options)
        if (!body || !key.endsWith('index')) return body
        await body[Symbol.asyncDispose]()
        const parts = [new Uint8Array(4000), new Uint8Array(sent - 4000)]
        const stream = new ReadableStream<Uint8Array>(
          {
            pull(c) {
              const part = parts.shift()
              if (part) c.enqueue(part)
              else if (sent < 5001) c.close()
            },
            cancel: () => void cancelled++,
          },
          { highWaterMark: 0 },
        )
        return { info: body.info, stream, bytes: body.bytes, [Symbol.asyncDispose]: async () => {} }
      }
      const error = await refused(block)
      expect(error).toMatchObject({ code: 'bucket-failed', retryable: true })
      expect(error.rawMessage).toBe(`body of "index" must have 5001 bytes: current value is ${seen}`)
      expect([cancelled, await paths()]).toEqual([cancels, []])
    },
  )

  it('a failed file ends the other downloads of its block', async () => {
    const { bucket, block, refused, get } = await world()
    const reasons: unknown[] = []
    bucket.get = (key, options) => {
      if (key.endsWith('index')) throw new Error('gone')
      return new Promise((_, reject) => {
        options.signal.addEventListener('abort', () => {
          reasons.push(options.signal.reason)
          reject(options.signal.reason)
        })
        get(key, options)
      })
    }
    const error = await refused(block)
    expect(error.message).toBe('gone')
    expect(reasons).toEqual([error, error, error])
  })

  it('a commit with a lower fence than the copy that shows is refused; with a higher one it takes its place', async () => {
    const { root, sink, block } = await world()
    await add(sink, block, 5)
    await expect(add(sink, block, 4)).rejects.toMatchObject({ code: 'stale-fence' })
    expect(sink.loaded().get(block.meta.ulid)?.fence).toBe(5)
    using reader = sink.open?.(block.meta.ulid)
    await add(sink, block, 6)
    expect(sink.loaded().get(block.meta.ulid)?.fence).toBe(6)
    expect((await reader?.files.read('index', 0, 10, signal))?.length).toBe(10)
    reader?.[Symbol.dispose]()
    await sink.stop?.(signal)
    expect(await readdir(join(root, 'blocks/.blockgate-tmp'))).toEqual([])
  })

  it('a commit waits for a drop of the same block that is still moving the old copy away', async () => {
    const gate = Promise.withResolvers<void>()
    const { sink, block, ids, paths, services } = await world({
      files: files => ({
        ...files,
        async rename(from, to) {
          if (to.includes('.blockgate-tmp')) await gate.promise
          await files.rename(from, to)
        },
      }),
    })
    await add(sink, block)
    const before = await paths()
    const second = await sink.prepare(blockContext(block))
    const dropping = sink.drop(block.meta.ulid, signal)
    const committing = second.commit()
    gate.resolve()
    await Promise.all([committing, dropping])
    expect([ids(), (await services.files.list('')).length]).toEqual([[block.meta.ulid], before.length])
  })

  it('a drop stops waiting for readers when its signal aborts, and the files still go with the last of them', async () => {
    const { sink, block, paths } = await world()
    await add(sink, block)
    const reader = sink.open?.(block.meta.ulid)
    const reason = new Error('time is up')
    await expect(sink.drop(block.meta.ulid, AbortSignal.abort(reason))).rejects.toBe(reason)
    await sink.stop?.(AbortSignal.abort())
    expect(await paths()).not.toEqual([])
    reader?.[Symbol.dispose]()
    await sink.stop?.(signal)
    expect(await paths()).toEqual([])
  })

  it('a read that meets the rename of a drop finds the bytes where they went', async () => {
    const before: (() => Promise<void>)[] = []
    const moved = Promise.withResolvers<void>()
    const { sink, block } = await world({
      files: files => ({
        ...files,
        async read(path, offset, length) {
          await before.pop()?.()
          return await files.read(path, offset, length)
        },
        async rename(from, to) {
          await files.rename(from, to)
          if (!from.includes('.blockgate-tmp')) moved.resolve()
        },
      }),
    })
    await add(sink, block)
    const reader = sink.open?.(block.meta.ulid)
    let dropping: Promise<void> | undefined
    before.push(async () => {
      dropping = sink.drop(block.meta.ulid, signal)
      await moved.promise
    })
    expect((await reader?.files.read('index', 0, 4, signal))?.length).toBe(4)
    reader?.[Symbol.dispose]()
    await dropping
  })

  it('a range outside of its file means that the block is damaged: it was read from the block itself', async () => {
    const { sink, block } = await world()
    await add(sink, block)
    using reader = sink.open?.(block.meta.ulid)
    await expect(reader?.files.read('index', 5000, 2, signal)).rejects.toMatchObject({
      code: 'corrupt-block',
      rawMessage: 'cannot read 2 bytes at 5000 of "index": it has 5001 bytes',
    })
  })

  it('a disk with less room than the block needs is told before the first request', async () => {
    const { bucket, block, refused, paths } = await world({ files: files => ({ ...files, free: async () => 1000 }) })
    const bytes = block.meta.files.reduce((sum, file) => sum + file.size, 0)
    expect((await refused(block)).message).toBe(`disk-full: the block needs ${bytes} bytes: the disk has 1000 free`)
    expect([bucket.gets, await paths()]).toEqual([[], []])
  })
})
