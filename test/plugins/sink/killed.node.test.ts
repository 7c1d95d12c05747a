/** What a process that is killed at any step leaves: whole blocks, and temp files that the next start removes. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Bucket, type Candidate, rawMessageOf } from 'blockgate'
import { fakeHost, memoryBucket, services, storedBlocks } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { directory } from '../../../plugins/sink/directory/index.ts'
import { indexHeaders } from '../../../plugins/sink/index-headers/index.ts'
import { localFiles } from '../../../src/runtime/node.ts'
import { headerOf } from '../../support/header-of.ts'
import { indexedBlocks } from '../../support/indexed-blocks.ts'
import { killedAfter } from '../../support/killed-after.ts'
import { tempFolders } from '../../support/temp-folders.ts'
import { signal } from './sink-world.ts'

const folder = tempFolders()
const KILLS = 20

const SINKS = {
  directory: {
    make: () => directory(),
    blocks: (bucket: Bucket) => storedBlocks(bucket, { count: 6, chunkBytes: 60_000 }),
    below: 'blocks',
    steps: 300,
    seed: 20,
    /** What must be in the folder of a block. */
    filesOf: async (block: Candidate, get: (path: string) => Promise<Uint8Array>) =>
      await Promise.all(block.meta.files.map(async ({ path }) => [path, await get(path)] as const)),
  },
  'index-headers': {
    make: () => indexHeaders(),
    blocks: (bucket: Bucket) => indexedBlocks(bucket, 6),
    below: '',
    steps: 150,
    seed: 21,
    filesOf: async (_: Candidate, get: (path: string) => Promise<Uint8Array>) => [
      ['index-header', await headerOf(await get('index'))] as const,
    ],
  },
}
/** The same, with blocks that are loaded ahead, added from that, and kept when they are dropped. */
const ALL = { ...SINKS, 'index-headers-ahead': { ...SINKS['index-headers'], seed: 22 } }

it.each(Object.keys(ALL) as (keyof typeof ALL)[])(
  `%s: every block is whole or absent and no temp file is left, after each of ${KILLS} kills at random steps`,
  async name => {
    const { make, blocks, below, steps: most, seed, filesOf } = ALL[name]
    const root = folder()
    const bucket = memoryBucket()
    const whole = new Map<string, readonly (readonly [string, Uint8Array])[]>()
    for (const block of await blocks(bucket)) {
      const get = async (path: string) => {
        const body = await bucket.get(block.path + path, { signal })
        return (await body?.bytes(1 << 20)) ?? Buffer.of()
      }
      whole.set(block.meta.ulid, await filesOf(block, get))
    }
    const { random } = fakeHost({ seed })
    const seen = { blocks: 0, leftovers: 0, warm: 0 }
    const kills = name === 'index-headers-ahead' ? KILLS / 2 : KILLS
    for (let kill = 1; kill <= kills; kill++) {
      const steps = 1 + Math.floor(random() * most)
      expect(await killedAfter(steps, name, root), `kill ${kill}, after ${steps} steps`).toBe('SIGKILL')
      seen.leftovers += (await readdir(join(root, below, '.blockgate-tmp')).catch(() => [])).length

      const files = localFiles(root)
      const host = fakeHost()
      const sink = make()
      await sink.start?.(services({ host, bucket, files }))
      expect(host.lines, `kill ${kill}: nothing that shows is damaged`).toEqual([])
      const expected: string[] = []
      for (const [id, { bytes }] of sink.loaded()) {
        seen.blocks++
        const parts = whole.get(id) ?? []
        for (const [path, stored] of parts) {
          const read = await readFile(join(root, below, id, path)).catch(error => Buffer.from(rawMessageOf(error)))
          expect(Buffer.compare(read, stored), `kill ${kill}: ${id}/${path}`).toBe(0)
        }
        expect(bytes).toBe(parts.reduce((sum, [, stored]) => sum + stored.length, 0))
        expected.push(...[...parts.map(([path]) => path), 'blockgate.json'].map(path => join(below, id, path)))
      }
      for (const [id, bytes] of sink.warm?.held ?? []) {
        seen.warm++
        const [[path, stored] = ['', Buffer.of()]] = whole.get(id) ?? []
        const folder = join('.blockgate-warm', id)
        expect(sink.loaded().has(id as never), `kill ${kill}: ${id} is in one place`).toBe(false)
        expect(Buffer.compare(await readFile(join(root, folder, path)), stored)).toBe(0)
        expect(bytes).toBe(stored.length)
        expected.push(...[path, 'blockgate.json'].map(file => join(folder, file)))
      }
      await sink.stop?.(signal)
      // The list of the blocks is written at the stop: the next process, and the next start, have it.
      const entries = (await readdir(join(root, below))).filter(entry => !entry.startsWith('.blockgate-'))
      expect(entries.toSorted()).toEqual([...sink.loaded().keys()].toSorted())
      const paths = (await files.list('')).map(file => file.path).filter(path => !path.endsWith('.blockgate-blocks'))
      expect(paths.toSorted()).toEqual(expected.toSorted())
    }
    // The kills did hit both: blocks that showed, and work in the middle.
    expect(seen.blocks).toBeGreaterThan(kills)
    expect(seen.leftovers).toBeGreaterThan(kills / 4)
    expect(seen.warm > 0).toBe(kills < KILLS)
  },
)
