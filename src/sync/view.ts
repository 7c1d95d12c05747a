/** What a run knows: what the source saw, and what became of each block. Later runs start from it. */
import { inSlices } from '../async/slices.ts'
import type { BlockId, BlockMeta, Candidate } from '../contracts/block.ts'
import { BlockMap } from '../contracts/block-map.ts'
import { ErrorCode } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { Outcome, PartialBlock } from '../contracts/stage.ts'
import type { Listed, Notes } from '../contracts/summary.ts'
import { unchanged } from '../pipeline/outcome.ts'
import type { Changes } from './offers.ts'

export interface View {
  /** True only when every listing of the run was complete; where it listed new blocks alone, that of the view before it was, too. */
  complete: boolean
  /** As in ViewEnd. */
  cause: unknown
  restsOn: string | undefined
  /** 'none' for a run that looks again at the blocks of the view before it, without asking the source. */
  readonly listed: Listed
  /** Blocks that no listing of this process had shown whole. */
  came: number
  readonly seen: Map<BlockId, Candidate>
  readonly partial: Map<BlockId, PartialBlock>
  /** What each set stage was given, in order: a block that comes later is judged together with these. */
  readonly inputs: (readonly Candidate[])[]
  /** What reached the last segment, in the order of its offer. */
  offered: Candidate[]
  /** Block to the meta of the one that supersedes it. */
  readonly superseded: Map<BlockId, BlockMeta>
  /** Each block's last outcome in this run: all counts derive from it. */
  readonly outcomes: Map<BlockId, Outcome>
  readonly notes: Notes
}

/** All that came to the add, and what became of it so far. */
export type Offered = Pick<View, 'offered' | 'outcomes'>

/** True where every block is known that there is, or that there was a moment ago. */
export function isKnown({ complete, restsOn }: Pick<View, 'complete' | 'restsOn'>): boolean {
  return complete || restsOn !== undefined
}

export function emptyView(barriers: number, listed: Listed): View {
  return {
    complete: false,
    cause: undefined,
    restsOn: undefined,
    listed,
    came: 0,
    seen: new BlockMap(),
    partial: new Map(),
    inputs: Array.from({ length: barriers }, () => []),
    offered: [],
    superseded: new BlockMap(),
    outcomes: new BlockMap(),
    notes: { notes: { count: 0, first: [] }, marked: { count: 0, oldest: null, newest: null } },
  }
}

/**
 * A view for an ownership-change run: what passed the set stages stands, and only the blocks that a change affects are to be
 * offered again.
 */
export async function again(host: Host, view: View, changes: Changes): Promise<View> {
  const outcomes = new BlockMap<Outcome>()
  await inSlices(host, view.superseded.keys(), id => {
    const outcome = view.outcomes.get(id)
    if (outcome) outcomes.set(id, outcome)
  })
  await inSlices(host, view.offered, ({ meta }) => {
    const outcome = view.outcomes.get(meta.ulid)
    if (!outcome || waits(outcome) || changes.affects(meta)) return
    outcomes.set(meta.ulid, outcome.kind === 'added' ? unchanged : outcome)
  })
  return { ...view, listed: 'none', outcomes }
}

/** For an answer, or for room: any change may bring it. */
function waits(outcome: Outcome): boolean {
  const reason = outcome.kind === 'skipped' ? outcome.reason : ''
  return reason === ErrorCode.ownershipUnavailable || reason === ErrorCode.diskBudget
}
