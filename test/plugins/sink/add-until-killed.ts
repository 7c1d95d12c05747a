// Adds, drops and adds again, for ever, with the sink and into the folder that are its arguments. Writes a byte to stdout before each step, so
// that whoever waits for it can kill it at a step of its choice.
import { writeSync } from 'node:fs'
import type { Bucket, LocalFiles } from 'blockgate'
import { blockContext, memoryBucket, services, storedBlocks } from 'blockgate/testing'
import { directory } from '../../../plugins/sink/directory/index.ts'
import { indexHeaders } from '../../../plugins/sink/index-headers/index.ts'
import { localFiles, nodeHost } from '../../../src/runtime/node.ts'
import { indexedBlocks } from '../../support/indexed-blocks.ts'

const BLOCKS = { count: 6, chunkBytes: 60_000 }
const step = (): void => {
  for (;;) {
    try {
      return void writeSync(1, '.')
    } catch (error) {
      // Of a pipe that is full: whoever reads it is slow.
      if (Object(error).code !== 'EAGAIN') throw error
    }
  }
}
const { signal } = new AbortController()

const store = memoryBucket()
const [name, root = ''] = process.argv.slice(2)
const ahead = name === 'index-headers-ahead'
const headers = ahead || name === 'index-headers'
const blocks = await (headers ? indexedBlocks(store, BLOCKS.count) : storedBlocks(store, BLOCKS))
const bucket: Bucket = {
  ...store,
  async get(key, options) {
    step()
    const body = await store.get(key, options)
    return body && { ...body, stream: body.stream.pipeThrough(slices(), { signal: options.signal }) }
  },
}
const disk = localFiles(root)
const files: LocalFiles = {
  ...disk,
  async rename(from, to) {
    step()
    await disk.rename(from, to)
    step()
  },
  async remove(path) {
    step()
    await disk.remove(path)
    step()
  },
}

const sink = headers ? indexHeaders({ headBytes: 64, tailBytes: 64 }) : directory()
await sink.start?.(services({ host: nodeHost(), bucket, files }))
if (ahead) sink.warm?.keepDropped?.(Number.POSITIVE_INFINITY)
for (;;) {
  for (const block of blocks) {
    const { ulid } = block.meta
    if (sink.loaded().has(ulid)) continue
    if (ahead) await sink.warm?.keep(blockContext(block))
    const prepared = await sink.prepare(blockContext(block))
    step()
    await prepared.commit()
    step()
    await prepared[Symbol.asyncDispose]()
  }
  await Promise.all(blocks.filter((_, i) => i % 2 === 0).map(({ meta }) => sink.drop(meta.ulid, signal)))
}

/** Many small writes, and a step before each. */
function slices(): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({
    transform(chunk, controller) {
      for (let at = 0; at < chunk.length; at += 4096) {
        step()
        controller.enqueue(chunk.subarray(at, at + 4096))
      }
    },
  })
}
