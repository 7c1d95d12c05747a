/** Memory of 5,000 blocks; how long a start takes until the first answer. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { request } from '../../test/query/requests.ts'
import { makeBlocks } from '../many-blocks.ts'
import { type Row, round } from '../table.ts'
import { type Served, startScript } from './processes.ts'
import { drained } from './stream.ts'

const MB = 1_000_000
const BLOCKS = 5000

/** Waits for the first answer. @returns ms since `since` */
async function firstAnswer({ url }: Served, body: Uint8Array, since: number): Promise<number> {
  while ((await drained(url, body)) <= 0) await new Promise(resolve => setTimeout(resolve, 5))
  return performance.now() - since
}

/** @param root a folder that goes afterwards */
export async function memory(root: string): Promise<readonly Row[]> {
  const bucket = makeBlocks(root, BLOCKS)
  const newest = readdirSync(bucket).sort().at(-1) as string
  const { minTime, maxTime } = JSON.parse(readFileSync(join(bucket, newest, 'meta.json'), 'utf8'))
  const body = request([[2, '__name__', '.+']], maxTime - 60_000, maxTime - 1, [1])
  const dir = join(root, 'dir')
  mkdirSync(join(root, 'none'))
  const start = (folder: string, state: string) => startScript('headers-gateway.ts', [folder, state], ['--expose-gc'])
  const none = await start(join(root, 'none'), join(root, 'no-dir'))
  const empty = JSON.parse(await none.ask())
  await none.stop()
  let since = performance.now()
  const cold = await start(bucket, dir)
  const coldMs = await firstAnswer(cold, body, since)
  const { rss, heapUsed, external, requests } = JSON.parse(await cold.ask())
  await cold.stop()
  since = performance.now()
  const warm = await start(bucket, dir)
  const warmMs = await firstAnswer(warm, body, since)
  await warm.stop()
  console.log(`the block that is asked for: ${newest}, ${new Date(minTime).toISOString()}`)
  return [
    {
      what: `RSS with ${BLOCKS} blocks of index-headers, after a collection`,
      measured: `${round(rss / MB, 0)} MB (${round(empty.rss / MB, 0)} MB with none)`,
      'asked for': '<= 200 MB',
    },
    {
      what: 'heap and buffers of a block that was never asked',
      measured: `${round((heapUsed + external - empty.heapUsed - empty.external) / BLOCKS, 0)} B, its meta among them`,
      'asked for': '<= 300 B',
    },
    {
      what: `first answer from the start of the process, ${BLOCKS} index-headers on the disk`,
      measured: `${round(warmMs / 1000, 1)} s`,
      'asked for': '<= 1 s',
    },
    {
      what: 'first answer from the start of the process, an empty disk',
      measured: `${round(coldMs / 1000, 1)} s, ${requests} GETs`,
      'asked for': '<= 2 s, <= 10 requests after the listing',
    },
  ]
}
