/** A pipeline cut into segments: neighbouring block stages fuse, and every set stage is a barrier. */

import type { OwnershipPlugin } from '../contracts/ownership.ts'
import type { BlockSink, BlockSource, BlockStage, Pipeline, SetStage } from '../contracts/stage.ts'
import { everything, owned, ownershipOf } from './owned.ts'

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

/** Cuts a checked pipeline. Where no `owned()` stands, `owned(everything())` is put before the sink. */
export function planPipeline(pipeline: Pipeline): Plan {
  const asked = pipeline.slice(1, -1) as readonly (BlockStage | SetStage)[]
  const middle = asked.some(ownershipOf) ? asked : [...asked, owned(everything())]
  const order: string[] = []
  const named = <S extends { readonly name: string }>(stage: S): Named<S> => {
    const same = order.filter(name => name === stage.name || name.startsWith(`${stage.name}#`)).length
    const name = same === 0 ? stage.name : `${stage.name}#${same + 1}`
    return { name, position: order.push(name) - 1, stage }
  }
  const source = named(pipeline[0])
  const segments: Segment[] = []
  let stages: Named<BlockStage>[] = []
  let ownership: OwnershipPlugin | undefined
  for (const stage of middle) {
    ownership ??= ownershipOf(stage)
    if (stage.kind === 'block') {
      stages.push(named(stage))
      continue
    }
    segments.push({ stages, barrier: named(stage) })
    stages = []
  }
  segments.push({ stages, barrier: undefined })
  const sink = named(pipeline[pipeline.length - 1] as BlockSink)
  return { source, segments, sink, ownership: ownership ?? everything(), order }
}
