/** Real blocks behind a gateway, and beside it a Prometheus that has them. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BlockSink, type BlockStage, gateway, resolveConfig } from 'blockgate'
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
  /** The folder of its blocks. */
  readonly bucket: string
  /** It has the blocks on its disk. */
  readonly oracle: PrometheusServer
  /** A folder for more: it goes at the stop. */
  readonly root: string
  stop(): Promise<void>
}

/**
 * @param sink keeps whole blocks, or index-headers alone
 * @param add puts the blocks into the folder `bucket`
 */
export async function queryWorld(
  sink: BlockSink,
  add: (root: string, bucket: string) => void | Promise<void> = addOpenMetrics,
): Promise<World> {
  const root = mkdtempSync(join(tmpdir(), 'blockgate-test-'))
  const bucket = join(root, 'bucket')
  await add(root, bucket)
  mkdirSync(join(root, 'oracle'), { recursive: true })
  cpSync(bucket, join(root, 'oracle/data'), { recursive: true })
  const served = await serve(root, bucket, sink)
  const oracle = await startPrometheus(join(root, 'oracle'))
  return {
    url: served.url,
    bucket,
    oracle,
    root,
    async stop() {
      await Promise.all([oracle.stop(), served.stop()])
      rmSync(root, { recursive: true, force: true })
    },
  }
}

/** Two blocks of sixty series, by promtool. */
export function addOpenMetrics(root: string, bucket: string): void {
  const text = join(root, 'text')
  writeFileSync(text, openMetrics({ series: 60, start: START, hours: HOURS, keepHours: HOURS, seed: 5 }).join(''))
  execFileSync('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', '-q', text, bucket])
}

/** A gateway over the blocks of `bucket`, which has nothing but them. */
export async function serve(root: string, bucket: string, sink: BlockSink, ...stages: BlockStage[]) {
  for (const name of readdirSync(bucket)) if (name.length !== 26) rmSync(join(bucket, name), { recursive: true })
  const dir = join(root, 'dir')
  const input = {
    bucket: fs({ root: bucket }),
    pipeline: [scanBucket(), ...stages, sink] as const,
    dir,
    http: '127.0.0.1:0',
  }
  const config = await resolveConfig(input, { env: {} })
  const host = nodeHost({ log: fakeHost().log })
  const files = localFiles(dir)
  const made = gateway(config, { host, files, state: fileState(dir, nodeLog()) })
  const service = await serveGateway({ gateway: made, config, host, files })
  await made.start()
  return { url: service.url ?? '', stop: () => service.stop() }
}
