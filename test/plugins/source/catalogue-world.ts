/** Gateways on one bucket, each with a catalogue around `scanBucket()`; they leave out the blocks of the cluster `us`. */
import {
  type BlockId,
  type BlockStage,
  type Bucket,
  defineConfig,
  gateway,
  owned,
  resolveConfig,
  skip,
} from 'blockgate'
import { type CatalogueOptions, catalogue } from 'blockgate/plugins/source/catalogue'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { type FakeHost, fakeHost, memoryBucket, memoryState } from 'blockgate/testing'
import { pack, unpack } from '../../../plugins/source/catalogue/entries.ts'
import type { Entry } from '../../../plugins/source/catalogue/entry.ts'
import { KEY } from '../../../plugins/source/catalogue/object.ts'
import { scriptedOwnership, scriptedSink } from '../../support/world.ts'
import { metaJson } from './scan-harness.ts'

const { signal } = new AbortController()

const filter: BlockStage = {
  kind: 'block',
  name: 'filter',
  handle: async ({ meta }, next) => (meta.labels.cluster === 'us' ? skip('label-excluded') : next()),
}

export interface Given {
  /** Default: the world's. */
  readonly bucket?: Bucket
  readonly host?: FakeHost
  readonly options?: Partial<CatalogueOptions>
  /** Blocks that are this gateway's, by number. Default: all. */
  readonly own?: readonly number[]
  readonly observer?: boolean
}

export function catalogueWorld({ store = memoryBucket() as Bucket, clock = fakeHost() } = {}) {
  const put = (key: string, body: Uint8Array | string) =>
    store.put(key, typeof body === 'string' ? new TextEncoder().encode(body) : body, { signal })
  const bytes = async (key: string) => {
    await using body = await store.get(key, { signal })
    return await body?.bytes(1 << 20)
  }
  return {
    store,
    clock,
    put,
    bytes,
    async block(id: BlockId, change: Readonly<Record<string, unknown>> = {}) {
      await put(`${id}/chunks/000001`, 'chunks')
      await put(`${id}/index`, 'index')
      await put(`${id}/meta.json`, metaJson(id, change))
    },
    async remove(id: BlockId) {
      for (const file of ['chunks/000001', 'index', 'meta.json']) await store.delete(`${id}/${file}`, { signal })
    },
    /** Of the catalogue that is in the bucket; none where there is none. */
    async entries(): Promise<readonly Entry[]> {
      const object = await bytes(KEY)
      const entries: Entry[] = []
      if (!object) return entries
      for await (const page of (await unpack(clock, object, 1 << 20)).pages()) entries.push(...page)
      return entries
    },
    async write(entries: readonly Entry[], listed = clock.now()) {
      await put(KEY, await pack(clock, entries, listed))
    },
    /** A gateway that is not started; `calls` are its requests. */
    async gateway({ bucket = store, host = clock, options = {}, own, observer = false }: Given = {}) {
      const calls: string[] = []
      const counted: Bucket = {
        ...bucket,
        async list(prefix, listing) {
          calls.push(`list ${prefix}`)
          return await bucket.list(prefix, listing)
        },
        async get(key, how) {
          calls.push(`get ${key}`)
          return await bucket.get(key, how)
        },
        async put(key, body, how) {
          calls.push(`put ${key}`)
          return await bucket.put(key, body, how)
        },
      }
      const sink = scriptedSink()
      const pipeline = [
        catalogue({ source: scanBucket(), ...options }),
        filter,
        owned(scriptedOwnership(own)),
        sink,
      ] as const
      const config = await resolveConfig(defineConfig({ bucket: counted, every: '3m', pipeline }), { env: {} })
      const made = gateway(config, { host, state: memoryState(), observer })
      return { gateway: made, calls, sink, host, numbers: () => sink.numbers.toSorted((a, b) => a - b) }
    },
  }
}

export { KEY }
