/** A bucket that counts what it is asked, and a source that is started on it. */
import type { BlockId, BlockSource, Bucket, Page, RunContext, Services } from 'blockgate'
import { type ScanBucketOptions, scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { type FakeHost, fakeHost, memoryBucket, memoryState, runContext, services } from 'blockgate/testing'

const signal = new AbortController().signal
const encode = (text: string) => new TextEncoder().encode(text)

export interface Harness {
  readonly host: FakeHost
  readonly source: BlockSource
  readonly services: Services
  /** `list <prefix>` and `get <key>`, in the order they were asked. */
  readonly calls: string[]
  /** Called before each request; what it throws or gives, the request rejects with or waits for. */
  before: (call: string) => void | Promise<void>
  put(key: string, text: string): Promise<void>
  delete(key: string): Promise<void>
  /** Puts index, one chunks file and, last, meta.json; `change` is merged into the meta, `null` leaves meta.json out. */
  block(id: BlockId, change?: Readonly<Record<string, unknown>> | null): Promise<void>
  run(given?: Partial<RunContext>): Promise<Seen>
  /** Another source on the same bucket and state: the process was restarted. */
  restarted(options?: ScanBucketOptions): Promise<Harness>
}

export interface Seen {
  readonly pages: readonly Page[]
  readonly ids: readonly string[]
  /** `<id> <reason> <keep>` */
  readonly partial: readonly string[]
  readonly complete: boolean
}

export function metaJson(id: BlockId, change: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    ulid: id,
    minTime: 0,
    maxTime: 7_200_000,
    version: 1,
    compaction: { level: 1, sources: [id] },
    thanos: { version: 1, labels: { cluster: 'eu' }, downsample: { resolution: 0 }, source: 'sidecar' },
    ...change,
  })
}

export async function harness(
  options: ScanBucketOptions = {},
  { pageSize = 1000, store = memoryBucket({ pageSize }), state = memoryState() } = {},
): Promise<Harness> {
  const host = fakeHost()
  const calls: string[] = []
  const record = async (call: string) => {
    calls.push(call)
    await self.before(call)
  }
  const bucket: Bucket = {
    ...store,
    async list(prefix, listing) {
      await record(`list ${prefix}`)
      return await store.list(prefix, listing)
    },
    async get(key, how) {
      await record(`get ${key}`)
      return await store.get(key, how)
    },
  }
  const given = services({ host, bucket, state })
  const source = scanBucket(options)
  await source.start?.(given)
  const self: Harness = {
    host,
    source,
    services: given,
    calls,
    before: () => {},
    async put(key, text) {
      await store.put(key, encode(text), { signal })
    },
    delete: key => store.delete(key, { signal }),
    async block(id, change = {}) {
      await self.put(`${id}/chunks/000001`, 'chunks')
      await self.put(`${id}/index`, 'index')
      if (change) await self.put(`${id}/meta.json`, metaJson(id, change))
    },
    run: given => drain(source, runContext(given)),
    restarted: (again = options) => harness(again, { pageSize, store, state }),
  }
  return self
}

export async function drain(source: BlockSource, run: RunContext): Promise<Seen> {
  const it = source.pages(run)
  const pages: Page[] = []
  for (;;) {
    const step = await it.next()
    if (step.done) return { ...summary(pages), complete: step.value.complete }
    pages.push(step.value)
  }
}

/** What pages say, for those a test took by hand. */
export function summary(pages: readonly Page[]): Omit<Seen, 'complete'> {
  return {
    pages,
    ids: pages.flatMap(page => page.blocks.map(block => block.meta.ulid)),
    partial: pages.flatMap(page => page.partial.map(({ id, reason, keep }) => `${id} ${reason} ${keep}`)),
  }
}
