// Queries over a real socket, of blocks in a bucket: a client that goes, what is asked of the bucket, what /metrics tells.
import { request as send } from 'node:http'
import { gateway, resolveConfig } from 'blockgate'
import { memoryBucket } from 'blockgate/bucket'
import { indexHeaders } from 'blockgate/plugins/sink/index-headers'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { setupMetrics } from 'blockgate/runtime/metrics'
import { localFiles, nodeHost } from 'blockgate/runtime/node'
import { serveGateway } from 'blockgate/runtime/node-server'
import { fakeHost, memoryState } from 'blockgate/testing'
import { expect, it, onTestFinished } from 'vitest'
import type { ServeConfig } from '../../src/config/serve.ts'
import { countingBucket } from '../support/counting-bucket.ts'
import { tempFolders } from '../support/temp-folders.ts'
import { LAST, UP } from './query-world.ts'
import { read, request } from './requests.ts'
import { BLOCKS, SERIES, stored } from './stored.ts'

const folder = tempFolders()
/** A gateway over the blocks that keeps index-headers alone. */
async function served(serve: ServeConfig = {}) {
  const bucket = countingBucket(await stored(memoryBucket()))
  const dir = folder()
  const input = { bucket, pipeline: [scanBucket(), indexHeaders()] as const, dir, http: '127.0.0.1:0', serve }
  const config = await resolveConfig(input, { env: {} })
  const host = nodeHost({ log: fakeHost().log })
  const metrics = setupMetrics()
  const made = gateway(config, { host, files: localFiles(dir), state: memoryState(), metrics: metrics.metrics })
  const service = await serveGateway({ gateway: made, config, host, metrics })
  onTestFinished(() => service.stop())
  await made.start()
  bucket.gets.length = 0
  return { url: service.url ?? '', bucket, told: async () => await (await fetch(`${service.url}/metrics`)).text() }
}

it.each([
  ['samples', 0],
  ['a stream', 1],
])('a client that goes while blocks are read for %s ends the reads, and its place is free', async (_, accepted) => {
  const { url, bucket, told } = await served({ limits: { concurrent: 1, queued: 0 } })
  const get = bucket.get.bind(bucket)
  const reached = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<unknown>()
  // The bucket gives nothing until the request is given up.
  bucket.get = async (_, { signal }) => {
    reached.resolve()
    return await new Promise<never>((_, reject) => {
      const end = () => {
        reject(signal.reason)
        ended.resolve(undefined)
      }
      if (signal.aborted) end()
      signal.addEventListener('abort', end, { once: true })
    })
  }
  const body = request([UP], 0, LAST, [accepted])
  const client = send(`${url}/api/v1/read`, { method: 'POST', agent: false })
  client.on('error', () => {})
  client.end(body)
  await reached.promise
  expect((await read(url, body)).status).toBe(429)
  client.destroy()
  await ended.promise
  bucket.get = get
  // Whoever comes next has the place.
  expect((await read(url, body)).status).toBe(200)
  const text = await told()
  expect(text).toContain('blockgate_query_duration_seconds_count{api="read",outcome="aborted"} 1\n')
  expect(text).toContain('blockgate_query_duration_seconds_count{api="read",outcome="ok"} 1\n')
  expect(text).toContain('blockgate_queries_dropped_total{reason="queued"} 1\n')
  for (const gauge of ['queries_in_flight', 'queries_queued', 'query_memory_bytes']) {
    expect(text).toContain(`\nblockgate_${gauge} 0\n`)
  }
})

it.each([
  ['series', { series: SERIES * BLOCKS - 1 }, /^index/],
  ['bytes', { bytes: 1 }, /^never/],
] as const)('a query refused for its %s asks nothing more of the bucket', async (what, limits, may) => {
  const { url, bucket } = await served({ limits })
  const { status, bytes } = await read(url, request([UP], 0, LAST))
  expect([status, new TextDecoder().decode(bytes)]).toEqual([422, expect.stringContaining(`serve.limits.${what}`)])
  const asked = [...bucket.gets]
  // A second query is answered after whatever the first one would still have asked.
  expect((await read(url, request([[0, '__name__', 'nope']], 0, LAST))).status).toBe(200)
  expect(bucket.gets).toEqual(asked)
  expect(asked.filter(each => !may.test(each))).toEqual([])
  expect(bucket.open).toBe(0)
})

it('what comes from the cache is counted, and asks nothing of the bucket', async () => {
  const { url, bucket, told } = await served()
  const body = request([UP], 0, LAST)
  const first = await read(url, body)
  expect(await told()).toContain('blockgate_query_cache_hits_total{api="read"} 0\n')
  const missed = async () =>
    [...(await told()).matchAll(/^blockgate_query_cache_misses_total\{kind="(\w+)"\} (\d+)$/gm)].map(([, ...of]) => of)
  // Of each block the postings, its series, and the chunk of each.
  const misses = await missed()
  expect(misses.reduce((sum, [, n]) => sum + Number(n), 0)).toBe(BLOCKS * (1 + 2 * SERIES))
  expect(await told()).toContain('blockgate_query_cache_failures_total 0\n')
  for (const of of ['', '_won']) expect(await told()).toContain(`blockgate_query_hedged_reads${of}_total 0\n`)
  const asked = [...bucket.gets]
  expect(await read(url, body)).toEqual(first)
  expect(bucket.gets).toEqual(asked)
  const hits = Number(/^blockgate_query_cache_hits_total\{api="read"\} (\d+)$/m.exec(await told())?.[1])
  expect(await missed()).toEqual(misses)
  expect(hits).toBe(BLOCKS * (1 + 2 * SERIES))
})
