import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fakeHost, memoryBucket, services } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { indexHeaders } from '../../../plugins/sink/index-headers/index.ts'
import { localFiles } from '../../../src/runtime/node.ts'
import { headerOf } from '../../support/header-of.ts'
import { indexedBlocks } from '../../support/indexed-blocks.ts'
import { killedAfter } from '../../support/killed-after.ts'
import { tempFolders } from '../../support/temp-folders.ts'

const folder = tempFolders()
const { signal } = new AbortController()
const KILLS = 20

it(`every header is whole or absent and no temp file is left, after each of ${KILLS} kills at random steps`, async () => {
  const root = folder()
  const bucket = memoryBucket()
  const headers = new Map<string, Uint8Array>()
  for (const { meta } of await indexedBlocks(bucket, 6)) {
    const body = await bucket.get(`${meta.ulid}/index`, { signal })
    headers.set(meta.ulid, await headerOf((await body?.bytes(1 << 20)) ?? new Uint8Array()))
  }
  const { random } = fakeHost({ seed: 21 })
  const seen = { blocks: 0, leftovers: 0 }
  for (let kill = 1; kill <= KILLS; kill++) {
    const steps = 1 + Math.floor(random() * 150)
    expect(await killedAfter(steps, 'index-headers', root), `kill ${kill}, after ${steps} steps`).toBe('SIGKILL')
    seen.leftovers += (await readdir(join(root, '.blockgate-tmp')).catch(() => [])).length

    const files = localFiles(root)
    const host = fakeHost()
    const sink = indexHeaders()
    await sink.start?.(services({ host, bucket, files }))
    expect(host.lines, `kill ${kill}: nothing that shows is damaged`).toEqual([])
    const expected: string[] = []
    for (const [id, { bytes }] of sink.loaded()) {
      const header = headers.get(id)
      expect(Buffer.compare(await readFile(join(root, id, 'index-header')), header ?? Buffer.of())).toBe(0)
      expect(bytes).toBe(header?.length)
      expected.push(`${id}/blockgate.json`, `${id}/index-header`)
      seen.blocks++
    }
    const entries = (await readdir(root)).filter(entry => entry !== '.blockgate-tmp')
    expect(entries.toSorted()).toEqual([...sink.loaded().keys()].toSorted())
    expect((await files.list('')).map(file => file.path).toSorted()).toEqual(expected.toSorted())
  }
  // The kills did hit both: blocks that showed, and work in the middle.
  expect(seen.blocks).toBeGreaterThan(KILLS)
  expect(seen.leftovers).toBeGreaterThan(KILLS / 4)
})
