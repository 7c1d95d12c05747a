/**
 * What a block goes through in a run, as the engine tells it: the stages that run now, how long they take, and what is to be traced.
 * Here nothing is traced; src/traces has the class that does.
 */
import type { AttributeValue, Span, SpanContext } from '@opentelemetry/api'
import type { BlockMeta } from '../contracts/block.ts'
import type { BlockAttribute } from '../contracts/block-telemetry.ts'
import type { Host } from '../contracts/host.ts'
import type { Metrics } from '../contracts/metrics.ts'
import type { BlockResult, Outcome } from '../contracts/stage.ts'

/** A stage that the block goes through. */
export interface Frame {
  readonly name: string
  /** Time of the stages inside, in ms; only where there are metrics. */
  below: number
  readonly span?: Span
}

/** Steps of an add, and of the end of a block. */
export type Step = 'journal' | 'verify' | 'prepare' | 'commit' | 'release' | 'drop'

/** Made for a block at its first segment, and carried over barriers and tries. */
export class BlockTrace {
  protected readonly host: Host
  protected readonly open: Frame[] = []
  readonly #metrics: Metrics | undefined
  /** The verdict that the block has until a better one comes. */
  outcome: Outcome | undefined

  constructor(host: Host, metrics?: Metrics | undefined) {
    this.host = host
    this.#metrics = metrics
  }

  /** The stages that run now, outermost first: what a block that never ends is charged to. */
  get running(): readonly string[] {
    return this.open.map(frame => frame.name)
  }

  /** Runs a stage as a frame inside the one that runs now. `run` never rejects. */
  async stage(name: string, run: () => Promise<Outcome>): Promise<Outcome> {
    const { host, open } = this
    const metrics = this.#metrics
    const outer = open.at(-1)
    const frame = this.enter(name, outer)
    open.push(frame)
    const started = metrics && host.monotonic()
    const outcome = await this.within(frame, run)
    if (started !== undefined) {
      const took = host.monotonic() - started
      metrics?.stage(name, took - frame.below, frame.span?.spanContext())
      if (outer) outer.below += took
    }
    const at = open.indexOf(frame)
    if (at >= 0) {
      open.splice(at, 1)
      this.left(frame, outcome)
    }
    // Else it hung, and the block's trace has ended without it.
    return outcome
  }

  /** Of the block's span; undefined while there is none. */
  get spanContext(): SpanContext | undefined {
    return undefined
  }

  /** The block is served now. */
  shown(_meta: BlockMeta): void {}

  /** A W3C `traceparent` for the members that are to let go of the block now; undefined where there are none. */
  traceparent: string | undefined

  /** The member store knows since now that the block is served. */
  told(): void {}

  /** It is asked whether the block may go; `superseding` as in Handover. */
  asks(_superseding: BlockMeta): void {}

  /** It may go. */
  async released(_superseding: BlockMeta): Promise<void> {}

  /** Something that is known of the block. */
  say(_what: keyof typeof BlockAttribute, _value: AttributeValue | undefined): void {}

  /** From here on the block waits: at a `barrier`, or until its `retry`. */
  wait(_reason: 'barrier' | 'retry'): void {}

  /** The barrier is passed `at`, and the block waits for a worker. */
  waitForSlot(_at: number): void {}

  /** The last segment begins; these may stop the block in it. */
  enterLast(_stages: ReadonlySet<string>): void {}

  /** The stage let the block go on. */
  passed(_stage: string): void {}

  /** A step of the stage that runs now begins, and the one before it has ended. */
  mark(_step: Step): void {}

  /** A step at the end of a run. */
  leave<T>(_step: Step, work: () => Promise<T>): Promise<T> {
    return work()
  }

  /** The verdict is there. */
  finish(_result: BlockResult): void {}

  protected enter(name: string, _outer: Frame | undefined): Frame {
    return { name, below: 0 }
  }

  protected within(_frame: Frame, run: () => Promise<Outcome>): Promise<Outcome> {
    return run()
  }

  protected left(_frame: Frame, _outcome: Outcome): void {}
}
