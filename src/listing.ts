/** One look at the bucket through the source: its pages, one at a time, and whether the view was complete. */
import { type Context, context, SpanStatusCode, trace } from '@opentelemetry/api'
import { BlockgateError, ErrorCode, rawMessageOf } from './errors.ts'
import type { Named } from './plan.ts'
import type { BlockSource, Page, RunContext } from './stage.ts'
import { Attribute, SpanName, tracer } from './telemetry.ts'

export class Listing {
  readonly #name: string
  readonly #pages: AsyncGenerator<Page, { readonly complete: boolean }, undefined>
  readonly #span
  readonly #context: Context
  #pageCount = 0
  #blockCount = 0
  #open = true
  /** What the source returned; false until it ended by itself. */
  complete = false

  /** `parent` is the context of the run's span. */
  constructor(source: Named<BlockSource>, run: RunContext, parent: Context) {
    this.#name = source.name
    this.#span = tracer().startSpan(SpanName.source(source.name), {}, parent)
    this.#context = trace.setSpan(parent, this.#span)
    this.#pages = source.stage.pages(run)
  }

  /**
   * The next page, or undefined after the last.
   * @throws BlockgateError what the source threw, with its name
   */
  async next(): Promise<Page | undefined> {
    if (!this.#open) return undefined
    try {
      const step = await context.with(this.#context, () => this.#pages.next())
      if (step.done) {
        this.complete = step.value.complete === true
        this.#end()
        return undefined
      }
      this.#pageCount++
      this.#blockCount += step.value.blocks.length
      return step.value
    } catch (error) {
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message: rawMessageOf(error) })
      this.#end()
      throw BlockgateError.from(error, ErrorCode.listingFailed, this.#name)
    }
  }

  /** Ends it early; the source's own clean-up runs. */
  async close(): Promise<void> {
    if (!this.#open) return
    this.#end()
    await this.#pages.return({ complete: false })
  }

  #end(): void {
    this.#open = false
    this.#span.setAttribute(Attribute.pages, this.#pageCount)
    this.#span.setAttribute(Attribute.blocksSeen, this.#blockCount)
    this.#span.setAttribute(Attribute.runComplete, this.complete)
    this.#span.end()
  }
}
