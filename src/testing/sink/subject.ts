/** What each conformance test of sinks is given: a started sink over a bucket with three blocks, and short words for what cases do. */
import { wrapped } from '../../bucket/wrappers/wrapped.ts'
import type { BlockId, Candidate } from '../../contracts/block.ts'
import type { Bucket, Services } from '../../contracts/host.ts'
import type { BlockSink, PreparedBlock } from '../../contracts/stage.ts'
import { assert, type Runner } from '../assert.ts'
import { type BlockContextGiven, blockContext, services as defaultServices } from '../blocks.ts'
import { type ComponentKitOptions, within, withStarted } from '../component.ts'

export interface SinkKit extends ComponentKitOptions {
  readonly runner: Runner
  readonly factory: () => BlockSink
  /** Puts at least three blocks into the bucket. */
  readonly blocks: (bucket: Bucket) => Promise<readonly Candidate[]>
  /** Registers one case with a sink, services and blocks of its own. */
  readonly it: (name: string, fn: (subject: Subject) => Promise<void>) => void
}

/** A bucket that counts the objects it is asked for. */
interface WatchedBucket extends Bucket {
  gets: number
  /** Called before each get. */
  onGet: () => void
}

interface WatchedServices extends Services {
  readonly bucket: WatchedBucket
}

/** Starts a new sink over the same disk, hands it to `use`, and stops it. */
type Start = (use: (sink: BlockSink) => Promise<void>) => Promise<void>

const { signal } = new AbortController()

/** Runs `fn` with a started sink, and stops it whatever happens. */
export async function withSubject(kit: SinkKit, fn: (subject: Subject) => Promise<void>): Promise<void> {
  const instance = { id: 'test-1', zone: undefined }
  const given = kit.services?.(instance) ?? defaultServices({ instance })
  const services = { ...given, bucket: watched(given.bucket) }
  const blocks = await kit.blocks(given.bucket)
  const start: Start = async use => {
    await withStarted(kit.factory(), { name: kit.name, services: () => services }, use)
  }
  await start(sink => fn(new Subject(sink, services, blocks, start)))
}

function watched(inner: Bucket): WatchedBucket {
  const bucket: WatchedBucket = {
    ...wrapped(inner, ({ op }, make) => {
      if (op === 'get') {
        bucket.gets++
        bucket.onGet()
      }
      return make()
    }),
    gets: 0,
    onGet() {},
  }
  return bucket
}

export class Subject {
  readonly sink: BlockSink
  readonly services: Services
  readonly bucket: WatchedBucket
  readonly block: Candidate
  readonly other: Candidate
  readonly third: Candidate
  readonly #start: Start

  constructor(sink: BlockSink, services: WatchedServices, blocks: readonly Candidate[], start: Start) {
    const [block, other, third] = blocks
    assert(block && other && third, 'at least three blocks')
    this.sink = sink
    this.services = services
    this.bucket = services.bucket
    this.block = block
    this.other = other
    this.third = third
    this.#start = start
  }

  /** `work`, which must end. */
  ends<T>(work: Promise<T>, what: string): Promise<T> {
    return within(this.services.host, work, what)
  }

  prepare(block: Candidate, given: BlockContextGiven = {}): Promise<PreparedBlock> {
    return this.ends(this.sink.prepare(blockContext(block, given)), 'prepare()')
  }

  dispose(prepared: PreparedBlock): Promise<void> {
    return this.ends(Promise.resolve(prepared[Symbol.asyncDispose]()), 'dispose')
  }

  /** prepare, commit, dispose. */
  async add(block: Candidate, given?: BlockContextGiven): Promise<void> {
    const prepared = await this.prepare(block, given)
    await this.ends(prepared.commit(), 'commit()')
    await this.dispose(prepared)
  }

  drop(id: BlockId): Promise<void> {
    return this.ends(this.sink.drop(id, signal), 'drop()')
  }

  shows({ meta }: Candidate): boolean {
    return this.sink.loaded().has(meta.ulid)
  }

  /** Stops the sink, and hands a new one over the same disk to `use`. */
  async restarted(use: (sink: BlockSink) => Promise<void> | void): Promise<void> {
    await this.ends(this.sink.stop?.(signal) ?? Promise.resolve(), 'stop()')
    await this.#start(async sink => use(sink))
  }

  /** Every file on the disk, `path:size`; empty where there is no disk. */
  async disk(): Promise<readonly string[]> {
    const files = (await this.services.files?.list('')) ?? []
    return files.map(({ path, size }) => `${path}:${size}`).sort()
  }

  /** The bytes of an object of `block`. */
  async stored(path: string): Promise<Uint8Array> {
    const body = await this.bucket.get(this.block.path + path, { signal })
    assert(body, `object ${path}`)
    return await body.bytes(1 << 30)
  }
}
