/**
 * One sync of a folder of blocks in a process of its own, with traces where OTEL_EXPORTER_OTLP_ENDPOINT is set; bench/traces.ts starts it,
 * also in the folder of another build. Prints the CPU that the process took from the start of the sync to the last flush.
 *
 *   node sync.ts BUCKET DATA
 */
import { defineConfig, gateway, owned, resolveConfig } from 'blockgate'
import { fs } from 'blockgate/plugins/bucket/fs'
import { consistencyDelay } from 'blockgate/plugins/filter/consistency-delay'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { newestFirst } from 'blockgate/plugins/filter/newest-first'
import { notDeleted } from 'blockgate/plugins/filter/not-deleted'
import { timeRange } from 'blockgate/plugins/filter/time-range'
import { everything } from 'blockgate/plugins/ownership/everything'
import { indexHeaders } from 'blockgate/plugins/sink/index-headers'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { fileState, localFiles, nodeHost, nodeLog } from 'blockgate/runtime/node'
import { setupTracing } from 'blockgate/runtime/tracing'

const [root = '', data = ''] = process.argv.slice(2)
const log = { ...nodeLog(), info: () => {} }
const tracing = setupTracing(process.env, { log })
const pipeline = [
  scanBucket(),
  timeRange({ from: 0 }),
  consistencyDelay({ for: '0s' }),
  notDeleted(),
  dedup(),
  newestFirst(),
  owned(everything()),
  indexHeaders(),
] as const
const config = await resolveConfig(defineConfig({ bucket: fs({ root }), pipeline }), { env: {} })
const gate = gateway(config, { host: nodeHost({ log }), files: localFiles(data), state: fileState(data, log) })
const before = process.cpuUsage()
const { summary } = await gate.sync()
await gate.stop()
await tracing.shutdown()
const { user, system } = process.cpuUsage(before)
const { added, failed } = summary.blocks
console.log(JSON.stringify({ added, failed, dropped: tracing.dropped, user: user / 1e6, system: system / 1e6 }))
