/** `.blockgate-blocks`: a start with it reads nothing of blocks that look as they did, and never believes it over what is on the disk. */
import { existsSync } from 'node:fs'
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlockMeta, BlockSink, Candidate, LocalFiles } from 'blockgate'
import { fakeHost, storedBlocks, testId } from 'blockgate/testing'
import { crc32c } from 'blockgate/tsdb'
import { describe, expect, it } from 'vitest'
import { storedIndex } from '../../support/indexed-blocks.ts'
import { tempFolders } from '../../support/temp-folders.ts'
import { add, directoryWorld, headersWorld, signal, small, type World } from './sink-world.ts'

const folder = tempFolders()

const WORLDS = {
  'index-headers': async (count: number) => {
    const made = await headersWorld({ root: folder() })
    const list: Candidate[] = []
    for (let n = 1; n <= count; n++) list.push(await storedIndex(made.store, n, small))
    return { made, list, at: made.root }
  },
  directory: async (count: number) => {
    const made = await directoryWorld({ root: folder() })
    return { made, list: await storedBlocks(made.store, { count }), at: join(made.root, 'blocks') }
  },
}
const names = Object.keys(WORLDS) as (keyof typeof WORLDS)[]

/** A world whose process had these blocks, and ended. */
async function stopped(name: keyof typeof WORLDS, count = 3) {
  const world = await WORLDS[name](count)
  for (const [i, block] of world.list.entries()) await add(world.made.sink, block, i)
  await world.made.sink.stop?.(signal)
  return { ...world, known: join(world.at, '.blockgate-blocks'), before: shown(world.made.sink) }
}

const shown = (sink: BlockSink) =>
  [...sink.loaded().values()]
    .map(({ meta, bytes, fence }) => ({ meta, bytes, fence }))
    .sort((a, b) => (a.meta.ulid < b.meta.ulid ? -1 : 1))

/** A start of the next process, and which blocks it read the manifest of. */
async function restarted(made: World, disk: LocalFiles = made.services.files) {
  const read: string[] = []
  const files: LocalFiles = {
    ...disk,
    read: async (path, offset, length) => {
      if (path.endsWith('blockgate.json')) read.push(path.split('/').at(-2) ?? '')
      return await disk.read(path, offset, length)
    },
  }
  const host = fakeHost()
  const sink = await made.restart({ files, host })
  return { sink, host, blocks: shown(sink), read: read.toSorted() }
}

describe.each(names)('%s: the list of blocks that a stop leaves', name => {
  it('spares a start the manifests, and says the same', async () => {
    const { made, before } = await stopped(name)
    const { blocks, read, host } = await restarted(made)
    expect(blocks).toEqual(before)
    expect(blocks.every(({ meta }) => Object.getPrototypeOf(meta.labels) === null)).toBe(true)
    expect([read, host.lines]).toEqual([[], []])
  })

  it.each<[string, (bytes: Buffer) => Buffer | string | undefined]>([
    ['is missing', () => undefined],
    ['is empty', () => ''],
    ['is cut', bytes => bytes.subarray(0, -3)],
    ['has lost a line', bytes => bytes.toString().replace(/\n.*\n/, '\n')],
    ['has another bit', bytes => bytes.toString().replace('"minTime":', '"minTimf":')],
    ['is of another version', bytes => checked(bytes.toString().replace('"version":1', '"version":2'))],
    ['is of another sink', bytes => checked(bytes.toString().replace(`"sink":"${name}"`, '"sink":"other"'))],
    [
      'names a folder that is none of a block',
      bytes => checked(bytes.toString().replaceAll(testId(1), '../../../../../../etc/passw')),
    ],
  ])('is not believed where it %s', async (_, damage) => {
    const { made, known, before } = await stopped(name)
    const bytes = damage(await readFile(known))
    if (bytes === undefined) await rm(known)
    else await writeFile(known, bytes)
    const { blocks, read, host } = await restarted(made)
    expect(blocks).toEqual(before)
    expect([read, host.lines]).toEqual([before.map(({ meta }) => meta.ulid), []])
  })

  it('tells nothing of blocks that came later, went, or are other copies', async () => {
    const { made, list, at, known } = await stopped(name, 4)
    const old = await readFile(known)
    const sink = await made.restart()
    const [first, second, third] = list as [Candidate, Candidate, Candidate]
    await sink.drop(first.meta.ulid, signal)
    await sink.drop(second.meta.ulid, signal)
    await add(sink, second, 9)
    // The same bytes in another file.
    await cp(join(at, third.meta.ulid), join(at, 'copy'), { recursive: true })
    await rm(join(at, third.meta.ulid), { recursive: true })
    await cp(join(at, 'copy'), join(at, third.meta.ulid), { recursive: true })
    await rm(join(at, 'copy'), { recursive: true })
    await sink.stop?.(signal)
    await writeFile(known, old)
    const again = await restarted(made)
    expect(again.blocks.map(({ meta, fence }) => [meta.ulid, fence])).toEqual([
      [second.meta.ulid, 9],
      [third.meta.ulid, 2],
      [testId(4), 3],
    ])
    expect(again.read).toEqual([second.meta.ulid, third.meta.ulid])
  })

  it.each(['size', 'modified', 'inode'] as const)('does not tell of a file that has another %s', async what => {
    const { made, before } = await stopped(name)
    const disk = made.services.files
    const look: LocalFiles['look'] = async paths =>
      ((await disk.look?.(paths)) ?? []).map(
        (seen, i) => seen && (paths[i]?.includes(testId(2)) ? { ...seen, [what]: seen[what] + 1 } : seen),
      )
    const { read } = await restarted(made, { ...disk, look })
    expect(read).toEqual([before[1]?.meta.ulid])
  })

  it('has one copy of a meta with the source that offers it, where both say the same', async () => {
    const { made, before } = await stopped(name, 2)
    const { sink } = await restarted(made)
    const [first, second] = before.map(({ meta }) => structuredClone(meta)) as [BlockMeta, BlockMeta]
    const other = { ...second, labels: { ...second.labels, more: 'x' } }
    for (const meta of [first, other]) sink.offered?.(meta)
    const held = (meta: BlockMeta) => sink.loaded().get(meta.ulid)?.meta
    expect(held(first)).toBe(first)
    expect(held(second)).toEqual(before[1]?.meta)
  })

  it('goes with the last block', async () => {
    const { made, known, list } = await stopped(name, 1)
    const sink = await made.restart()
    await sink.drop((list[0] as Candidate).meta.ulid, signal)
    await sink.stop?.(signal)
    expect(existsSync(known)).toBe(false)
  })
})

describe('a process that is killed', () => {
  it('has written the list ten seconds after many blocks came, and not after few', async () => {
    const host = fakeHost()
    const { made, list, at } = await WORLDS['index-headers'](17)
    const sink = await made.restart({ host })
    const known = join(at, '.blockgate-blocks')
    for (const block of list.slice(0, 15)) await add(sink, block)
    await host.advance(10_000)
    // The check of all headers is to come.
    expect([existsSync(known), host.pendingTimers]).toEqual([false, 1])
    for (const block of list.slice(15)) await add(sink, block)
    await host.advance(9_999)
    expect(existsSync(known)).toBe(false)
    await host.advance(1)
    while (!existsSync(known)) await new Promise(resolve => setImmediate(resolve))
    expect((await restarted(made)).read).toEqual([])
  })

  it('finds a list that cannot be written no reason to fail', async () => {
    const { made, list } = await WORLDS['index-headers'](2)
    const host = fakeHost()
    const disk = made.services.files
    const full = async () => Promise.reject(new Error('the disk is full'))
    const sink = await made.restart({
      host,
      files: {
        ...disk,
        writeAtomic: (path, ...rest) => (path.includes('blockgate-blocks') ? full() : disk.writeAtomic(path, ...rest)),
      },
    })
    for (const block of list) await add(sink, block)
    await sink.stop?.(signal)
    expect(host.lines).toMatchObject([
      { level: 'warn', fields: { error: expect.stringContaining('the disk is full') } },
    ])
    expect((await restarted(made)).read).toHaveLength(2)
  })
})

it('a disk that tells no looks is restored from the manifests', async () => {
  const { made, before } = await stopped('index-headers')
  const { folders: _, look: __, ...files } = made.services.files
  expect(shown(await made.restart({ files }))).toEqual(before)
})

/** The same with the checksum that belongs to it. */
function checked(text: string): string {
  const body = text.slice(0, -8)
  return body + crc32c(Buffer.from(body)).toString(16).padStart(8, '0')
}
