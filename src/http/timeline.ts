/** The answer of /api/v1/timeline: blocks by columns, with each text once. */
import { BLOCK_STATES, reasonOf } from '../catalogue/catalogue.ts'
import type { BlockId } from '../contracts/block.ts'
import type { Host } from '../contracts/host.ts'
import { labelsText } from '../contracts/text.ts'
import type { Gateway } from '../gateway.ts'
import { matching } from './answers.ts'
import type { BlocksQuery } from './requests.ts'
import type { Timeline } from './schema/timeline.ts'

/** Blocks that were never seen whole have no times, and are left out: they count for the page all the same. */
export async function timelineAnswer(gateway: Gateway, host: Host, query: BlocksQuery): Promise<Timeline> {
  const [lanes, reasons] = [new Map<string, number>(), new Map<string, number>()]
  const indexOf = (known: Map<string, number>, text: string) => {
    const at = known.get(text) ?? known.size
    known.set(text, at)
    return at
  }
  const ulid: BlockId[] = []
  const numbers: Record<Exclude<keyof Timeline['columns'], 'ulid'>, number[]> = {
    ...{ minTime: [], maxTime: [], lane: [], level: [], resolution: [], state: [], reason: [] },
  }
  const next = await matching(gateway, host, query, entry => {
    const meta = entry.candidate?.meta
    if (!meta) return
    ulid.push(entry.id)
    numbers.minTime.push(meta.minTime)
    numbers.maxTime.push(meta.maxTime)
    numbers.lane.push(indexOf(lanes, labelsText(meta.labels)))
    numbers.level.push(meta.compaction.level)
    numbers.resolution.push(meta.resolution)
    numbers.state.push(BLOCK_STATES.indexOf(entry.state))
    numbers.reason.push(indexOf(reasons, reasonOf(entry)))
  })
  return {
    states: BLOCK_STATES,
    lanes: [...lanes.keys()],
    reasons: [...reasons.keys()],
    columns: { ulid, ...numbers },
    next,
  }
}
