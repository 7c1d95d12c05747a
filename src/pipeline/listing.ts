/** One look at the bucket through the source: its pages, one at a time, and whether the view was complete. */
import { type Context, context, trace } from '@opentelemetry/api'
import { type Limits, limited, within } from '../async/signals.ts'
import { BlockgateError, ErrorCode, errorFields } from '../contracts/errors.ts'
import type { Plan } from '../contracts/plan.ts'
import { startSpan } from '../contracts/spans.ts'
import type { BlockSource, Page, RunContext } from '../contracts/stage.ts'
import { Attribute, markFailed, SpanName } from '../contracts/telemetry.ts'
import { STUCK_GRACE } from './attempt.ts'

export interface ListingDeps extends Limits {
  readonly plan: Pick<Plan, 'source'>
}

export class Listing {
  readonly #deps: ListingDeps
  readonly #run: RunContext
  readonly #span
  readonly #context: Context
  #pages: ReturnType<BlockSource['pages']> | undefined
  #pageCount = 0
  #blockCount = 0
  #open = true
  /** What the source returned; false until it ended by itself. */
  complete = false
  /** As in ViewEnd. */
  cause: unknown
  restsOn: string | undefined

  /** `parent` is the context of the run's span. `pages`: what the source shows, where it is not what its `pages()` gives. */
  constructor(deps: ListingDeps, run: RunContext, parent: Context, pages?: ReturnType<BlockSource['pages']>) {
    this.#pages = pages
    this.#deps = deps
    this.#run = run
    this.#span = startSpan(SpanName.source(deps.plan.source.name), {}, parent)
    this.#context = trace.setSpan(parent, this.#span)
  }

  /**
   * The next page, or undefined after the last.
   * @throws BlockgateError what the source threw, with its name; `stage-stuck` where no page comes in time
   */
  async next(): Promise<Page | undefined> {
    if (!this.#open) return undefined
    const { name, stage } = this.#deps.plan.source
    try {
      const next = context.with(this.#context, () => {
        this.#pages ??= stage.pages(this.#run)
        return this.#pages.next()
      })
      const step = await limited(this.#deps, this.#run.signal, 'pages()', next)
      if (step.done) {
        this.complete = step.value.complete === true
        this.cause = step.value.cause
        this.restsOn = this.complete ? undefined : step.value.restsOn
        this.#end()
        return undefined
      }
      this.#pageCount++
      this.#blockCount += step.value.blocks.length
      return step.value
    } catch (error) {
      markFailed(this.#span, error)
      await this.close()
      throw BlockgateError.from(error, ErrorCode.listingFailed, name)
    }
  }

  /** Ends it early; the source's own clean-up runs, and is not waited for where it does not end. */
  async close(): Promise<void> {
    if (!this.#open) return
    this.#end()
    try {
      const cleaned = this.#pages?.return({ complete: false })
      if (cleaned)
        await within(this.#deps.host, STUCK_GRACE, undefined, () => `timed out after ${STUCK_GRACE / 1000} s`, cleaned)
    } catch (error) {
      const { host, plan } = this.#deps
      host.log.warn('the clean-up of a listing failed', { stage: plan.source.name, ...errorFields(error) })
    }
  }

  #end(): void {
    this.#open = false
    this.#span.setAttribute(Attribute.pages, this.#pageCount)
    this.#span.setAttribute(Attribute.blocksSeen, this.#blockCount)
    this.#span.setAttribute(Attribute.runComplete, this.complete)
    this.#span.end()
  }
}
