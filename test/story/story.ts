/** One small story on web APIs only: told by Vitest on Node and in workerd, and by `deno test`. It must always be the same. */
import { type BlockSink, type Bucket, type Gateway, gateway, owned, resolveConfig } from 'blockgate'
import { memoryBucket } from 'blockgate/bucket'
import { consistencyDelay } from 'blockgate/plugins/filter/consistency-delay'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { newestFirst } from 'blockgate/plugins/filter/newest-first'
import { notDeleted } from 'blockgate/plugins/filter/not-deleted'
import { timeRange } from 'blockgate/plugins/filter/time-range'
import { memory } from 'blockgate/plugins/sink/memory'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { fakeHost, memoryState, spans } from 'blockgate/testing'
import { INDEX_TOC_BYTES, parseIndexToc } from 'blockgate/tsdb'
import quickstart from './quickstart.json' with { type: 'json' }

/** The level 2 block of `eu`: somebody else's. */
const DENIED = '01M82F6PPKPCYJMTRGKGY7ENZS'
/** A block of `us`: one byte of its index is wrong. */
const BROKEN = '01M82F4VQM6SD9EGRVYX8CY5E5'

const signal = new AbortController().signal

export interface Story {
  /** By ULID: kind, stage and reason or code. */
  readonly outcomes: Readonly<Record<string, string>>
  readonly tree: string
}

/** Syncs the quickstart's blocks, of which one is denied and one fails. */
export async function tellStory(): Promise<Story> {
  const recorded = spans()
  try {
    const teller = await gatewayOf(await bucketOf(await quickstartObjects()))
    const { outcomes } = await teller.sync()
    await teller.stop()
    const told = [...outcomes].map(([id, outcome]) => {
      const words =
        outcome.kind === 'skipped' ? [outcome.by, outcome.reason] : outcome.kind === 'failed' ? [outcome.by] : []
      return [id, [outcome.kind, ...words].join(' ')] as const
    })
    const attributes = ['block.id', 'block.outcome', 'block.outcome.reason', 'ownership.status', 'error.type']
    return { outcomes: Object.fromEntries(told), tree: recorded.tree({ attributes }) }
  } finally {
    recorded.stop()
  }
}

async function gatewayOf(bucket: Bucket): Promise<Gateway> {
  const config = await resolveConfig(
    {
      bucket,
      pipeline: [
        scanBucket(),
        timeRange({ from: '2026-10-01T02:30:00Z' }),
        consistencyDelay({ for: '30m' }),
        notDeleted({ delay: '24h' }),
        dedup(),
        newestFirst(),
        owned(block => block.ulid !== DENIED),
        tocs(),
      ],
      concurrency: 1,
    },
    { env: {} },
  )
  return gateway(config, { host: fakeHost({ now: Date.UTC(2027, 0, 1) }), state: memoryState() })
}

/** The memory sink, which reads the end of each index first and checks it. */
function tocs(): BlockSink {
  const sink = memory()
  let bucket: Bucket | undefined
  return {
    ...sink,
    async start(services) {
      bucket = services.bucket
    },
    async prepare(block) {
      const range = { suffix: INDEX_TOC_BYTES }
      const index = await bucket?.get(`${block.path}index`, { range, signal: block.signal })
      if (!index) throw new Error('the index must be there')
      parseIndexToc(await index.bytes(INDEX_TOC_BYTES), index.info.size)
      return sink.prepare(block)
    },
  }
}

/** Key → base64; of chunks the size only. Made by make-quickstart.mjs: a Worker has no disk to read examples/quickstart/bucket from. */
export async function quickstartObjects(): Promise<Readonly<Record<string, string | number>>> {
  const bytes = Uint8Array.from(atob(quickstart.packed), c => c.charCodeAt(0))
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))
  return await new Response(stream).json()
}

async function bucketOf(objects: Readonly<Record<string, string | number>>): Promise<Bucket> {
  const bucket = memoryBucket()
  for (const [key, object] of Object.entries(objects)) {
    const bytes =
      typeof object === 'number' ? new Uint8Array(object) : Uint8Array.from(atob(object), c => c.charCodeAt(0))
    if (key === `${BROKEN}/index`) bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
    await bucket.put(key, bytes, { signal })
  }
  return bucket
}
