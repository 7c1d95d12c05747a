/** Syncs from a real radosgw, through a network and a store that fail. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type BlockSink,
  type Duration,
  type Gateway,
  gateway,
  type Host,
  memoryState,
  type RunResult,
  resolveConfig,
} from 'blockgate'
import { s3 } from 'blockgate/plugins/bucket/s3'
import { directory } from 'blockgate/plugins/sink/directory'
import { memory } from 'blockgate/plugins/sink/memory'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { localFiles, nodeHost } from 'blockgate/runtime/node'
import { services, testId } from 'blockgate/testing'
import { beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { PATIENCE } from '../support/patience.ts'
import { startGateway } from '../support/radosgw.ts'
import { putBlocks } from '../support/s3-blocks.ts'
import { access, newBucket } from '../support/s3-buckets.ts'
import { burst, chance, type FaultPlan, firstOf, nth, type SeenRequest, tcpProxy } from '../support/tcp-proxy.ts'
import { tempFolders } from '../support/temp-folders.ts'

const COUNT = 200
const ALL = Array.from({ length: COUNT }, (_, i) => testId(i + 1))
const folder = tempFolders()
const { signal } = new AbortController()

/** Timers run ten times as fast: backoffs need not be waited out. */
function hurried(): Host {
  const host = nodeHost({ log: { info() {}, warn() {}, error() {} } })
  return { ...host, setTimer: (ms, fn) => host.setTimer(ms / 10, fn) }
}

/** `scanBucket() → sink` on a bucket at `endpoint`. With a time-out, what a busy machine delays is asked for again. */
async function sync(
  bucket: string,
  endpoint: string,
  sink: BlockSink,
  dir = folder(),
  requestTimeout: Duration = '30s',
): Promise<Gateway> {
  const config = await resolveConfig(
    { bucket: s3({ ...access(), bucket, endpoint, requestTimeout }), pipeline: [scanBucket(), sink] },
    { env: {} },
  )
  return gateway(config, { host: hurried(), files: localFiles(dir), state: memoryState() })
}

/** `LIST`, `GET meta.json`, `GET chunks`, …: what is asked for, without of whom. */
function kindOf({ method, path }: Pick<SeenRequest, 'method' | 'path'>): string {
  if (path.includes('list-type=2')) return 'LIST'
  return `${method} ${/^\/[^/]+\/[^/]+\/([a-z.-]+)/.exec(path)?.[1] ?? path}`
}

function counts(requests: readonly SeenRequest[]): Record<string, number> {
  const found: Record<string, number> = {}
  for (const request of requests) found[kindOf(request)] = (found[kindOf(request)] ?? 0) + 1
  return found
}

/** Where the sink keeps its blocks: only whole ones, and nothing that is half done. */
async function onDisk(dir: string): Promise<readonly string[]> {
  const names = await readdir(join(dir, 'blocks'))
  return names.filter(name => !name.startsWith('.')).sort()
}

let name: string
beforeAll(async () => {
  name = await newBucket()
  const bucket = s3({ ...access(), bucket: name })
  await bucket.start?.(services({ host: nodeHost(), bucket }))
  await putBlocks(bucket, COUNT)
  await bucket.stop?.(signal)
})

// Side by side: most of their time is waiting.
describe.concurrent('a sync from S3', () => {
  it('through 30 ms of latency, resets, bursts of 503, short and stalled bodies ends right', async () => {
    const met: Record<string, number> = {}
    const noted =
      (plan: FaultPlan): FaultPlan =>
      request => {
        const fault = plan(request)
        if (fault) met[fault.kind] = (met[fault.kind] ?? 0) + 1
        return fault
      }
    await using proxy = await tcpProxy({
      target: inject('radosgw').endpoint,
      requestDelay: 15,
      responseDelay: 15,
      plan: noted(
        firstOf(
          nth(1, new RegExp(`${ALL[9]}/chunks`), { kind: 'stall', after: 1000 }),
          nth(1, new RegExp(`${ALL[19]}/meta`), { kind: 'stall', after: 100 }),
          nth(1, /list-type=2/, { kind: 'truncate', after: 5000 }),
          burst(90, 10, { kind: 'status', status: 503 }),
          chance(1, 0.01, { kind: 'reset' }),
          chance(2, 0.02, { kind: 'truncate', after: 2000 }),
        ),
      ),
    })
    const dir = folder()
    const sink = directory()
    const gate = await sync(name, proxy.endpoint, sink, dir)
    const { status, summary } = await gate.sync()
    await gate.stop()
    expect(summary.failures).toEqual([])
    expect({ status, complete: summary.run.complete, ...summary.blocks }).toEqual({
      status: 'done',
      complete: true,
      seen: COUNT,
      added: COUNT,
      unchanged: 0,
      skipped: 0,
      failed: 0,
      dropped: 0,
      retained: 0,
    })
    expect(await onDisk(dir)).toEqual(ALL)
    expect(met).toEqual({
      stall: 2,
      truncate: expect.toSatisfy((n: number) => n >= 5),
      status: expect.toSatisfy((n: number) => n >= 50),
      reset: expect.toSatisfy((n: number) => n >= 3),
    })
    // At stop the client closes its connections.
    await vi.waitFor(() => expect(proxy.open).toBe(0), PATIENCE)
  })

  it('where one body never comes whole says so of that block, and adds all others', async () => {
    await using proxy = await tcpProxy({
      target: inject('radosgw').endpoint,
      plan: firstOf(
        nth('every', new RegExp(`${ALL[9]}/chunks`), { kind: 'truncate', after: 1000 }),
        nth('every', new RegExp(`${ALL[19]}/index`), { kind: 'stall', after: 1000 }),
        nth('every', new RegExp(`${ALL[29]}/index`), { kind: 'status', status: 503 }),
      ),
    })
    const sink = directory()
    const dir = folder()
    const gate = await sync(name, proxy.endpoint, sink, dir)
    const { status, summary } = await gate.sync()
    await gate.stop()
    expect([status, summary.run.complete, summary.blocks.added, summary.blocks.failed]).toEqual([
      'done',
      true,
      COUNT - 3,
      3,
    ])
    const failures = summary.failures.toSorted((a, b) => a.block.localeCompare(b.block))
    expect(failures.map(({ block, by, code }) => [block, by, code])).toEqual(
      [ALL[9], ALL[19], ALL[29]].map(id => [id, 'directory', 'bucket-failed']),
    )
    expect(failures.map(failure => failure.message)).toEqual([
      expect.stringContaining(`cannot read object "${ALL[9]}/chunks/000001": `),
      expect.stringContaining(`cannot read object "${ALL[19]}/index": timed out after 30 s`),
      expect.stringContaining(`cannot read object "${ALL[29]}/index": the store answered 503`),
    ])
    expect(await onDisk(dir)).toEqual(ALL.filter(id => ![ALL[9], ALL[19], ALL[29]].includes(id)))
  })

  it('whose store is killed in the middle drops nothing, says what failed, and goes on once it is back', async () => {
    await using store = await startGateway(inject('radosgw').conf)
    await using proxy = await tcpProxy({ target: store.endpoint, responseDelay: 10 })
    const dir = folder()
    const sink = directory()
    const gate = await sync(name, proxy.endpoint, sink, dir)
    // Of the fetches of chunks, this one finds no store any more.
    const killed = Promise.withResolvers<void>()
    proxy.plan = request => {
      if (kindOf(request) === 'GET chunks' && sink.loaded().size >= 50) {
        proxy.plan = undefined
        killed.resolve(store.stop())
      }
      return undefined
    }
    const broken = await gate.sync()
    await killed.promise
    const loaded = [...sink.loaded().keys()].sort()
    expect(loaded.length).toBeGreaterThanOrEqual(50)
    expect(loaded.length).toBeLessThan(COUNT)
    expect(broken.summary.blocks).toMatchObject({ dropped: 0, added: loaded.length, failed: COUNT - loaded.length })
    expect(new Set(broken.summary.failures.map(failure => failure.code))).toEqual(new Set(['bucket-failed']))
    expect(await onDisk(dir)).toEqual(loaded)

    const without = await gate.sync()
    expect(without.summary.run.complete).toBe(false)
    expect(without.summary.blocks).toMatchObject({ seen: 0, dropped: 0, retained: loaded.length })
    expect([...sink.loaded().keys()].sort()).toEqual(loaded)

    await store.start()
    const after = await gate.sync()
    await gate.stop()
    expect(after.summary.run.complete).toBe(true)
    expect(after.summary.blocks).toMatchObject({
      added: COUNT - loaded.length,
      unchanged: loaded.length,
      failed: 0,
      dropped: 0,
    })
    expect(await onDisk(dir)).toEqual(ALL)
  })

  it('row 11: asks one LIST per 1,000 objects and one GET per new meta, and nothing for markers that are not there', async () => {
    const many = await newBucket()
    const bucket = s3({ ...access(), bucket: many })
    await bucket.start?.(services({ host: nodeHost(), bucket }))
    await putBlocks(bucket, 340, { chunkBytes: 10 })
    const mark = JSON.stringify({ version: 1, id: ALL[4], deletion_time: 1_700_000_000 })
    await bucket.put(`${ALL[4]}/deletion-mark.json`, new TextEncoder().encode(mark), { signal })
    await bucket.stop?.(signal)

    await using proxy = await tcpProxy({ target: inject('radosgw').endpoint })
    const gate = await sync(many, proxy.endpoint, memory(), folder(), '1h')
    const results: RunResult[] = [await gate.sync()]
    // 1,021 objects.
    expect(counts(proxy.requests)).toEqual({ LIST: 2, 'GET meta.json': 340, 'GET deletion-mark.json': 1 })
    results.push(await gate.sync())
    await gate.stop()
    expect(counts(proxy.requests)).toEqual({ LIST: 4, 'GET meta.json': 340, 'GET deletion-mark.json': 1 })
    expect(results.map(({ summary }) => [summary.blocks.added, summary.blocks.unchanged])).toEqual([
      [340, 0],
      [0, 340],
    ])
  })
})
