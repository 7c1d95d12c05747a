import { type Bucket, type Gateway, gateway, type Pipeline, resolveConfig } from 'blockgate'
import { memory } from 'blockgate/plugins/sink/memory'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { fakeHost, memoryBucket, memoryState, storedBlocks } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { metaJson } from './scan-harness.ts'

const { signal } = new AbortController()

/** A gateway on a bucket of three blocks; its listing shows them, and a GET finds them while `gives()`. */
async function contradicting(gives: () => boolean): Promise<() => Promise<Gateway>> {
  const store = memoryBucket()
  for (const { meta } of await storedBlocks(store, { count: 3, chunkBytes: 10 })) {
    await store.put(`${meta.ulid}/meta.json`, new TextEncoder().encode(metaJson(meta.ulid)), { signal })
  }
  const get: Bucket['get'] = async (...args) => (gives() ? await store.get(...args) : undefined)
  const sink = memory()
  return async () => {
    const pipeline: Pipeline = [scanBucket(), sink]
    const config = await resolveConfig({ bucket: { ...store, get }, pipeline }, { env: {} })
    return gateway(config, { host: fakeHost(), state: memoryState() })
  }
}

it('a run in which every meta is listed and none is there is no success, and says why', async () => {
  const start = await contradicting(() => false)
  const { summary, error } = await (await start()).sync()
  expect(summary.blocks).toMatchObject({ seen: 3, added: 0 })
  expect(error).toMatchObject({ code: 'nothing-served' })
  expect(error?.rawMessage).toContain('the listing shows meta.json, and a GET says that it is not there')
})

it('and drops nothing of what is loaded, however often it is so', async () => {
  let gives = true
  const start = await contradicting(() => gives)
  const first = await (await start()).sync()
  expect([first.summary.failures, first.summary.blocks]).toMatchObject([[], { added: 3 }])
  gives = false
  // Another process: it knows no meta from before.
  const again = await start()
  for (let run = 0; run < 3; run++) {
    const { summary, unconfirmed } = await again.sync()
    // Nobody is asked either: what contradicts itself is no reason to drop.
    expect([summary.blocks, unconfirmed]).toMatchObject([{ dropped: 0, retained: 3 }, 0])
  }
})
