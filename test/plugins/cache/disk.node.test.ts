import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ByteCache } from 'blockgate'
import { diskCache } from 'blockgate/plugins/cache/disk'
import { localFiles, nodeHost } from 'blockgate/runtime/node'
import { fakeHost, services, testCache } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { tempFolders } from '../../support/temp-folders.ts'

const { signal } = new AbortController()
const newFolder = tempFolders()
const folders = new WeakMap<object, string>()

/** A disk of its own. */
function onDisk(folder = newFolder()) {
  const files = localFiles(folder)
  folders.set(files, folder)
  return services({ host: { ...nodeHost(), log: fakeHost().log }, files })
}

const FOLDER = 'query-cache'
const pathsOf = (root: string) => readdirSync(join(root, FOLDER)).map(name => join(root, FOLDER, name))
const entry = (i: number) => ({ key: `block/index:${i}`, kind: 'series' as const, value: new Uint8Array(100).fill(i) })

testCache(
  { describe, it },
  {
    name: 'diskCache()',
    factory: () => diskCache(),
    services: () => onDisk(),
    invalid: [() => diskCache({ size: '63MiB' }), () => diskCache({ path: '../up' }), () => diskCache({ path: '' })],
    small: () => diskCache({ size: '64MiB' }),
    persists: true,
    async damage(cache, given) {
      // What waits is written at a stop.
      await cache.stop?.(signal)
      for (const path of pathsOf(folders.get(given.files as object) as string)) {
        const bytes = readFileSync(path)
        // The values stand behind the table.
        bytes.fill(0xff, 12 + bytes.readUInt32BE(4))
        writeFileSync(path, bytes)
      }
      await cache.start?.(given)
      await restored(cache)
    },
  },
)

/** Waits until the values of an earlier process are found. */
async function restored(cache: ByteCache): Promise<void> {
  while (cache.stats?.().entries === 0) await nodeHost().nextTurn()
}

async function written(root: string, count: number): Promise<void> {
  const cache = diskCache()
  await cache.start?.(onDisk(root))
  await cache.put(Array.from({ length: count }, (_, i) => entry(i)))
  await cache.stop?.(signal)
}

async function readAgain(root: string, count: number): Promise<readonly (Uint8Array | undefined)[]> {
  const cache = diskCache()
  await cache.start?.(onDisk(root))
  const keys = Array.from({ length: count }, (_, i) => entry(i).key)
  await restored(cache)
  let values: readonly (Uint8Array | undefined)[] = []
  // The files are found in their own time.
  for (let turn = 0; turn < 1000; turn++) {
    values = await cache.get(keys, signal)
    if (values.every(value => value)) break
    await nodeHost().nextTurn()
  }
  await cache.stop?.(signal)
  return values
}

describe('diskCache()', () => {
  it('writes what came together as one file, behind one another', async () => {
    const root = newFolder()
    await written(root, 100)
    expect(pathsOf(root)).toHaveLength(1)
    expect(await readAgain(root, 100)).toEqual(Array.from({ length: 100 }, (_, i) => entry(i).value))
  })

  it.each([
    ['whose table is damaged', (bytes: Buffer) => bytes.fill(0x20, 20, 21)],
    ['whose start is another', (bytes: Buffer) => bytes.fill(0, 0, 1)],
    ['that says its table is larger than the file', (bytes: Buffer) => bytes.fill(3, 4, 6)],
    ['that was cut', (bytes: Buffer) => bytes.subarray(0, -1)],
    ['that has more', (bytes: Buffer) => Buffer.concat([bytes, bytes])],
    ['of no bytes', () => Buffer.alloc(0)],
  ])('removes a file %s, and keeps the others', async (_, damage) => {
    const root = newFolder()
    await written(root, 5)
    const [first = ''] = pathsOf(root)
    writeFileSync(first, damage(readFileSync(first)))
    const cache = diskCache()
    await cache.start?.(onDisk(root))
    await cache.put([entry(7)])
    while (pathsOf(root).includes(first)) await nodeHost().nextTurn()
    await cache.stop?.(signal)
    expect(await readAgain(root, 8)).toEqual([...Array.from({ length: 7 }, () => undefined), entry(7).value])
  })

  it('misses what was in a file that somebody removed, and goes on', async () => {
    const root = newFolder()
    await written(root, 5)
    const cache = diskCache()
    await cache.start?.(onDisk(root))
    await restored(cache)
    for (const path of pathsOf(root)) rmSync(path)
    expect(await cache.get([entry(0).key], signal)).toEqual([undefined])
    expect(cache.stats?.().entries).toBe(0)
    await cache.put([entry(0)])
    expect(await cache.get([entry(0).key], signal)).toEqual([entry(0).value])
    await cache.stop?.(signal)
  })

  it('cannot start without a disk', async () => {
    await expect(diskCache().start?.(services())).rejects.toThrow('diskCache() must have a disk (dir)')
  })
})
