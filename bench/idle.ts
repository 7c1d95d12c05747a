/**
 * What a run costs in which nothing is new: a full listing, and a look at new blocks alone.
 *   npm run bench:idle -- [blocks]
 */
import { type Bucket, gateway, resolveConfig } from 'blockgate'
import { consistencyDelay } from 'blockgate/plugins/filter/consistency-delay'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { newestFirst } from 'blockgate/plugins/filter/newest-first'
import { notDeleted } from 'blockgate/plugins/filter/not-deleted'
import { memory } from 'blockgate/plugins/sink/memory'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { nodeHost } from 'blockgate/runtime/node'
import { memoryBucket, memoryState, testId } from 'blockgate/testing'
import { type Row, round, tableOf } from './table.ts'

const BLOCKS = Number(process.argv[2] ?? 10_000)
/** Made each ten minutes. */
const APART = 600_000
const HOUR = 3_600_000
const RUNS = 10
const { signal } = new AbortController()
const encode = (text: string) => new TextEncoder().encode(text)

const store = memoryBucket()
for (let n = 1; n <= BLOCKS; n++) {
  const minTime = Date.now() - HOUR - (BLOCKS - n) * APART
  const maxTime = minTime + APART
  const ulid = testId(minTime)
  const thanos = { version: 1, labels: { cluster: `c${n % 50}` }, downsample: { resolution: 0 }, source: 'sidecar' }
  const meta = { ulid, minTime, maxTime, version: 1, compaction: { level: 1, sources: [ulid] }, thanos }
  await store.put(`${ulid}/chunks/000001`, encode('chunks'), { signal })
  await store.put(`${ulid}/index`, encode('index'), { signal })
  await store.put(`${ulid}/meta.json`, encode(JSON.stringify(meta)), { signal })
}
let requests = 0
const bucket: Bucket = {
  ...store,
  list: (...asked) => {
    requests++
    return store.list(...asked)
  },
  get: (...asked) => {
    requests++
    return store.get(...asked)
  },
}
const pipeline = [scanBucket(), consistencyDelay(), notDeleted(), dedup(), newestFirst(), memory()] as const
const config = await resolveConfig({ bucket, pipeline }, { env: {} })
const made = gateway(config, { host: nodeHost(), state: memoryState() })
await made.sync()
const rows: Row[] = []
for (const [name, all] of [
  ['everything', true],
  ['new blocks', false],
] as const) {
  await made.sync({ reason: 'interval', all })
  requests = 0
  const before = process.cpuUsage()
  const began = performance.now()
  for (let i = 0; i < RUNS; i++) {
    const { summary, status } = await made.sync({ reason: 'interval', all })
    if (status !== 'done' || summary.blocks.seen !== BLOCKS || summary.run.listed !== (all ? 'all' : 'new'))
      throw new Error(`not what was to be measured: ${JSON.stringify(summary.run)}`)
  }
  const { user, system } = process.cpuUsage(before)
  rows.push({
    lists: name,
    requests: requests / RUNS,
    'CPU ms a run': round((user + system) / 1_000 / RUNS, 1),
    'ms a run': round((performance.now() - began) / RUNS, 1),
  })
}
console.log(`${BLOCKS} blocks, nothing new, mean of ${RUNS} runs\n\n${tableOf(rows)}`)
await made.stop()
