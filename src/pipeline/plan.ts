/** A pipeline cut into segments: neighbouring block stages fuse, and every set stage is a barrier. */

import type { OwnershipPlugin } from '../contracts/ownership.ts'
import type { Named, Plan, Segment } from '../contracts/plan.ts'
import type { BlockSink, BlockStage, Pipeline, SetStage } from '../contracts/stage.ts'
import { everything, owned, ownershipOf } from './owned.ts'

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
