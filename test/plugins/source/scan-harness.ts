/** A bucket that counts what it is asked, and a source that is started on it. */
import type {
  BlockId,
  BlockSource,
  Bucket,
  Candidate,
  LocalFiles,
  Page,
  RunContext,
  Services,
  ViewEnd,
} from 'blockgate'
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
  /** Marks a block for deletion at `seconds`; with a text, that is the mark. */
  mark(id: BlockId, seconds: number | string): Promise<void>
  run(given?: Partial<RunContext>): Promise<Seen>
  /** A look at new blocks; undefined where everything must be listed. */
  look(given?: Partial<RunContext>): Promise<Seen | undefined>
  /** As run, and time goes on until a listing that fails was tried for the last time. */
  patientRun(given?: Partial<RunContext>): Promise<Seen>
  /** Messages of the log at this level. */
  logged(level: string): string[]
  /** Another source on the same bucket and state: the process was restarted. */
  restarted(options?: ScanBucketOptions): Promise<Harness>
}

export interface Seen {
  readonly pages: readonly Page[]
  readonly blocks: readonly Candidate[]
  readonly ids: readonly string[]
  /** `<id> <reason> <keep>` */
  readonly partial: readonly string[]
  /** Messages of partial blocks. */
  readonly errors: readonly (string | undefined)[]
  readonly complete: boolean
  readonly cause: unknown
  /** Requests of this run. */
  readonly lists: readonly string[]
  readonly gets: readonly string[]
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
  {
    pageSize = 1000,
    store = memoryBucket({ pageSize }) as Bucket,
    state = memoryState(),
    files = undefined as LocalFiles | undefined,
  } = {},
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
  const seen = async (it: Pages): Promise<Seen> => {
    const from = calls.length
    const { pages, end } = await drain(it)
    const asked = calls.slice(from)
    const lists = asked.filter(call => call.startsWith('list'))
    const gets = asked.filter(call => call.startsWith('get'))
    return { ...summary(pages), complete: end.complete, cause: end.cause, lists, gets }
  }
  const given = services({ host, bucket, state, files })
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
    async mark(id, seconds) {
      const text = typeof seconds === 'string' ? seconds : JSON.stringify({ id, version: 1, deletion_time: seconds })
      await self.put(`${id}/deletion-mark.json`, text)
    },
    run: given => seen(source.pages(runContext(given))),
    async look(given) {
      const tail = source.tail?.(runContext(given))
      return tail && (await seen(tail.pages))
    },
    async patientRun(given) {
      const work = self.run(given)
      await host.advance(60_000)
      return await work
    },
    logged: level => host.lines.filter(line => line.level === level).map(({ message }) => message),
    restarted: (again = options) => harness(again, { pageSize, store, state, files }),
  }
  return self
}

type Pages = ReturnType<BlockSource['pages']>

async function drain(it: Pages): Promise<{ pages: Page[]; end: ViewEnd }> {
  const pages: Page[] = []
  for (;;) {
    const step = await it.next()
    if (step.done) return { pages, end: step.value }
    pages.push(step.value)
  }
}

function summary(pages: readonly Page[]): Pick<Seen, 'pages' | 'blocks' | 'ids' | 'partial' | 'errors'> {
  const blocks = pages.flatMap(page => page.blocks)
  const partial = pages.flatMap(page => page.partial)
  return {
    pages,
    blocks,
    ids: blocks.map(block => block.meta.ulid),
    partial: partial.map(({ id, reason, keep }) => `${id} ${reason} ${keep}`),
    errors: partial.map(({ error }) => (error as Error | undefined)?.message),
  }
}
