/** The runs of a source with a catalogue: the first takes its blocks from it where that may be, all others list, and write it. */
import {
  type BlockContext,
  type BlockId,
  type BlockSource,
  instant,
  type ObjectVersion,
  type Page,
  type RunContext,
  rawMessageOf,
  type Services,
  type ViewEnd,
} from 'blockgate'
import { CatalogueWrong, confirm } from './confirm.ts'
import type { Unpacked } from './entries.ts'
import type { Entry } from './entry.ts'
import { CatalogueWriter, type Limits, read } from './object.ts'
import { forgetLearned, learn, objectsOf, proven } from './reads.ts'

export class SharedCatalogue {
  readonly #source: BlockSource
  readonly #services: Services
  readonly #limits: Limits
  readonly #writer: CatalogueWriter | undefined
  readonly #abort = new AbortController()
  #isOpen = false
  /** A block was not what it says. */
  #isGivenUp = false
  /** Blocks that nothing but the catalogue has shown, and the version of their meta.json. */
  readonly #told = new Map<BlockId, ObjectVersion | undefined>()
  #writing: Promise<void> | undefined

  /** `writes`: false where it is never written. */
  constructor(source: BlockSource, limits: Limits, writes: boolean, services: Services) {
    this.#source = source
    this.#services = services
    this.#limits = limits
    if (writes && !services.observer) this.#writer = new CatalogueWriter({ ...services, ...limits })
  }

  async *pages(run: RunContext): AsyncGenerator<Page, ViewEnd, undefined> {
    if (!this.#isOpen) {
      const found = await read({ ...this.#services, ...this.#limits }, run.signal)
      this.#isOpen = true
      const view = found && (yield* this.#known(found, run))
      if (view) return view
    }
    return yield* this.#listed(run)
  }

  confirm(block: BlockContext): Promise<void> | undefined {
    const read = this.#source.reads?.get(block.id)
    if (this.#told.has(block.id)) return this.#confirm(block, this.#told.get(block.id))
    return read?.told ? this.#confirm(block, read.read) : this.#source.confirm?.(block)
  }

  /** Waits for a write that goes on. */
  async stop(signal: AbortSignal): Promise<void> {
    const abort = () => this.#abort.abort(signal.reason)
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    await this.#writing
    signal.removeEventListener('abort', abort)
  }

  /** What the catalogue says. Undefined where the run must list: a run that nobody follows, or a catalogue that ends before it should. */
  async *#known(found: Unpacked, run: RunContext): AsyncGenerator<Page, ViewEnd | undefined, undefined> {
    const { host } = this.#services
    const restsOn = `the catalogue of ${instant(found.listed)}`
    const isShown = run.reason === 'startup'
    const pages = found.pages()
    try {
      for (let step = await pages.next(); ; step = await pages.next()) {
        if (step.done) {
          const { wrong } = step.value
          if (wrong > 0) host.log.warn('entries of the catalogue are wrong, and left out', { blocks: wrong })
          break
        }
        const { reads } = this.#source
        if (reads && !this.#isGivenUp) await learn(host, reads, step.value, run.loaded)
        if (!isShown) continue
        for (const [{ meta }, read] of step.value) this.#told.set(meta.ulid, read?.meta)
        yield { blocks: step.value.map(([candidate]) => candidate), partial: [] }
      }
    } catch (error) {
      if (run.signal.aborted) throw run.signal.reason
      // What it has shown stands: each block is confirmed.
      host.log.warn('the catalogue is damaged: the bucket is listed', { error: rawMessageOf(error) })
      return isShown && this.#told.size > 0 ? { complete: false, restsOn } : undefined
    }
    this.#writer?.saw(found.listed)
    host.log.info(`blocks are known by ${restsOn}`, { blocks: found.blocks })
    return isShown ? { complete: false, restsOn } : undefined
  }

  async *#listed(run: RunContext): AsyncGenerator<Page, ViewEnd, undefined> {
    const { reads } = this.#source
    const writer = !this.#writing && this.#writer?.isDue(run.now) ? this.#writer : undefined
    const entries: Entry[] = []
    const pages = this.#source.pages(run)
    let isEnded = false
    try {
      for (;;) {
        const step = await pages.next()
        if (step.done) {
          isEnded = true
          if (step.value.complete) this.#told.clear()
          if (step.value.complete && writer) this.#write(writer, entries, run.now)
          return step.value
        }
        for (const candidate of step.value.blocks) {
          const { ulid } = candidate.meta
          this.#told.delete(ulid)
          if (writer) entries.push([candidate, objectsOf(reads, ulid)])
        }
        yield step.value
      }
    } finally {
      if (!isEnded) await pages.return({ complete: false })
    }
  }

  /** Beside what the run does: a bucket that is slow to write to must not hold it up. */
  #write(writer: CatalogueWriter, entries: readonly Entry[], listed: number): void {
    this.#writing = writer.write(entries, listed, this.#abort.signal).finally(() => {
      this.#writing = undefined
    })
  }

  async #confirm(block: BlockContext, version: ObjectVersion | undefined): Promise<void> {
    const { reads } = this.#source
    try {
      await confirm(this.#services.bucket, block, version)
    } catch (error) {
      if (error instanceof CatalogueWrong && error.isLie && !this.#isGivenUp) {
        this.#isGivenUp = true
        const message = 'the catalogue lies about a block, and nothing is taken from it any more: each block is read'
        this.#services.host.log.error(message, { block: block.id, error: error.rawMessage })
        if (reads) await forgetLearned(this.#services.host, reads)
      }
      throw error
    }
    this.#told.delete(block.id)
    if (reads) proven(reads, block.id)
  }
}
