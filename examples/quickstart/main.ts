// Syncs the real blocks in ./bucket into a temp folder, through the pipeline of ./blockgate.config.ts, and serves what it knows
// over HTTP until Ctrl-C. It is what `blockgate run` does, put together by hand.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gateway, resolveConfig } from 'blockgate'
import { setupMetrics } from 'blockgate/runtime/metrics'
import { fileState, localFiles, nodeHost, nodeLog } from 'blockgate/runtime/node'
import { serveGateway, stopSignals } from 'blockgate/runtime/node-server'
import { showProgress, summaryText } from 'blockgate/runtime/terminal'
import { setupTracing } from 'blockgate/runtime/tracing'
import quickstart from './blockgate.config.ts'

const temp = process.env.DIR === undefined ? mkdtempSync(join(tmpdir(), 'blockgate-')) : undefined
// However it ends: nobody would look for what is left in there.
process.on('exit', () => temp && rmSync(temp, { recursive: true, force: true }))
const dir = process.env.DIR ?? temp ?? ''
const { stdout: output, env } = process
const log = nodeLog()
const host = nodeHost({ log: { ...log, info: () => {} } })
const metrics = setupMetrics()
// Set OTEL_EXPORTER_OTLP_ENDPOINT, and each block's trace is in your Jaeger.
const tracing = setupTracing(env, { log, onLost: metrics.metrics.spansLost })

const files = localFiles(dir)
const config = await resolveConfig(quickstart, { env: { ...env, DIR: dir } })
const blockgate = gateway(config, {
  host,
  files,
  state: fileState(dir, log),
  metrics: metrics.metrics,
})
// Thanos' components like port 10902, too.
const serving = serveGateway({ gateway: blockgate, config, host, files, metrics, orFreePort: true })
// A second Ctrl-C ends at once.
const stop = stopSignals(async () => (await serving).stop())
const service = await serving

const progress = showProgress(blockgate, { output, host, env })
const result = await blockgate.start().catch((error: unknown) => {
  if (stop.caught === undefined) throw error
})
progress[Symbol.dispose]()
if (result) {
  output.write(summaryText(result, { output, env }))
  output.write(`  in ${dir}

  open  ${service.url}/               what this gateway is and does
        ${service.url}/blocks         every block, and why it is where it is
        ${service.url}/api/v1/blocks  the same for programs
        ${service.url}/metrics        for Prometheus
  graph ${service.url}/api/v1/read    the data: a Prometheus with this url as remote_read draws http_requests_total of 2026-10-01

  it looks at the bucket again every 3 minutes; Ctrl-C ends it
`)
}

await stop.stopped
await service.stop()
await tracing.shutdown()
stop[Symbol.dispose]()
