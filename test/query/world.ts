/** Real blocks behind a gateway, and beside it a Prometheus that has them. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BlockSink, gateway, resolveConfig } from 'blockgate'
import { fs } from 'blockgate/plugins/bucket/fs'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { fileState, localFiles, nodeHost, nodeLog } from 'blockgate/runtime/node'
import { serveGateway } from 'blockgate/runtime/node-server'
import { fakeHost } from 'blockgate/testing'
import { openMetrics } from '../support/openmetrics.ts'
import { type PrometheusServer, startPrometheus } from '../support/prometheus.ts'

/** Seconds: a multiple of two hours. */
export const START = 1_700_006_400
export const HOURS = 4

export interface World {
  /** Of the gateway. */
  readonly url: string
  /** It has the blocks on its disk. */
  readonly oracle: PrometheusServer
  /** It has nothing, and asks the gateway. */
  readonly client: PrometheusServer
  stop(): Promise<void>
}

/** @param sink keeps whole blocks, or index-headers alone */
export async function queryWorld(sink: BlockSink): Promise<World> {
  const root = mkdtempSync(join(tmpdir(), 'blockgate-test-'))
  const [text, bucket, dir] = ['text', 'bucket', 'dir'].map(name => join(root, name)) as [string, string, string]
  writeFileSync(text, openMetrics({ series: 60, start: START, hours: HOURS, keepHours: HOURS, seed: 5 }).join(''))
  execFileSync('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', '-q', text, bucket])
  mkdirSync(join(root, 'oracle'), { recursive: true })
  cpSync(bucket, join(root, 'oracle/data'), { recursive: true })
  for (const name of readdirSync(bucket)) if (name.length !== 26) rmSync(join(bucket, name), { recursive: true })

  const config = await resolveConfig(
    { bucket: fs({ root: bucket }), pipeline: [scanBucket(), sink], dir, http: '127.0.0.1:0' },
    { env: {} },
  )
  const host = nodeHost({ log: fakeHost().log })
  const made = gateway(config, { host, files: localFiles(dir), state: fileState(dir, nodeLog()) })
  const service = await serveGateway({ gateway: made, config, host })
  await made.start()
  const { url = '' } = service
  const oracle = await startPrometheus(join(root, 'oracle'))
  const client = await startPrometheus(
    join(root, 'client'),
    `remote_read: [{url: "${url}/api/v1/read", read_recent: true}]\n`,
  )
  return {
    url,
    oracle,
    client,
    async stop() {
      await Promise.all([oracle.stop(), client.stop()])
      await service.stop()
      rmSync(root, { recursive: true, force: true })
    },
  }
}
