// Syncs the real blocks in ./bucket into a temp folder, through the pipeline of ./blockgate.config.ts.
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gateway, resolveConfig } from 'blockgate'
import { fileState, localFiles, nodeHost, nodeLog } from 'blockgate/runtime/node'
import { showProgress, summaryText } from 'blockgate/runtime/terminal'
import { setupTracing } from 'blockgate/runtime/tracing'
import config from './blockgate.config.ts'

const dir = process.env.DIR ?? (await mkdtemp(join(tmpdir(), 'blockgate-')))
const { stdout: output, env } = process
const log = nodeLog()
const host = nodeHost({ log: { ...log, info: () => {} } })
// Set OTEL_EXPORTER_OTLP_ENDPOINT, and each block's trace is in your Jaeger.
const tracing = setupTracing(env, { log })

const blockgate = gateway(await resolveConfig(config, { env: { ...env, DIR: dir } }), {
  host,
  files: localFiles(dir),
  state: fileState(dir, log),
})
const progress = showProgress(blockgate, { output, host, env })
const result = await blockgate.sync()
progress[Symbol.dispose]()
output.write(summaryText(result, { output, env }))
output.write(`  in ${dir}\n`)
await blockgate.stop()
await tracing.shutdown()
process.exitCode = result.status === 'done' ? 0 : 3
