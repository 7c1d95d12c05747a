import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { gateway, resolveConfig } from 'blockgate'
import { setupMetrics } from 'blockgate/runtime/metrics'
import { localFiles, nodeHost } from 'blockgate/runtime/node'
import { memoryState } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import config from '../../examples/quickstart/blockgate.config.ts'
import { METRICS } from '../../src/contracts/telemetry.ts'
import { tempFolders } from '../support/temp-folders.ts'
import { samples } from './measured.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const folder = tempFolders()
const log = { info() {}, warn() {}, error() {} }

async function quickstart(): Promise<string> {
  const dir = folder()
  const meters = setupMetrics()
  const made = gateway(await resolveConfig(config, { env: { DIR: dir } }), {
    host: nodeHost({ log }),
    files: localFiles(dir),
    state: memoryState(),
    metrics: meters.metrics,
  })
  await made.sync()
  await made.stop()
  return meters.text()
}

describe('the exposition of the quickstart', () => {
  it('has the numbers of its summary, its requests and its bytes', async () => {
    const told = samples(await quickstart())
    expect(told).toMatchObject({
      blockgate_blocks_assigned: 8,
      blockgate_blocks_loaded: 8,
      blockgate_blocks_serving: 8,
      blockgate_blocks_added_total: 8,
      'blockgate_blocks_skipped_total{stage="time-range",reason="time-excluded"}': 2,
      'blockgate_blocks_failed_total{stage="scan-bucket",code="corrupted-meta-json"}': 1,
      'blockgate_bucket_requests_total{op="list",code="ok"}': expect.any(Number),
    })
    expect(told.blockgate_bucket_read_bytes_total).toBeGreaterThanOrEqual(told.blockgate_added_bytes_total ?? Infinity)
    expect(told.blockgate_bucket_read_bytes_total).toBeGreaterThan(0)
  })

  it('passes promtool without a complaint', async () => {
    const text = await quickstart()
    const ended = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
    const { status, stdout, stderr, error } = ended
    expect([error, status, stdout, stderr]).toEqual([undefined, 0, '', ''])
  })

  it('has no metric that is not in the table, with no other labels', async () => {
    const known = new Map<string, readonly string[]>(
      Object.values(METRICS).flatMap(m => [m.name, m.oldName ?? []].flat().map(name => [name, [...m.labels].sort()])),
    )
    for (const sample of Object.keys(samples(await quickstart()))) {
      const name = sample.replace(/\{.*/, '')
      const base = known.has(name) ? name : name.replace(/_(?:bucket|sum|count)$/, '')
      const labels = [...sample.matchAll(/[{,](\w+)="/g)].map(([, label]) => label).filter(label => label !== 'le')
      expect([sample, labels.sort()]).toEqual([sample, known.get(base)])
    }
  })
})

it('docs/metrics.md is up to date', () => {
  const args = ['--conditions=blockgate-source', join(ROOT, 'scripts/make-metrics-doc.mjs'), '--check']
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  expect([status, stderr]).toEqual([0, ''])
})
