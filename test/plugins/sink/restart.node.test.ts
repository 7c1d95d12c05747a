/** What a start makes of what an earlier process left. */
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BlockSink, type Candidate, gateway, type LocalFiles, memoryState, owned, resolveConfig } from 'blockgate'
import { fakeHost, memoryBucket, services, settle, storedBlocks, testId } from 'blockgate/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { directory } from '../../../plugins/sink/directory/index.ts'
import { indexHeaders } from '../../../plugins/sink/index-headers/index.ts'
import { localFiles } from '../../../src/runtime/node.ts'
import { indexFile } from '../../support/index-file.ts'
import { indexedBlocks, storedIndex } from '../../support/indexed-blocks.ts'
import { tempFolders } from '../../support/temp-folders.ts'
import { scriptedOwnership, scriptedSource } from '../../support/world.ts'
import { add, directoryWorld, headersWorld, otherHeader, signal, small, type World } from './sink-world.ts'

const folder = tempFolders()

async function flip(path: string, at: number): Promise<void> {
  const bytes = await readFile(path)
  const i = at < 0 ? bytes.length + at : at
  bytes[i] = (bytes[i] ?? 0) ^ 1
  await writeFile(path, bytes)
}

async function replaceIn(path: string, from: string, to: string): Promise<void> {
  await writeFile(path, (await readFile(path, 'utf8')).replace(from, to))
}

type Damage = (at: string) => Promise<void>
const manifests: readonly [string, Damage][] = [
  ['the manifest is not JSON', at => writeFile(join(at, 'blockgate.json'), '{"version":1')],
  ['the manifest is empty', at => writeFile(join(at, 'blockgate.json'), '')],
  ['the manifest is of another version', at => replaceIn(join(at, 'blockgate.json'), '"version":1', '"version":2')],
  ['the manifest is of another block', at => replaceIn(join(at, 'blockgate.json'), testId(1), testId(5))],
]
const files: readonly [string, Damage][] = [
  ['a file is shorter', at => writeFile(join(at, 'chunks/000001'), 'x')],
  [
    'a file is a link, to the very same bytes',
    async at => {
      await rename(join(at, 'tombstones'), join(at, '../../moved'))
      await symlink('../../moved', join(at, 'tombstones'))
    },
  ],
  [
    'the manifest names a file that is none of a block',
    async at => {
      await writeFile(join(at, 'notes'), 'nine byte')
      await replaceIn(join(at, 'blockgate.json'), 'tombstones', 'notes')
    },
  ],
]
const headers: readonly [string, Damage][] = [
  ['the header has another bit', at => flip(join(at, 'index-header'), 30)],
  ['the header is shorter', at => writeFile(join(at, 'index-header'), 'x')],
  ['the header is of another index', async at => writeFile(join(at, 'index-header'), await otherHeader())],
  ['the header is missing', at => rm(join(at, 'index-header'))],
]
const mirrored = async () => {
  const made = await directoryWorld({ root: folder() })
  return { made, at: join(made.root, 'blocks'), blocks: await storedBlocks(made.store) }
}
const built = async () => {
  const made = await headersWorld({ root: folder() })
  return {
    made,
    at: made.root,
    blocks: [await storedIndex(made.store, 1, small), await storedIndex(made.store, 2, small)],
  }
}

it.each(
  [
    ...[...manifests, ...files].map(([why, damage]) => ['directory', why, mirrored, damage] as const),
    ...[...manifests, ...headers].map(([why, damage]) => ['indexHeaders', why, built, damage] as const),
  ].flatMap(row => [[...row, 'killed'] as const, [...row, 'stopped'] as const]),
)('%s removes a block, and loads it again, where %s (%#)', async (_, __, world, damage, end) => {
  const { made, at, blocks } = await world()
  const [block, good] = blocks as [Candidate, Candidate]
  await add(made.sink, block)
  await add(made.sink, good)
  // Then it leaves a list of its blocks.
  if (end === 'stopped') await made.sink.stop?.(signal)
  await damage(join(at, block.meta.ulid))
  const again = await made.restart()
  expect([...again.loaded().keys()]).toEqual([good.meta.ulid])
  expect((await readdir(at)).filter(entry => !entry.startsWith('.'))).toEqual([good.meta.ulid])
  expect(made.lines).toMatchObject([{ level: 'warn', fields: { block: block.meta.ulid } }])
  await add(again, block)
  expect(again.loaded().size).toBe(2)
})

it('directory leaves folders alone that are not its own, also one that is named as a block', async () => {
  const { made, at, blocks } = await mirrored()
  const [block, taken] = blocks as [Candidate, Candidate]
  await add(made.sink, block)
  await add(made.sink, taken)
  const manifest = join(at, taken.meta.ulid, 'blockgate.json')
  await replaceIn(manifest, '"sink":"directory"', '"sink":"another"')
  const mine = testId(9)
  await mkdir(join(at, 'notes'))
  await mkdir(join(at, mine))
  const texts = ['notes/blockgate.json', `${mine}/index`, 'file'].map(name => join(at, name))
  for (const path of texts) await writeFile(path, 'x')
  const again = await made.restart()
  expect([...again.loaded().keys()]).toEqual([block.meta.ulid])
  const other = { ...block, meta: { ...block.meta, ulid: mine } }
  await expect(add(again, other)).rejects.toMatchObject({ code: 'disk-failed' })
  for (const path of texts) expect(await readFile(path, 'utf8')).toBe('x')
  expect(await readFile(manifest, 'utf8')).toContain('another')
  expect(await readdir(join(at, '.blockgate-tmp'))).toEqual([])
})

it('empty folders of an add that was killed are removed too', async () => {
  const { made, at } = await mirrored()
  await mkdir(join(at, '.blockgate-tmp', `${testId(3)}-1`, 'chunks'), { recursive: true })
  await made.restart()
  expect(await readdir(at)).toEqual([])
})

it.each([directory, indexHeaders])('%o ends its look at the disk when the gateway is stopped meanwhile', async make => {
  const { promise, resolve } = Promise.withResolvers<void>()
  let reads = 0
  const disk = {
    remove: async () => {},
    rename: async () => {},
    list: async (path: string) =>
      Array.from({ length: 100 }, (_, n) => ({ path: join(path, testId(n), 'blockgate.json'), size: 10 })),
    async read() {
      reads++
      await promise
      return new TextEncoder().encode('not json')
    },
  } as unknown as LocalFiles
  const stop = new AbortController()
  const ended = expect(make().start?.(services({ files: disk }), stop.signal)).rejects.toThrow('stopped')
  await settle()
  const before = reads
  stop.abort(new Error('stopped'))
  resolve()
  await ended
  await settle()
  expect(reads).toBe(before)
})

it.each<[string, () => BlockSink]>([
  ['directory', () => directory({ path: 'blocks' })],
  ['index-headers', () => indexHeaders({ path: 'blocks' })],
])(
  '%s: an observer leaves what is being loaded, and what looks damaged, where it is, and says nothing',
  async (_, sink) => {
    const root = folder()
    const bucket = memoryBucket()
    const list = await indexedBlocks(bucket, 2)
    const made = async (observer: boolean, host = fakeHost()) => {
      const config = await resolveConfig({ bucket, pipeline: [scriptedSource([...list]), sink()] }, { env: {} })
      return gateway(config, { host, state: memoryState(), files: localFiles(root), observer })
    }
    const working = await made(false)
    await working.sync()
    const [first, second] = list.map(({ meta }) => meta.ulid)
    // One is on its way in, and of another the manifest is not whole as it is read.
    const loading = join(root, 'blocks/.blockgate-tmp', `${first}-9`, 'index')
    const torn = join(root, 'blocks', second ?? '', 'blockgate.json')
    await mkdir(join(loading, '..'), { recursive: true })
    await writeFile(loading, 'x')
    await writeFile(torn, '{"version":1')
    const host = fakeHost()
    const looking = await made(true, host)
    expect((await looking.explain(first as never, signal)).loaded).toBe(true)
    await looking.stop()
    expect([existsSync(loading), existsSync(torn), host.lines]).toEqual([true, true, []])
    await working.stop()
    // The one that works does sweep.
    const next = await made(false)
    await next.sync()
    expect(existsSync(loading)).toBe(false)
    await next.stop()
  },
)

describe('indexHeaders after a restart', () => {
  const large = indexFile({ series: [[['a', 'x'.repeat(300_000)]]] })

  /** Three blocks with large headers; of the second one's, a byte in the middle is another. `seen` counts what is read of headers. */
  async function damagedWorld(): Promise<{
    made: World
    list: Candidate[]
    bad: string
    seen: { bytes: number }
    files: LocalFiles
  }> {
    const made = await headersWorld({ root: folder() })
    const list: Candidate[] = []
    for (const n of [1, 2, 3]) {
      list.push(await storedIndex(made.store, n, large))
      await add(made.sink, list.at(-1) as Candidate)
    }
    await made.sink.stop?.(signal)
    await flip(join(made.root, testId(2), 'index-header'), 100_000)
    const seen = { bytes: 0 }
    const disk = made.services.files
    const counting: LocalFiles = {
      ...disk,
      async read(path, offset, length) {
        if (path.endsWith('index-header')) seen.bytes += length
        return await disk.read(path, offset, length)
      },
    }
    return { made, list, bad: testId(2), seen, files: counting }
  }
  // 14 bytes at the beginning and 72 at the end, of the one that looks other than it did.
  const ENDS = 86

  it('reads the ends of a header that looks other than before at the start, all headers later, and tells of a damaged one', async () => {
    const { made, bad, seen, files: counting } = await damagedWorld()
    const host = fakeHost()
    const gate = Promise.withResolvers<void>()
    const files: LocalFiles = {
      ...counting,
      async read(path, offset, length) {
        if (path.endsWith('index-header') && length > 1_000) await gate.promise
        return await counting.read(path, offset, length)
      },
    }
    onTestFinished(() => gate.resolve())
    const sink = await made.restart({ host, files })
    expect([seen.bytes, sink.loaded().size, sink.damaged?.().size]).toEqual([ENDS, 3, 0])
    gate.resolve()
    await host.advance(30_000)
    while (host.lines.length === 0) await settle()
    expect(host.lines).toMatchObject([{ level: 'warn', fields: { block: bad } }])
    expect([...(sink.damaged?.() ?? [])]).toEqual([bad])
    // Until a run has withdrawn it it is there.
    expect(sink.loaded().size).toBe(3)
  })

  it('a header whose end is damaged does not show', async () => {
    const { made } = await damagedWorld()
    await flip(join(made.root, testId(1), 'index-header'), -5)
    expect([...(await made.restart()).loaded().keys()]).not.toContain(testId(1))
  })

  it('a stop ends the check, and nothing is read after it', async () => {
    const { made, seen, files } = await damagedWorld()
    const host = fakeHost()
    const sink = await made.restart({ files, host })
    expect(host.pendingTimers).toBeGreaterThan(0)
    await host.advance(30_000)
    await sink.stop?.(signal)
    expect(host.pendingTimers).toBe(0)
    const { bytes } = seen
    await settle()
    expect(seen.bytes).toBe(bytes)
    // One header may have been on its way.
    expect(bytes).toBeLessThan(1_000_000)
  })

  it('an observer checks no more than the ends', async () => {
    const { made, seen, files } = await damagedWorld()
    const host = fakeHost()
    await made.restart({ observer: true, files, host })
    await host.advance(30_000)
    for (let i = 0; i < 20; i++) await settle()
    expect(seen.bytes).toBe(ENDS)
  })

  it('the next run withdraws a damaged one, drops it, and builds it again', async () => {
    const { made, list, bad } = await damagedWorld()
    const { bucket, services } = made
    const host = fakeHost()
    const ownership = scriptedOwnership([1, 2, 3])
    const pipeline = [scriptedSource(list), owned(ownership), indexHeaders()] as const
    const config = await resolveConfig({ pipeline, bucket }, { env: {} })
    bucket.gets.length = 0
    const gate = gateway(config, { host, state: memoryState(), files: services.files })
    // The first run may come before the check is through.
    await gate.sync()
    await host.advance(30_000)
    while (!host.lines.some(({ message }) => message.includes('damaged'))) await settle()
    ownership.log.length = 0
    await gate.sync()
    const told = ownership.log.filter(line => !line.startsWith('claim 1') && !line.startsWith('claim 3'))
    expect(told).toEqual(['serve -2', 'claim 2', 'serve +2', 'dispose 2'])
    expect(gate.catalogue.get(bad as never)?.events.map(({ kind, reason }) => `${kind} ${reason}`)).toEqual(
      expect.arrayContaining(['dropped damaged', 'added ']),
    )
    expect(config.plan.sink.stage.damaged?.().size).toBe(0)
    expect(bucket.gets.length).toBeGreaterThan(0)
    await gate.stop()
    const quiet = fakeHost()
    const again = await made.restart({ host: quiet })
    await quiet.advance(30_000)
    for (let i = 0; i < 20; i++) await settle()
    expect([again.loaded().size, quiet.lines]).toEqual([3, []])
  })
})
