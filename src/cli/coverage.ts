/** How many ready members serve each block that some gateway is to hold. */
import type { BlockId } from '../contracts/block.ts'
import type { Operator } from '../contracts/ownership.ts'
import type { Offered } from '../explain/offered.ts'

export interface Coverage {
  readonly min: number
  /** Whether every block of a complete view is served by `min` members or more; false where it has none and members serve some. */
  readonly holds: boolean
  /** Whether the whole bucket was seen. */
  readonly complete: boolean
  readonly blocks: number
  /** Those that are ready, by id. */
  readonly members: readonly string[]
  /** Blocks by the number of members that serve them: `copies[2]` of them are served by two. */
  readonly copies: readonly number[]
  readonly below: {
    readonly blocks: number
    /** The first 10, by ULID, each with the members that serve it. */
    readonly first: readonly { readonly block: BlockId; readonly members: readonly string[] }[]
  }
}

const NAMED = 10

/** The advertised blocks of each member that clients ask. @throws OwnershipUnavailable */
export async function advertisedBlocks(operator: Operator): Promise<ReadonlyMap<string, ReadonlySet<BlockId>>> {
  const { members } = await operator.ring()
  const serving = members.filter(({ ready }) => ready)
  return new Map(await Promise.all(serving.map(async ({ id }) => [id, await operator.advertised(id)] as const)))
}

/** A superseded block has the copies of the block that holds all of it, where those are more than its own. */
export function coverageOf(
  { complete, blocks, superseded }: Offered,
  advertised: ReadonlyMap<string, ReadonlySet<BlockId>>,
  min: number,
): Coverage {
  const serving = (id: BlockId) => [...advertised].flatMap(([member, ids]) => (ids.has(id) ? [member] : []))
  const copies: number[] = []
  const below: BlockId[] = []
  const all = [...blocks.map(({ meta }) => meta.ulid), ...superseded.keys()]
  for (const id of all) {
    let count = 0
    for (const one of withParents(id, superseded)) count = Math.max(count, serving(one).length)
    copies[count] = (copies[count] ?? 0) + 1
    if (count < min) below.push(id)
  }
  const first = below
    .sort()
    .slice(0, NAMED)
    .map(block => ({ block, members: serving(block) }))
  // The bucket was emptied, or the prefix is wrong: "every block" would be none.
  const isBlind = all.length === 0 && [...advertised.values()].some(ids => ids.size > 0)
  return {
    min,
    holds: complete && below.length === 0 && !isBlind,
    complete,
    blocks: all.length,
    members: [...advertised.keys()],
    copies: Array.from(copies, count => count ?? 0),
    below: { blocks: below.length, first },
  }
}

/** The block, and those above it; also where they name each other in a circle. */
function withParents(id: BlockId, superseded: Offered['superseded']): ReadonlySet<BlockId> {
  const chain = new Set<BlockId>()
  for (let one: BlockId | undefined = id; one !== undefined && !chain.has(one); one = superseded.get(one))
    chain.add(one)
  return chain
}
