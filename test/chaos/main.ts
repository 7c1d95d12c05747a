/**
 * Gateways as processes, a real Redis, a real S3 server with latency, a watcher that asks all of them all the time, and a client that
 * queries them.
 *
 *   npm run chaos                          five gateways, 2,000 blocks, all schedules, shortened times; six minutes a plugin
 *   npm run chaos -- --short               four gateways, 300 blocks, for CI; two minutes a plugin
 *   npm run chaos -- --full                the plugins' own times; a quarter of an hour a plugin
 *   npm run chaos -- --ownership redlock   one plugin
 *   npm run chaos -- --only <schedule>     one schedule
 *   npm run chaos -- --broken              without hand-over: it must fail
 *   npm run chaos -- --blocks 500
 *
 * Exits with 1 and the story where a block was away, a gateway loaded what was not its own, or a query had a short answer or none.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeBlocks } from '../../bench/many-blocks.ts'
import { freePorts } from '../support/free-ports.ts'
import { putFolder } from '../support/put-folder.ts'
import { startRadosgw } from '../support/radosgw.ts'
import { startRedis } from '../support/redis.ts'
import { tcpProxy } from '../support/tcp-proxy.ts'
import { Chaos } from './chaos.ts'
import { rightSummary } from './one-block.ts'
import { OWNERSHIPS, ownership } from './ownerships.ts'
import { chosen } from './schedules.ts'
import { settingsOf } from './settings.ts'

const BUCKET = 'chaos'

const { settings, runs } = asked()
const folder = mkdtempSync(join(tmpdir(), 'blockgate-chaos-'))
let failed = true
try {
  await using servers = new AsyncDisposableStack()
  await using store = await startRadosgw()
  await using redis = await startRedis()
  const { latencyMs, blocks } = settings
  const half = latencyMs / 2
  await using proxy = await tcpProxy({ target: store.endpoint, requestDelay: half, responseDelay: half })
  await putFolder(
    store,
    BUCKET,
    makeBlocks(folder, blocks, n => ({ block: String(n) })),
  )
  const lockServers = await Promise.all([1, 2, 3].map(async () => servers.use(await startRedis())))
  await using cut = await tcpProxy({ target: (lockServers[0] ?? redis).url })
  const ports = await freePorts(settings.gateways)
  const env = { ...process.env, AWS_ACCESS_KEY_ID: store.accessKeyId, AWS_SECRET_ACCESS_KEY: store.secretAccessKey }
  const right = await rightSummary()
  const where = { folder, ports, env, endpoint: proxy.endpoint, bucket: BUCKET, right }
  failed = false
  for (const { plugin, schedules } of runs) {
    const chaos = new Chaos({ settings, ownership: plugin.name, redis, lockServers, cut, ...where })
    await chaos.run(schedules)
    console.log(chaos.closingLine())
    if (chaos.violations.length > 0) failed = true
  }
} finally {
  if (failed) console.error(`the logs of the gateways are in ${folder}`)
  else rmSync(folder, { recursive: true, force: true })
}
process.exit(failed ? 1 : 0)

function asked() {
  try {
    const settings = settingsOf(process.argv.slice(2))
    const plugins = settings.ownership === 'all' ? OWNERSHIPS : [ownership(settings.ownership)]
    const runs = plugins.map(plugin => ({ plugin, schedules: chosen(settings, plugin) }))
    const some = runs.filter(({ schedules }) => schedules.length > 0)
    if (some.length === 0) throw new Error(`--only ${settings.only} is for plugins with locks`)
    return { settings, runs: some }
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(2)
  }
}
