/** Whoever only looks at a data folder, beside the gateway that works in it, changes nothing there. */
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BlockSink, gateway, memoryState, resolveConfig } from 'blockgate'
import { fakeHost, memoryBucket } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { directory } from '../../../plugins/sink/directory/index.ts'
import { indexHeaders } from '../../../plugins/sink/index-headers/index.ts'
import { localFiles } from '../../../src/runtime/node.ts'
import { indexedBlocks } from '../../support/indexed-blocks.ts'
import { tempFolders } from '../../support/temp-folders.ts'
import { scriptedSource } from '../../support/world.ts'

const folder = tempFolders()

it.each([
  ['directory', () => directory({ path: 'blocks' })],
  ['index-headers', () => indexHeaders({ path: 'blocks' })],
] as readonly (readonly [string, () => BlockSink])[])(
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
    await mkdir(join(root, 'blocks', '.blockgate-tmp', `${first}-9`), { recursive: true })
    await writeFile(join(root, 'blocks', '.blockgate-tmp', `${first}-9`, 'index'), 'x')
    await writeFile(join(root, 'blocks', second ?? '', 'blockgate.json'), '{"version":1')
    const host = fakeHost()
    const looking = await made(true, host)
    expect((await looking.explain(first as never, new AbortController().signal)).loaded).toBe(true)
    await looking.stop()
    expect(existsSync(join(root, 'blocks', '.blockgate-tmp', `${first}-9`, 'index'))).toBe(true)
    expect(existsSync(join(root, 'blocks', second ?? '', 'blockgate.json'))).toBe(true)
    expect(host.lines).toEqual([])
    await working.stop()
    // The one that works does sweep.
    const next = await made(false)
    await next.sync()
    expect(existsSync(join(root, 'blocks', '.blockgate-tmp', `${first}-9`, 'index'))).toBe(false)
    await next.stop()
  },
)
