/** The blocks of one tenant: by its index where that may be used, or else by a listing of its folder. */
import {
  type BlockFile,
  BlockgateError,
  type BlockId,
  type BlockSource,
  type Bucket,
  type Candidate,
  codeOf,
  ErrorCode,
  eachBounded,
  errorFields,
  instant,
  type Page,
  type PartialBlock,
  type RunContext,
  rawMessageOf,
  type Services,
  scopedState,
  type ViewEnd,
} from 'blockgate'
import { prefixed } from 'blockgate/bucket'
import { isBlockFile, oddTimes, parseMeta } from 'blockgate/tsdb'
import { type BucketIndex, type Indexed, parseIndex } from './parse.ts'

const KEY = 'bucket-index.json.gz'
/** A clock may be ahead by so much, ms. */
const AHEAD = 300_000
const PAGE = 250
const META_LIMIT = 16 * 1024 * 1024

export interface Limits {
  readonly maxAgeMs: number
  readonly concurrency: number
  /** Bytes of an index, also unpacked. */
  readonly limit: number
}

/** What was read of a block. */
type Read = Pick<Candidate, 'meta' | 'uploaded'>

export class Tenant {
  /** '' is the bucket itself, `team-a/` a folder of it. */
  readonly #folder: string
  readonly #services: Services
  readonly #bucket: Bucket
  readonly #limits: Limits
  readonly #scan: BlockSource
  readonly #read = new Map<BlockId, Read & { readonly indexed: number }>()
  #isScanStarted = false
  /** When the index was made that was used last. */
  #updated = 0

  /** `scan` lists its folder, and is no other tenant's. */
  constructor(name: string, services: Services, limits: Limits, scan: BlockSource) {
    this.#folder = name === '' ? '' : `${name}/`
    this.#bucket = prefixed(services.bucket, name)
    this.#services = { ...services, bucket: this.#bucket, state: scopedState(services.state, `tenant ${name}`) }
    this.#limits = limits
    this.#scan = scan
  }

  async *pages(run: RunContext): AsyncGenerator<Page, ViewEnd, undefined> {
    const index = await this.#index(run)
    if (!index) return yield* this.#listed(run)
    this.#updated = index.updated
    const ids = new Set(index.blocks.map(({ id }) => id))
    for (const id of this.#read.keys()) if (!ids.has(id)) this.#read.delete(id)
    for (let at = 0; at < index.blocks.length; at += PAGE) {
      const part = index.blocks.slice(at, at + PAGE)
      const found = await eachBounded(part, this.#limits.concurrency, block => this.#inspect(block, run))
      yield {
        blocks: found.filter(one => 'meta' in one),
        partial: found.filter((one): one is PartialBlock => !('meta' in one)),
      }
    }
    return { complete: true }
  }

  async stop(signal: AbortSignal): Promise<void> {
    if (this.#isScanStarted) await this.#scan.stop?.(signal)
  }

  /** Undefined where the folder must be listed. @throws the signal's reason, and nothing else */
  async #index({ signal }: RunContext): Promise<BucketIndex | undefined> {
    const { host } = this.#services
    const key = `${this.#folder}${KEY}`
    const unused = (why: string) =>
      void host.log.warn(`a bucket index is not used, and its folder is listed: ${why}`, { key })
    try {
      const body = await this.#bucket.get(KEY, { signal })
      if (!body) return unused('there is none')
      const index = await parseIndex(await body.bytes(this.#limits.limit), this.#limits.limit)
      const age = host.now() - index.updated
      const of = `it is of ${instant(index.updated)}`
      if (age > this.#limits.maxAgeMs) return unused(`${of}, and too old (option maxAge)`)
      if (age < -AHEAD) return unused(`${of}, which is still to come`)
      if (index.updated < this.#updated) return unused(`${of}, and one was used of ${instant(this.#updated)}`)
      if (index.wrong > 0)
        host.log.warn('entries of a bucket index are wrong, and left out', { key, entries: index.wrong })
      // A block that is left out must not count as gone.
      return index.wrong > 0 ? unused('entries are wrong') : index
    } catch (error) {
      if (signal.aborted) throw signal.reason
      host.log.warn('a bucket index cannot be used, and its folder is listed', { key, ...errorFields(error) })
      return undefined
    }
  }

  async *#listed(run: RunContext): AsyncGenerator<Page, ViewEnd, undefined> {
    if (!this.#isScanStarted) await this.#scan.start?.(this.#services)
    this.#isScanStarted = true
    const pages = this.#scan.pages(run)
    let isEnded = false
    try {
      for (;;) {
        const step = await pages.next()
        if (step.done) {
          isEnded = true
          // That a folder shows no block is said of a whole bucket.
          return this.#folder === ''
            ? step.value
            : { ...step.value, cause: step.value.complete ? undefined : step.value.cause }
        }
        const blocks = step.value.blocks.map(block => ({ ...block, path: `${this.#folder}${block.path}` }))
        yield { ...step.value, blocks }
      }
    } finally {
      if (!isEnded) await pages.return({ complete: false })
    }
  }

  /** Rejects with the signal's reason, and with nothing else. */
  async #inspect(block: Indexed, { signal }: RunContext): Promise<Candidate | PartialBlock> {
    const { id, deletionTime } = block
    const { host } = this.#services
    try {
      const known = this.#read.get(id)
      const read = known?.indexed === block.uploaded ? known : await this.#readMeta(block, signal)
      this.#read.set(id, { ...read, indexed: block.uploaded })
      const notes = [...saysElse(block, read), ...oddTimes(read, host.now())]
      return {
        meta: read.meta,
        path: `${this.#folder}${id}/`,
        markers: deletionTime === undefined ? [] : ['deletion-mark.json'],
        uploaded: read.uploaded ?? (block.uploaded || undefined),
        ...(deletionTime !== undefined && { deletionTime }),
        ...(notes.length > 0 && { notes }),
      }
    } catch (error) {
      if (signal.aborted) throw signal.reason
      const code = codeOf(error)
      // The index may be older than the block's end: the next one says.
      if (code === ErrorCode.notFound) return { id, reason: 'no-meta-json', detail: rawMessageOf(error), keep: true }
      return { id, reason: code === ErrorCode.corruptedMeta ? code : 'unreadable', error, keep: true }
    }
  }

  /** What the index does not have: labels, sources, resolution, and the sizes of the files. */
  async #readMeta({ id }: Indexed, signal: AbortSignal): Promise<Read> {
    const body = await this.#bucket.get(`${id}/meta.json`, { signal })
    if (!body) throw new BlockgateError(ErrorCode.notFound, 'the bucket index names the block, and it has no meta.json')
    const { meta, uploaded, declared } = parseMeta(await body.bytes(META_LIMIT), id)
    const hasSizes = ['index', 'chunks/'].every(file =>
      meta.files.some(({ path }) => path === file || path.startsWith(file)),
    )
    const isWhole = hasSizes && declared.every(({ path, size }) => path === 'meta.json' || size !== undefined)
    return { meta: isWhole ? meta : { ...meta, files: await this.#list(id, signal) }, uploaded }
  }

  async #list(id: BlockId, signal: AbortSignal): Promise<readonly BlockFile[]> {
    const files: BlockFile[] = []
    for (let cursor: string | undefined; ; ) {
      const page = await this.#bucket.list(`${id}/`, { signal, cursor })
      for (const { key, size } of page.objects) {
        const path = key.slice(id.length + 1)
        if (isBlockFile(path)) files.push({ path, size })
      }
      cursor = page.cursor
      if (cursor === undefined) return files
    }
  }
}

/** The block's own meta.json counts. */
function saysElse({ minTime, maxTime }: Indexed, { meta }: Read): string[] {
  if (minTime === meta.minTime && maxTime === meta.maxTime) return []
  return [`bucket-index.json.gz says ${minTime} to ${maxTime}, and meta.json ${meta.minTime} to ${meta.maxTime}`]
}
