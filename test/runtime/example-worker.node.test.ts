// examples/worker on a real workerd, by the one command that people use: `npm run dev:worker`.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { freePorts } from '../support/free-ports.ts'
import { PATIENCE } from '../support/patience.ts'
import { type DecodedSpan, decodeSpans } from './otlp.ts'

interface BlockView {
  readonly state: string
  readonly by: string
  readonly reason: string
}

const spans: DecodedSpan[] = []
let folder: string
let collector: Server
let worker: ChildProcess
let address: string
let printed = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blockgate-worker-'))
  collector = createServer(async (request, response) => {
    const chunks: Uint8Array[] = []
    for await (const chunk of request) chunks.push(chunk)
    spans.push(...decodeSpans(Buffer.concat(chunks)))
    response.end()
  }).listen(0, '127.0.0.1')
  await once(collector, 'listening')
  const [port] = await freePorts(1)
  address = `http://127.0.0.1:${port}`
  const variables = [
    `--var=OTEL_EXPORTER_OTLP_ENDPOINT:http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
    '--var=OTEL_EXPORTER_OTLP_PROTOCOL:http/json',
  ]
  const args = ['scripts/dev-worker.mjs', `--port=${port}`, `--persist-to=${folder}`, ...variables]
  worker = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } })
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>()
  for (const stream of [worker.stdout, worker.stderr]) {
    stream?.on('data', chunk => {
      printed += String(chunk)
      if (printed.includes(`the blocks  ${address}/`)) resolve()
    })
  }
  worker.on('exit', code => reject(new Error(`the worker must stay up: it ended with ${code}\n${printed}`)))
  await ready
})

afterAll(async () => {
  if (worker?.exitCode === null) {
    worker.kill()
    await once(worker, 'exit')
  }
  collector?.close()
  await rm(folder, { recursive: true, force: true })
})

async function cron(): Promise<string> {
  const answer = await fetch(`${address}/cdn-cgi/handler/scheduled`)
  return `${answer.status} ${await answer.text()}`
}

const runs = () => [...printed.matchAll(/^\{.*"message":"run done".*\}$/gm)].map(([line]) => JSON.parse(line))

describe('examples/worker on workerd', () => {
  it('has synced the quickstart from R2 when its command says that it is ready', async () => {
    expect(printed).toContain('45 objects are in the local R2')
    const answer = (await (await fetch(`${address}/api/v1/blocks`)).json()) as { blocks: readonly BlockView[] }
    const { blocks } = answer
    const serving = 'serving: memory: added'
    expect(blocks.map(({ state, by, reason }) => `${state}: ${by}: ${reason}`)).toEqual([
      'skipped: time-range: time-excluded',
      'skipped: dedup: duplicate',
      'skipped: dedup: duplicate',
      ...[serving, serving, serving, serving],
      'skipped: time-range: time-excluded',
      ...[serving, serving, serving],
      'skipped: not-deleted: marked-for-deletion',
      'partial: scan-bucket: no-meta-json',
      'partial: scan-bucket: corrupted-meta-json',
      serving,
    ])
    expect((await fetch(`${address}/-/ready`)).status).toBe(200)
  })

  it('serves its API and its metrics from the same isolate', async () => {
    expect(await (await fetch(`${address}/api/v1/openapi.json`)).text()).toContain('blockgate')
    expect(await (await fetch(`${address}/metrics`)).text()).toContain('\nblockgate_blocks_loaded 8\n')
  })

  it('lets nobody change something without a token', async () => {
    expect((await fetch(`${address}/api/v1/sync`, { method: 'POST' })).status).toBe(403)
  })

  it('makes each further cron a run on the same isolate, which knows what it holds', async () => {
    expect(await cron()).toBe('200 ok')
    // Its line comes through a pipe of its own.
    await vi.waitFor(() => expect(runs().at(-1).reason).toBe('interval'), PATIENCE)
    const last = runs().at(-1)
    expect([last.reason, last.complete, last.added, last.unchanged]).toEqual(['interval', true, 0, 8])
  })

  it('answers two crons at once, and neither waits for the other', async () => {
    expect(await Promise.all([cron(), cron()])).toEqual(['200 ok', '200 ok'])
  })

  it('sends the spans of each event before the event ends', () => {
    const names = spans.map(({ name }) => name)
    // The first one: those after it changed nothing.
    expect(names.filter(name => name === 'sync.run')).toHaveLength(1)
    expect(names.filter(name => name === 'block.memory')).toHaveLength(8)
  })

  it('ends with the signal, and leaves nothing running', async () => {
    worker.kill()
    expect(await once(worker, 'exit')).toEqual([0, null])
    await expect(fetch(address)).rejects.toThrow('fetch failed')
  })
})
