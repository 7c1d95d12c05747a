/** Sinks on a real disk ask the disk budget before they read or write. */
import {
  BlockgateError,
  type BlockSink,
  type Candidate,
  ErrorCode,
  gateway,
  memoryState,
  resolveConfig,
} from 'blockgate'
import { fakeHost, memoryBucket } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { directory } from '../../../plugins/sink/directory/index.ts'
import { indexHeaders } from '../../../plugins/sink/index-headers/index.ts'
import { localFiles } from '../../../src/runtime/node.ts'
import { countingBucket } from '../../support/counting-bucket.ts'
import { headerOf } from '../../support/header-of.ts'
import { indexFile } from '../../support/index-file.ts'
import { storedIndex } from '../../support/indexed-blocks.ts'
import { tempFolders } from '../../support/temp-folders.ts'
import { scriptedSource } from '../../support/world.ts'

const folder = tempFolders()
const COUNT = 200

async function world(sink: () => BlockSink, bytesOf: (files: number, header: number) => number) {
  const index = indexFile({ series: [[['a', 'x'.repeat(500)]]], padding: 2_000 })
  const bucket = countingBucket(memoryBucket())
  const list: Candidate[] = []
  for (let n = 1; n <= COUNT; n++) list.push(await storedIndex(bucket, n, index))
  const files = list[0]?.meta.files.reduce((sum, { size }) => sum + size, 0) ?? 0
  const each = bytesOf(files, (await headerOf(index)).length)
  const root = folder()
  const disk = localFiles(root)
  let most = 0
  const watched = {
    ...disk,
    async writeAtomic(...args: Parameters<typeof disk.writeAtomic>) {
      await disk.writeAtomic(...args)
      const all = await disk.list('')
      most = Math.max(
        most,
        all.filter(({ path }) => !path.endsWith('blockgate.json')).reduce((sum, { size }) => sum + size, 0),
      )
    },
  }
  const start = async (diskBudget: number) => {
    const config = await resolveConfig(
      { pipeline: [scriptedSource(list), sink()], bucket, diskBudget, concurrency: 16 },
      { env: {} },
    )
    return gateway(config, { host: fakeHost(), state: memoryState(), files: watched })
  }
  return { bucket, each, start, most: () => most }
}

describe.each([
  // Its sizes are in the metas: it asks before its first request.
  ['directory', directory, (files: number, _: number) => files, 6],
  // It knows a size after the ends of the index: it asks for them once.
  ['index-headers', indexHeaders, (_: number, header: number) => header, COUNT],
] as const)('%s', (_, sink, bytesOf, gets) => {
  it(`never takes more than the budget on the disk, and asks nothing for the rest of ${COUNT} blocks`, async () => {
    const { bucket, each, start, most } = await world(sink, bytesOf)
    const budget = 3 * each + Math.floor(each / 2)
    const gate = await start(budget)
    const { summary } = await gate.sync()
    expect(summary.blocks).toMatchObject({ added: 3, skipped: COUNT - 3, failed: 0 })
    expect(most()).toBeLessThanOrEqual(budget)
    expect(bucket.gets.length).toBeLessThanOrEqual(gets)

    bucket.gets.length = 0
    const again = await gate.sync()
    expect(again.summary.blocks).toMatchObject({ unchanged: 3, skipped: COUNT - 3, failed: 0 })
    expect(bucket.gets).toEqual([])
    await gate.stop()
  })

  it('a load that fails gives its room back', async () => {
    const { bucket, each, start } = await world(sink, bytesOf)
    const get = bucket.get.bind(bucket)
    let broken = 0
    bucket.get = async (key, options) => {
      if (broken++ < 64) throw new BlockgateError(ErrorCode.corruptBlock, 'torn')
      return await get(key, options)
    }
    const gate = await start(3 * each)
    await gate.sync()
    broken = 64
    await gate.sync()
    expect(gate.catalogue.counts().serving).toBe(3)
    await gate.stop()
  })
})
