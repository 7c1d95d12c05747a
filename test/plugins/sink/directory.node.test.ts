import { mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BlockSink, type Bucket, type Candidate, held, type LocalFiles, type Services } from 'blockgate'
import { blockContext, fakeHost, memoryBucket, services, storedBlocks, testId, testSink } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { directory } from '../../../plugins/sink/directory/index.ts'
import { localFiles, nodeHost } from '../../../src/runtime/node.ts'
import { tempFolders } from '../../support/temp-folders.ts'

const folder = tempFolders()
const { signal } = new AbortController()
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

interface World {
  readonly root: string
  readonly sink: BlockSink
  readonly services: Services & { readonly files: LocalFiles }
  readonly bucket: Bucket
  readonly block: Candidate
  readonly other: Candidate
  readonly lines: ReturnType<typeof fakeHost>['lines']
}

async function world(given: { files?: (files: LocalFiles) => LocalFiles; verify?: boolean } = {}): Promise<World> {
  const root = folder()
  const host = fakeHost()
  const bucket = memoryBucket()
  const files = given.files?.(localFiles(root)) ?? localFiles(root)
  const sink = directory({ verify: given.verify })
  const all = { ...services({ host, bucket }), files }
  await sink.start?.(all)
  const [block, other] = await storedBlocks(bucket)
  if (!block || !other) throw new Error('two blocks')
  return { root, sink, services: all, bucket, block, other, lines: host.lines }
}

async function add(sink: BlockSink, block: Candidate, fence?: number): Promise<void> {
  await using prepared = await sink.prepare(blockContext(block, { lease: { ...held, fence } }))
  await prepared.commit()
}

async function restart({ services }: World): Promise<BlockSink> {
  const sink = directory()
  await sink.start?.(services)
  return sink
}

describe('directory', () => {
  it('puts every file of the block, byte for byte, and a manifest into a folder of its name', async () => {
    const { root, sink, bucket, block } = await world()
    await add(sink, block)
    const shown = join(root, 'blocks', block.meta.ulid)
    const names = (await readdir(shown, { recursive: true })).sort()
    expect(names).toEqual([
      'blockgate.json',
      'chunks',
      'chunks/000001',
      'chunks/000002',
      'index',
      'meta.json',
      'tombstones',
    ])
    for (const { path } of block.meta.files) {
      const body = await bucket.get(`${block.meta.ulid}/${path}`, { signal })
      expect(Buffer.compare(await readFile(join(shown, path)), (await body?.bytes(1 << 20)) ?? Buffer.of())).toBe(0)
    }
  })

  it('asks for at most four files of a block at once', async () => {
    const { sink, bucket, block } = await world()
    let open = 0
    let most = 0
    const get = bucket.get.bind(bucket)
    bucket.get = async (key, options) => {
      most = Math.max(most, ++open)
      const body = await get(key, options)
      open--
      return body
    }
    await add(sink, block)
    expect(most).toBe(4)
  })

  it('without a disk it does not start', async () => {
    await expect(directory().start?.(services())).rejects.toMatchObject({ code: 'unsupported' })
  })

  it('names of files that are not of a block never reach the bucket or the disk', async () => {
    const { sink, bucket, block } = await world()
    let gets = 0
    bucket.get = async () => {
      gets++
      return undefined
    }
    const index = { path: 'index', size: 1 }
    for (const files of [
      [index, { path: '../../etc/passwd', size: 1 }],
      [index, { path: 'chunks/1', size: 1 }],
      [index, { path: 'blockgate.json', size: 1 }],
      [index, index],
      [{ path: 'index', size: -1 }],
      [{ path: 'index', size: 1.5 }],
      [{ path: 'chunks/000001', size: 1 }],
      [],
    ]) {
      const bad = { ...block, meta: { ...block.meta, files } }
      await expect(sink.prepare(blockContext(bad))).rejects.toMatchObject({ code: 'corrupt-block' })
    }
    expect(gets).toBe(0)
  })

  it('a file whose SHA-256 is not the one in the meta fails the block and leaves nothing', async () => {
    const { sink, services, bucket, block } = await world()
    const chunk = block.meta.files.find(file => file.path === 'chunks/000002')
    const body = await bucket.get(`${block.path}chunks/000002`, { signal })
    const bytes = await body?.bytes(1 << 20)
    if (!bytes || !chunk?.sha256) throw new Error('chunks/000002 with a SHA-256')
    bytes[100_000] = (bytes[100_000] ?? 0) ^ 1
    await bucket.put(`${block.path}chunks/000002`, bytes, { signal })
    const error = await sink.prepare(blockContext(block)).catch(e => e)
    expect(error.code).toBe('corrupt-block')
    expect(error.rawMessage).toContain(`"chunks/000002" must have the SHA-256 ${chunk.sha256}: current value is `)
    expect(await services.files.list('')).toEqual([])
  })

  it('with verify: false only the sizes are compared', async () => {
    const { sink, bucket, block } = await world({ verify: false })
    await bucket.put(`${block.path}index`, new Uint8Array(5001), { signal })
    await add(sink, block)
    expect([...sink.loaded().keys()]).toEqual([block.meta.ulid])
  })

  it('an object that is longer or shorter than the meta says is not even begun', async () => {
    const { sink, services, bucket, block } = await world()
    for (const size of [5000, 5002]) {
      await bucket.put(`${block.path}index`, new Uint8Array(size), { signal })
      const error = await sink.prepare(blockContext(block)).catch(e => e)
      expect(error.message).toBe(`corrupt-block: file "index" must have 5001 bytes: current value is ${size}`)
    }
    expect(await services.files.list('')).toEqual([])
  })

  it.each([
    ['ends too soon', 4990, '4990'],
    ['goes on for too long', 6000, 'more'],
  ])('a body that %s, whatever size was announced, can be tried again and leaves nothing', async (_, sent, seen) => {
    const { sink, services, bucket, block } = await world()
    let cancelled = 0
    const get = bucket.get.bind(bucket)
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
    const error = await sink.prepare(blockContext(block)).catch(e => e)
    expect(error).toMatchObject({ code: 'bucket-failed', retryable: true })
    expect(error.rawMessage).toBe(`body of "index" must have 5001 bytes: current value is ${seen}`)
    expect(cancelled).toBe(sent > 5001 ? 1 : 0)
    expect(await services.files.list('')).toEqual([])
  })

  it('a failed file ends the other downloads of its block', async () => {
    const { sink, bucket, block } = await world()
    const reasons: unknown[] = []
    const get = bucket.get.bind(bucket)
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
    const error = await sink.prepare(blockContext(block)).catch(e => e)
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
    const { sink, services, block } = await world({
      files: files => ({
        ...files,
        async rename(from, to) {
          if (to.includes('.blockgate-tmp')) await gate.promise
          await files.rename(from, to)
        },
      }),
    })
    await add(sink, block)
    const before = await services.files.list('')
    const second = await sink.prepare(blockContext(block))
    const dropping = sink.drop(block.meta.ulid, signal)
    const committing = second.commit()
    gate.resolve()
    await committing
    await dropping
    expect([...sink.loaded().keys()]).toEqual([block.meta.ulid])
    expect((await services.files.list('')).length).toBe(before.length)
  })

  it('a drop stops waiting for readers when its signal aborts, and the files still go with the last of them', async () => {
    const { sink, services, block } = await world()
    await add(sink, block)
    const reader = sink.open?.(block.meta.ulid)
    const reason = new Error('time is up')
    await expect(sink.drop(block.meta.ulid, AbortSignal.abort(reason))).rejects.toBe(reason)
    await sink.stop?.(AbortSignal.abort())
    expect(await services.files.list('')).not.toEqual([])
    reader?.[Symbol.dispose]()
    await sink.stop?.(signal)
    expect(await services.files.list('')).toEqual([])
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

  it('a disk with less room than the block needs is told before the first request', async () => {
    const { sink, services, bucket, block } = await world({ files: files => ({ ...files, free: async () => 1000 }) })
    let gets = 0
    bucket.get = async () => void gets++ as undefined
    const bytes = block.meta.files.reduce((sum, file) => sum + file.size, 0)
    const error = await sink.prepare(blockContext(block)).catch(e => e)
    expect(error.message).toBe(`disk-full: the block needs ${bytes} bytes: the disk has 1000 free`)
    expect(gets).toBe(0)
    expect(await services.files.list('')).toEqual([])
  })
})

describe('directory after a restart', () => {
  it.each([
    ['a file is shorter', (at: string) => writeFile(join(at, 'chunks/000001'), 'x')],
    [
      'a file is a link, to the very same bytes',
      async (at: string) => {
        await rename(join(at, 'tombstones'), join(at, '../../moved'))
        await symlink('../../moved', join(at, 'tombstones'))
      },
    ],
    ['the manifest is not JSON', (at: string) => writeFile(join(at, 'blockgate.json'), '{"version":1')],
    ['the manifest is empty', (at: string) => writeFile(join(at, 'blockgate.json'), '')],
    ['the manifest is of another version', (at: string) => writeFile(join(at, 'blockgate.json'), '{"version":2}')],
    [
      'the manifest names a file that is none of a block',
      async (at: string) => {
        const text = await readFile(join(at, 'blockgate.json'), 'utf8')
        await writeFile(join(at, 'notes'), 'nine byte')
        await writeFile(join(at, 'blockgate.json'), text.replace('tombstones', 'notes'))
      },
    ],
    [
      'the manifest is of another block',
      async (at: string) => {
        const text = await readFile(join(at, 'blockgate.json'), 'utf8')
        await writeFile(join(at, 'blockgate.json'), text.replace(testId(1), testId(5)))
      },
    ],
  ])('a block is removed and can be loaded again where %s', async (_, damage) => {
    const before = await world()
    const { root, sink, block, other } = before
    await add(sink, block)
    await add(sink, other)
    const at = join(root, 'blocks', block.meta.ulid)
    await damage(at)
    const again = await restart(before)
    expect([...again.loaded().keys()]).toEqual([other.meta.ulid])
    const folders = (await readdir(join(root, 'blocks'))).filter(entry => !entry.startsWith('.'))
    expect(folders).toEqual([other.meta.ulid])
    expect(before.lines.filter(line => line.fields.block === block.meta.ulid)).toHaveLength(1)
    await add(again, block)
    expect(again.loaded().size).toBe(2)
  })

  it('folders that are not its own are left alone, also one that is named as a block', async () => {
    const before = await world()
    await add(before.sink, before.block)
    const mine = testId(9)
    await mkdir(join(before.root, 'blocks/notes'))
    await mkdir(join(before.root, 'blocks', mine))
    await writeFile(join(before.root, 'blocks/notes/blockgate.json'), 'x')
    await writeFile(join(before.root, 'blocks', mine, 'index'), 'x')
    await writeFile(join(before.root, 'blocks', 'file'), 'x')
    const again = await restart(before)
    expect([...again.loaded().keys()]).toEqual([before.block.meta.ulid])
    expect(await readFile(join(before.root, 'blocks', mine, 'index'), 'utf8')).toBe('x')
    expect(await readFile(join(before.root, 'blocks/notes/blockgate.json'), 'utf8')).toBe('x')
    const foreign = { ...before.block, meta: { ...before.block.meta, ulid: mine } }
    await expect(add(again, foreign)).rejects.toMatchObject({ code: 'disk-failed' })
    expect(await readFile(join(before.root, 'blocks', mine, 'index'), 'utf8')).toBe('x')
    expect(await readdir(join(before.root, 'blocks/.blockgate-tmp'))).toEqual([])
  })

  it('empty folders of an add that was killed are swept too', async () => {
    const before = await world()
    await mkdir(join(before.root, 'blocks/.blockgate-tmp', `${testId(3)}-1`, 'chunks'), { recursive: true })
    await restart(before)
    expect(await readdir(join(before.root, 'blocks'))).toEqual([])
  })
})
