/** A pipeline as the engine runs it: the user's list, cut into segments. */
import type { OwnershipPlugin } from './ownership.ts'
import type { BlockSink, BlockSource, BlockStage, SetStage } from './stage.ts'

export interface Named<S> {
  /** The stage's name, unique in the pipeline: the second of a name is `time-range#2`. */
  readonly name: string
  /** Place in `Plan.order`. */
  readonly position: number
  readonly stage: S
}

export interface Segment {
  readonly stages: readonly Named<BlockStage>[]
  /** The set stage that ends it; the last segment has none. */
  readonly barrier: Named<SetStage> | undefined
}

export interface Plan {
  readonly source: Named<BlockSource>
  readonly segments: readonly Segment[]
  readonly sink: Named<BlockSink>
  readonly ownership: OwnershipPlugin
  /** Every stage's unique name in list order: the order of spans, summaries and `explain`. */
  readonly order: readonly string[]
}
