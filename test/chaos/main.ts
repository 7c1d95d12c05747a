/**
 * Gateways as processes, a real Redis, a real S3 server with latency, and a watcher that asks all of them all the time.
 *
 *   npm run chaos                          five gateways, 2,000 blocks, all schedules, shortened times; six minutes
 *   npm run chaos -- --short               four gateways, 300 blocks, for CI; two minutes
 *   npm run chaos -- --full                the protocol's own times; a quarter of an hour
 *   npm run chaos -- --only <schedule>     one schedule
 *   npm run chaos -- --broken              without hand-over: it must fail
 *   npm run chaos -- --json --blocks 500
 *
 * Exits with 1 and the story where a block was away, or a gateway loaded what was not its own.
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
import { chaos } from './chaos.ts'
import { OWNERSHIPS } from './ownerships.ts'
import { closingLine } from './report.ts'
import { chosen, type Schedule } from './schedules.ts'
import { screenOn } from './screen.ts'
import { type Settings, settingsOf } from './settings.ts'

const BUCKET = 'chaos'

const { settings, schedules } = asked()
const screen = screenOn(process.stderr)
const folder = mkdtempSync(join(tmpdir(), 'blockgate-chaos-'))
let failed = true
try {
  await using store = await startRadosgw()
  await using redis = await startRedis()
  const { latencyMs, blocks } = settings
  await using proxy = await tcpProxy({
    target: store.endpoint,
    requestDelay: latencyMs / 2,
    responseDelay: latencyMs / 2,
  })
  await putFolder(store, BUCKET, makeBlocks(folder, blocks))
  screen.say(`${blocks} blocks are in the bucket`)
  const report = await chaos({
    settings,
    schedules,
    screen,
    folder,
    redis,
    ports: await freePorts(settings.gateways),
    endpoint: proxy.endpoint,
    bucket: BUCKET,
    env: { ...process.env, AWS_ACCESS_KEY_ID: store.accessKeyId, AWS_SECRET_ACCESS_KEY: store.secretAccessKey },
  })
  failed = report.violations.length > 0
  console.log(settings.json ? JSON.stringify(report) : closingLine(report))
} finally {
  if (failed) screen.say(`the logs of the gateways are in ${folder}`)
  else rmSync(folder, { recursive: true, force: true })
}
process.exit(failed ? 1 : 0)

function asked(): { readonly settings: Settings; readonly schedules: readonly Schedule[] } {
  try {
    const settings = settingsOf(process.argv.slice(2))
    if (!(settings.ownership in OWNERSHIPS)) {
      throw new Error(
        `--ownership must be one of ${Object.keys(OWNERSHIPS).join(', ')}: current value is ${settings.ownership}`,
      )
    }
    return { settings, schedules: chosen(settings) }
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(2)
  }
}
