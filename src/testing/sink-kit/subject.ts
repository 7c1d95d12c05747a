/** What a case of the sink kit is given: a started sink over a bucket that holds blocks, and short words for what cases do. */
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

/** Runs `fn` with a started sink, and stops it whatever happens. */
export async function withSubject(kit: SinkKit, fn: (subject: Subject) => Promise<void>): Promise<void> {
  const instance = { id: 'test-1', zone: undefined }
  const given = kit.services?.(instance) ?? defaultServices({ instance })
  const bucket = new WatchedBucket(given.bucket)
  const services = { ...given, bucket }
  const [block, other, third] = await kit.blocks(given.bucket)
  assert(block && other && third, 'at least three blocks')
  const start = (use: (sink: BlockSink) => Promise<void>) =>
    withStarted(kit.factory(), { name: kit.name, services: () => services }, use)
  await start(sink => fn(new Subject(sink, services, bucket, { block, other, third }, start)))
}

export class Subject {
  readonly sink: BlockSink
  readonly services: Services
  /** Counts what the sink asks for. */
  readonly bucket: WatchedBucket
  readonly block: Candidate
  readonly other: Candidate
  readonly third: Candidate
  readonly #start: (use: (sink: BlockSink) => Promise<void>) => Promise<unknown>

  constructor(
    sink: BlockSink,
    services: Services,
    bucket: WatchedBucket,
    blocks: { readonly block: Candidate; readonly other: Candidate; readonly third: Candidate },
    start: (use: (sink: BlockSink) => Promise<void>) => Promise<unknown>,
  ) {
    this.sink = sink
    this.services = services
    this.bucket = bucket
    this.block = blocks.block
    this.other = blocks.other
    this.third = blocks.third
    this.#start = start
  }

  prepare(block: Candidate, given: BlockContextGiven = {}): Promise<PreparedBlock> {
    return this.settled(this.sink.prepare(blockContext(block, given)), 'prepare()')
  }

  /** prepare, commit, dispose. */
  async add(block: Candidate, given: BlockContextGiven = {}): Promise<void> {
    const prepared = await this.prepare(block, given)
    await this.settled(prepared.commit(), 'commit()')
    await this.dispose(prepared)
  }

  async dispose(prepared: PreparedBlock): Promise<void> {
    await this.settled(Promise.resolve(prepared[Symbol.asyncDispose]()), 'dispose')
  }

  drop(id: BlockId): Promise<void> {
    return this.settled(this.sink.drop(id, new AbortController().signal), 'drop()')
  }

  /** Stops the sink, and hands a new one over the same disk to `use`. */
  async restarted(use: (sink: BlockSink) => Promise<void> | void): Promise<void> {
    await this.settled(this.sink.stop?.(new AbortController().signal) ?? Promise.resolve(), 'stop()')
    await this.#start(async sink => use(sink))
  }

  /** Every file on the disk, `path:size`; empty where there is no disk. */
  async disk(): Promise<readonly string[]> {
    const files = (await this.services.files?.list('')) ?? []
    return files.map(({ path, size }) => `${path}:${size}`).sort()
  }

  settled<T>(work: Promise<T>, what: string): Promise<T> {
    return within(this.services.host, work, what)
  }
}

/** A bucket that tells when it is asked for an object. */
export class WatchedBucket implements Bucket {
  readonly name: string
  readonly #bucket: Bucket
  gets = 0
  /** Called before each get. */
  onGet: () => void = () => {}

  constructor(bucket: Bucket) {
    this.name = bucket.name
    this.#bucket = bucket
  }

  get(...[key, options]: Parameters<Bucket['get']>): ReturnType<Bucket['get']> {
    this.gets++
    this.onGet()
    return this.#bucket.get(key, options)
  }

  list(...[prefix, options]: Parameters<Bucket['list']>): ReturnType<Bucket['list']> {
    return this.#bucket.list(prefix, options)
  }

  put(...[key, body, options]: Parameters<Bucket['put']>): ReturnType<Bucket['put']> {
    return this.#bucket.put(key, body, options)
  }

  delete(...[key, options]: Parameters<Bucket['delete']>): ReturnType<Bucket['delete']> {
    return this.#bucket.delete(key, options)
  }
}
