/** Blocks of realistic sizes, and members, for the tests of the balance. */
import type { BlockId, BlockMeta } from 'blockgate'
import { type BalancedOptions, balanced } from 'blockgate/plugins/placement/balanced'
import { blockMeta, fakeHost, testId } from 'blockgate/testing'
import { Assignments } from '../../../../plugins/ownership/hash-ring/assignments.ts'
import { keyOf, seedOf } from '../../../../plugins/placement/balanced/key.ts'
import { type PlanInput, planBalance, type Unit } from '../../../../plugins/placement/balanced/plan.ts'
import { encode, mostEntries, type Named } from '../../../../plugins/placement/balanced/table.ts'
import type { gateways } from '../../ownership/hash-ring/support.ts'

/** Hours of a block of each level of compaction, and the part of the blocks up to it. */
const LEVELS = [
  [2, 0.4],
  [8, 0.65],
  [48, 0.8],
  [168, 0.92],
  [336, 1],
] as const

/** Log-normal about the size of their level: the largest has some 5,000 times the bytes of the smallest. */
export function sizedBlocks(count: number, seed: number): readonly BlockMeta[] {
  const { random } = fakeHost({ seed })
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return Array.from({ length: count }, (_, i) => {
    const at = random()
    const hours = LEVELS.find(([, until]) => at < until)?.[0] ?? 0
    const ulid = testId(1_767_225_600_000 + i * 1000, Math.floor(random() * 2 ** 48))
    return sized(ulid, Math.ceil(hours * 1e6 * Math.exp(0.8 * normal())))
  })
}

export function sized(ulid: BlockId, bytes: number, given: Partial<BlockMeta> = {}): BlockMeta {
  return blockMeta({
    ulid,
    compaction: { level: 1, sources: [ulid] },
    files: [{ path: 'index', size: bytes }],
    ...given,
  })
}

export interface Layout {
  readonly members: ReturnType<typeof gateways>
  readonly replicas?: number
  readonly zones?: readonly string[]
  readonly named?: Named
  readonly options?: BalancedOptions
}

/** Who is to hold each block under what is published. */
export function targetsOf(
  blocks: readonly BlockMeta[],
  { members, replicas = 1, zones, named }: Layout,
): readonly (readonly string[])[] {
  const published = named && encode(named)
  const assignments = new Assignments(members, { placement: balanced(), replicas, zones, published })
  return blocks.map(block => assignments.of(block.ulid, block).targets)
}

/** One look at the balance, as a publisher takes it. */
export async function lookAt(blocks: readonly BlockMeta[], layout: Layout, change: Partial<PlanInput> = {}) {
  const { members, replicas = 1, zones, named = new Map(), options } = layout
  const placement = balanced(options)
  const home = new Assignments(members, { placement, replicas, zones })
  const targets = targetsOf(blocks, layout)
  const units = blocks.map((block, i): Unit => {
    return { key: keyOf(seedOf(block)), block, bytes: bytesOf(block), targets: targets[i] ?? [] }
  })
  const plan = await planBalance({
    host: undefined,
    units,
    members,
    zoned: zones !== undefined,
    within: options?.within ?? 0.1,
    named,
    home: ({ block }) => home.of(block.ulid, block).targets,
    most: mostEntries(replicas),
    ...change,
  })
  return { ...plan, targets }
}

/** Looks until nothing moves any more. */
export async function settled(blocks: readonly BlockMeta[], layout: Layout) {
  let { named } = layout
  for (let looks = 1; looks <= 20; looks++) {
    const look = await lookAt(blocks, named ? { ...layout, named } : layout)
    if (look.moves === 0) return { ...look, looks }
    named = look.named
  }
  throw new Error('it must come to rest')
}

export function bytesOf({ files }: BlockMeta): number {
  return files.reduce((sum, { size }) => sum + size, 0)
}

/** The part of the bytes, of all copies, that are where they were not. */
export function moved(
  blocks: readonly BlockMeta[],
  before: readonly (readonly string[])[],
  after: readonly (readonly string[])[],
): number {
  let [all, went] = [0, 0]
  for (const [i, block] of blocks.entries()) {
    all += bytesOf(block) * (before[i]?.length ?? 0)
    for (const id of after[i] ?? []) if (!before[i]?.includes(id)) went += bytesOf(block)
  }
  return went / all
}
