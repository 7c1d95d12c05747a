/** What a slow add took is in its trace: a real sink over a bucket, a disk, a state and an ownership that are slow, on a clock that only they move. */
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import {
  type Bucket,
  type BucketReader,
  defineConfig,
  gateway,
  type Host,
  type LocalFiles,
  owned,
  resolveConfig,
  type StateStore,
  sleep,
} from 'blockgate'
import { indexHeaders } from 'blockgate/plugins/sink/index-headers'
import { fakeHost, memoryBucket, memoryState, spans } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { indexFile } from '../support/index-file.ts'
import { storedIndex } from '../support/indexed-blocks.ts'
import { scriptedOwnership, scriptedSource } from '../support/world.ts'

/** An answer takes 400 ms, and each part of its body another 300. */
function slowBucket(bucket: Bucket, host: Host): Bucket {
  const get: BucketReader['get'] = async (key, options) => {
    await sleep(host, 400)
    const body = await bucket.get(key, options)
    const slow = new TransformStream<Uint8Array, Uint8Array>({
      async transform(chunk, controller) {
        await sleep(host, 300)
        controller.enqueue(chunk)
      },
    })
    return body && { ...body, stream: body.stream.pipeThrough(slow), [Symbol.asyncDispose]: async () => {} }
  }
  return Object.assign(Object.create(bucket), { get })
}

/** A write takes 250 ms, a rename 100. */
function slowDisk(host: Host): LocalFiles {
  const files = new Map<string, Uint8Array>()
  const below = (path: string) =>
    [...files].filter(([name]) => path === '' || name === path || name.startsWith(`${path}/`))
  return {
    read: async (path, offset, length) => (files.get(path) ?? new Uint8Array()).slice(offset, offset + length),
    list: async prefix => below(prefix).map(([path, { length }]) => ({ path, size: length })),
    async writeAtomic(path, body) {
      const parts = body instanceof Uint8Array ? [body] : await Array.fromAsync(body)
      await sleep(host, 250)
      files.set(path, new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer()))
    },
    async rename(from, to) {
      await sleep(host, 100)
      for (const [path, bytes] of below(from)) {
        files.delete(path)
        files.set(to + path.slice(from.length), bytes)
      }
    },
    async remove(path) {
      for (const [name] of below(path)) files.delete(name)
    },
    free: async () => 1e9,
  }
}

/** A write takes 200 ms. */
function slowState(host: Host): StateStore {
  const state = memoryState()
  return { ...state, set: (key, value) => sleep(host, 200).then(() => state.set(key, value)) }
}

type Interval = readonly [from: number, to: number]

const msOf = ([seconds, nanos]: readonly [number, number]) => seconds * 1000 + nanos / 1e6
const intervalOf = ({ startTime, endTime }: ReadableSpan): Interval => [msOf(startTime), msOf(endTime)]

/** How much of the time is in at least one of them. */
function covered(intervals: readonly Interval[]): number {
  let sum = 0
  let until = 0
  for (const [from, to] of intervals.toSorted(([a], [b]) => a - b)) {
    sum += Math.max(0, to - Math.max(from, until))
    until = Math.max(until, to)
  }
  return sum
}

it('at least 95 % of it is claims, requests and steps, each as long as it was', async () => {
  using recorded = spans()
  const host = fakeHost()
  const store = memoryBucket()
  const block = await storedIndex(store, 1, indexFile({ series: [[['a', '1']]], moreSymbols: ['x'.repeat(5_000)] }))
  const ownership = scriptedOwnership([1])
  ownership.onClaim = () => sleep(host, 150)
  const config = await resolveConfig(
    defineConfig({
      bucket: slowBucket(store, host),
      pipeline: [scriptedSource([block]), owned(ownership), indexHeaders({ headBytes: 64, tailBytes: 64 })],
    }),
    { env: {} },
  )
  const made = gateway(config, { host, files: slowDisk(host), state: slowState(host) })
  let isOver = false
  const run = made.sync().finally(() => {
    isOver = true
  })
  while (!isOver) await host.advance(50)
  await run
  await made.stop()

  const all = recorded.finished()
  const [root, sink] = ['block added', 'block.index-headers'].map(wanted => all.find(({ name }) => name === wanted))
  if (!root || !sink) throw new Error('the block must be added')
  const inside = all.filter(span => span.spanContext().traceId === root.spanContext().traceId)
  // Its stages are as long as what is in them: they explain nothing.
  const parts = inside.filter(({ name }) => !name.startsWith('block'))
  const began = msOf(root.startTime)
  const line = (name: string, [from, to]: Interval) => `${name} ${from - began} to ${to - began}`
  expect(parts.map(span => line(span.name, intervalOf(span)))).toMatchInlineSnapshot(`
    [
      "ownership.claim 0 to 150",
      "journal 150 to 350",
      "bucket.get 350 to 1050",
      "bucket.get 350 to 1050",
      "bucket.get 1050 to 1750",
      "bucket.get 1750 to 2450",
      "prepare 350 to 2950",
      "commit 2950 to 3050",
    ]
  `)
  expect(sink.events.map(({ name, time }) => `${name} ${msOf(time) - began}`)).toMatchInlineSnapshot(`
    [
      "verify 350",
      "file written and synced 2700",
      "file written and synced 2950",
      "verify 2950",
      "file renamed and synced 3050",
    ]
  `)
  const took = msOf(root.duration)
  expect(took).toBe(3_050)
  expect(covered(parts.map(intervalOf))).toBeGreaterThanOrEqual(0.95 * took)
})
