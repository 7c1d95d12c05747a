/** What a case of the sink kit is given: a started sink over a bucket that holds blocks, and short words for what cases do. */
import { wrapped } from '../../bucket/wrappers/wrapped.ts'
import type { BlockId, Candidate } from '../../contracts/block.ts'
import type { Bucket, Services } from '../../contracts/host.ts'
import type { BlockSink, PreparedBlock } from '../../contracts/stage.ts'
import { type BlockContextGiven, blockContext, services as defaultServices } from '../blocks.ts'
import { type ComponentKitOptions, within, withStarted } from '../component-kit.ts'
import { assert, type Runner } from '../kit.ts'

export interface SinkKit extends ComponentKitOptions {
  readonly runner: Runner
  readonly factory: () => BlockSink
  /** Puts at least three blocks into the bucket. */
  readonly blocks: (bucket: Bucket) => Promise<readonly Candidate[]>
  /** Registers one case with a sink, services and blocks of its own. */
  readonly it: (name: string, fn: (subject: Subject) => Promise<void>) => void
}

/** A bucket that tells when it is asked for an object. */
export interface WatchedBucket extends Bucket {
  gets: number
  /** Called before each get. */
  onGet: () => void
}

export interface Subject {
  readonly sink: BlockSink
  readonly services: Services
  readonly bucket: WatchedBucket
  readonly block: Candidate
  readonly other: Candidate
  readonly third: Candidate
  /** `work`, which must end. */
  ends<T>(work: Promise<T>, what: string): Promise<T>
  prepare(block: Candidate, given?: BlockContextGiven): Promise<PreparedBlock>
  dispose(prepared: PreparedBlock): Promise<void>
  /** prepare, commit, dispose. */
  add(block: Candidate, given?: BlockContextGiven): Promise<void>
  drop(id: BlockId): Promise<void>
  /** Stops the sink, and hands a new one over the same disk to `use`. */
  restarted(use: (sink: BlockSink) => Promise<void> | void): Promise<void>
  /** Every file on the disk, `path:size`; empty where there is no disk. */
  disk(): Promise<readonly string[]>
  /** The bytes of an object of `block`. */
  stored(path: string): Promise<Uint8Array>
}

const { signal } = new AbortController()

/** Runs `fn` with a started sink, and stops it whatever happens. */
export async function withSubject(kit: SinkKit, fn: (subject: Subject) => Promise<void>): Promise<void> {
  const instance = { id: 'test-1', zone: undefined }
  const given = kit.services?.(instance) ?? defaultServices({ instance })
  const bucket: WatchedBucket = Object.assign(
    wrapped(given.bucket, ({ op }, make) => {
      if (op === 'get') {
        bucket.gets++
        bucket.onGet()
      }
      return make()
    }),
    { gets: 0, onGet() {} },
  )
  const services = { ...given, bucket }
  const [block, other, third] = await kit.blocks(given.bucket)
  assert(block && other && third, 'at least three blocks')
  const start = async (use: (sink: BlockSink) => Promise<void>) => {
    await withStarted(kit.factory(), { name: kit.name, services: () => services }, use)
  }
  const ends: Subject['ends'] = (work, what) => within(services.host, work, what)
  await start(async sink => {
    const subject: Subject = {
      sink,
      services,
      bucket,
      block,
      other,
      third,
      ends,
      prepare: (each, context = {}) => ends(sink.prepare(blockContext(each, context)), 'prepare()'),
      dispose: prepared => ends(Promise.resolve(prepared[Symbol.asyncDispose]()), 'dispose'),
      async add(each, context) {
        const prepared = await subject.prepare(each, context)
        await ends(prepared.commit(), 'commit()')
        await subject.dispose(prepared)
      },
      drop: id => ends(sink.drop(id, signal), 'drop()'),
      async restarted(use) {
        await ends(sink.stop?.(signal) ?? Promise.resolve(), 'stop()')
        await start(async again => use(again))
      },
      async disk() {
        const files = (await services.files?.list('')) ?? []
        return files.map(({ path, size }) => `${path}:${size}`).sort()
      },
      async stored(path) {
        const body = await given.bucket.get(block.path + path, { signal })
        assert(body, `object ${path}`)
        return await body.bytes(1 << 30)
      },
    }
    await fn(subject)
  })
}
