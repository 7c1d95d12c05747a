import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fakeHost, memoryBucket, services, storedBlocks } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { directory } from '../../../plugins/sink/directory/index.ts'
import { localFiles } from '../../../src/runtime/node.ts'
import { killedAfter } from '../../support/killed-after.ts'
import { tempFolders } from '../../support/temp-folders.ts'

const folder = tempFolders()
const { signal } = new AbortController()
const KILLS = 20

it(`every block is whole and no temp file is left, after each of ${KILLS} kills at random steps`, async () => {
  const root = folder()
  const bucket = memoryBucket()
  await storedBlocks(bucket, { count: 6, chunkBytes: 60_000 })
  const { random } = fakeHost({ seed: 20 })
  const seen = { blocks: 0, leftovers: 0 }
  for (let kill = 1; kill <= KILLS; kill++) {
    const steps = 1 + Math.floor(random() * 300)
    expect(await killedAfter(steps, 'directory', root), `kill ${kill}, after ${steps} steps`).toBe('SIGKILL')
    const temp = await readdir(join(root, 'blocks/.blockgate-tmp')).catch(() => [])
    seen.leftovers += temp.length

    const files = localFiles(root)
    const host = fakeHost()
    const sink = directory()
    await sink.start?.(services({ host, bucket, files }))
    expect(host.lines, `kill ${kill}: nothing that shows is damaged`).toEqual([])
    const expected: string[] = []
    for (const [id, { meta, bytes }] of sink.loaded()) {
      using reader = sink.open?.(id)
      for (const { path, size } of meta.files) {
        const object = await bucket.get(`${id}/${path}`, { signal })
        const stored = (await object?.bytes(size)) ?? Buffer.of()
        const read = (await reader?.files.read(path, 0, size, signal)) ?? Buffer.of(1)
        expect(Buffer.compare(read, stored), `kill ${kill}: ${id}/${path}`).toBe(0)
        expected.push(`blocks/${id}/${path}`)
      }
      expected.push(`blocks/${id}/blockgate.json`)
      expect(bytes).toBe(meta.files.reduce((sum, file) => sum + file.size, 0))
      seen.blocks++
    }
    const entries = await readdir(join(root, 'blocks'))
    expect(entries.toSorted()).toEqual([...sink.loaded().keys()].toSorted())
    expect((await files.list('')).map(file => file.path).toSorted()).toEqual(expected.toSorted())
  }
  // The kills did hit both: blocks that showed, and work in the middle.
  expect(seen.blocks).toBeGreaterThan(KILLS)
  expect(seen.leftovers).toBeGreaterThan(KILLS / 2)
})
