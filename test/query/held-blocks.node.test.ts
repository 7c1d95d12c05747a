// A query holds its blocks: what a run drops meanwhile is answered whole, and its files go when the query has ended.
import { readdirSync } from 'node:fs'
import { type BlockSink, type BlockStage, gateway, type LocalFiles, resolveConfig, skip } from 'blockgate'
import { memoryBucket } from 'blockgate/bucket'
import { createApp } from 'blockgate/http'
import { directory } from 'blockgate/plugins/sink/directory'
import { indexHeaders } from 'blockgate/plugins/sink/index-headers'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { localFiles, nodeHost } from 'blockgate/runtime/node'
import { fakeHost, memoryState, testId } from 'blockgate/testing'
import { expect, it, onTestFinished } from 'vitest'
import { resolveServe } from '../../src/config/serve.ts'
import { queryRoutes } from '../../src/http/queries.ts'
import { snappy } from '../../src/runtime/snappy.ts'
import { tempFolders } from '../support/temp-folders.ts'
import { samplesIn, streamedIn } from './answers.ts'
import { LAST, UP } from './query-world.ts'
import { request, uncompress } from './requests.ts'
import { BLOCKS, stored } from './stored.ts'

const folder = tempFolders()

/** A gateway over stored blocks; `before` is awaited before each read of a block's data. */
async function served(sink: BlockSink) {
  const state = { unwanted: new Set<string>(), before: undefined as (() => Promise<void>) | undefined }
  const filter: BlockStage = {
    kind: 'block',
    name: 'wanted',
    handle: async ({ id }, next) => (state.unwanted.has(id) ? skip('unwanted') : await next()),
  }
  const dir = folder()
  const bucket = await stored(memoryBucket())
  const get = bucket.get.bind(bucket)
  const slow = {
    ...bucket,
    get: async (...asked: Parameters<typeof get>) => {
      await state.before?.()
      return await get(...asked)
    },
  }
  const local = localFiles(dir)
  let moved = () => {}
  const removed: string[] = []
  const files: LocalFiles = {
    ...local,
    free: () => local.free(),
    read: async (...asked) => {
      await state.before?.()
      return await local.read(...asked)
    },
    rename: async (...asked) => {
      await local.rename(...asked)
      moved()
    },
    remove: async path => {
      removed.push(path)
      await local.remove(path)
    },
  }
  const config = await resolveConfig({ bucket: slow, pipeline: [scanBucket(), filter, sink], dir }, { env: {} })
  const host = nodeHost({ log: fakeHost().log })
  const made = gateway(config, { host, files, state: memoryState() })
  onTestFinished(() => made.stop())
  await made.start()
  const app = createApp({
    gateway: made,
    config,
    host,
    version: '1.2.3',
    queries: queryRoutes({ gateway: made, serve: resolveServe(), host, snappy }),
  })
  const read = async (accepted: number) =>
    await app.request('/api/v1/read', { method: 'POST', body: request([UP], 0, LAST, [accepted]) as BodyInit })
  /** Resolves when a folder has moved: a block that is dropped moves away before its files are removed. */
  const nextMove = () =>
    new Promise<void>(resolve => {
      moved = resolve
    })
  /** Files of the block anywhere below the folder of the gateway. */
  const filesOf = (id: string) => readdirSync(dir, { recursive: true }).filter(path => String(path).includes(id)).length
  return { gateway: made, state, read, filesOf, sink, removed, nextMove }
}

/** How many samples an answer has. */
async function samplesOf(response: Response, accepted: number): Promise<number> {
  expect(response.status).toBe(200)
  const bytes = new Uint8Array(await response.arrayBuffer())
  const series = accepted === 0 ? (samplesIn(uncompress(bytes))[0] ?? []) : streamedIn(bytes, 0, LAST)
  return series.reduce((sum, { floats }) => sum + floats.length, 0)
}

const SINKS = [
  ['directory', () => directory()],
  ['indexHeaders', () => indexHeaders()],
] as const

it.each(SINKS.flatMap(([name, make]) => [0, 1].map(accepted => [name, accepted, make] as const)))(
  '%s, accepted type %s: a block that is dropped under a query is answered whole, and goes behind it',
  async (_, accepted, make) => {
    const { gateway, state, read, filesOf, sink, removed, nextMove } = await served(make())
    const dropped = testId(2)
    const reached = Promise.withResolvers<void>()
    const opened = Promise.withResolvers<void>()
    state.before = async () => {
      reached.resolve()
      await opened.promise
    }
    const asked = read(accepted)
    await reached.promise
    state.before = undefined
    state.unwanted.add(dropped)
    // The drop waits for the query; nobody who comes later finds the block.
    removed.length = 0
    const gone = nextMove()
    const run = gateway.sync({ confirmDrops: true })
    await gone
    await new Promise(resolve => setImmediate(resolve))
    expect(sink.open?.(dropped)).toBeUndefined()
    expect([removed, filesOf(dropped) > 0]).toEqual([[], true])
    opened.resolve()
    expect(await samplesOf(await asked, accepted)).toBe(9 * BLOCKS)
    expect((await run).summary.blocks.dropped).toBe(1)
    expect(filesOf(dropped)).toBe(0)
    expect(await samplesOf(await read(accepted), accepted)).toBe(9 * (BLOCKS - 1))
  },
)
