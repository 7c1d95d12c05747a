/** Which blocks a query is asked of: by time, external labels and resolution. */
import type { BlockMeta } from '../contracts/block.ts'
import type { Matcher } from './matchers.ts'

/** What is asked of which blocks. Times are inclusive, ms. */
export interface BlockQuestion {
  readonly matchers: readonly Matcher[]
  readonly from: number
  readonly to: number
  /** The coarsest resolution that will do, ms between samples; 0 is raw. */
  readonly maxResolution: number
}

export interface ChosenBlock {
  readonly meta: BlockMeta
  /** The matchers but for those on external labels. */
  readonly rest: readonly Matcher[]
}

/**
 * The blocks that may have what is asked. Of each set of external labels, the coarsest resolution that will do is taken, and where it
 * has no block, the next finer one. Each set by time.
 */
export function chooseBlocks(
  loaded: Iterable<{ readonly meta: BlockMeta }>,
  { matchers, from, to, maxResolution }: BlockQuestion,
): readonly ChosenBlock[] {
  const sets = new Map<string, { readonly rest: readonly Matcher[]; readonly metas: BlockMeta[] } | undefined>()
  for (const { meta } of loaded) {
    if (!isWithin(meta, from, to)) continue
    const key = labelsKey(meta)
    if (!sets.has(key)) {
      const rest = restOf(matchers, meta.labels)
      sets.set(key, rest && { rest, metas: [] })
    }
    sets.get(key)?.metas.push(meta)
  }
  const chosen: ChosenBlock[] = []
  for (const set of sets.values()) {
    for (const meta of set ? blocksFor(set.metas, from, to, maxResolution) : [])
      chosen.push({ meta, rest: set?.rest ?? [] })
  }
  return chosen
}

/** Blocks end before their `maxTime`. */
export function isWithin(
  { minTime, maxTime }: Pick<BlockMeta, 'minTime' | 'maxTime'>,
  from: number,
  to: number,
): boolean {
  return minTime <= to && from < maxTime
}

type TimedBlock = Pick<BlockMeta, 'minTime' | 'maxTime' | 'resolution'>

/**
 * Of blocks of one set of external labels those that cover a time: as Thanos' store gateway chooses (`getFor`), so that a Querier that
 * asks several stores gets what it expects. A gap between two blocks of a resolution is filled with the next finer one. What comes behind
 * a block begins at its end, also where a longer block came before it: blocks that overlap are all taken.
 */
export function blocksFor<B extends TimedBlock>(
  blocks: readonly B[],
  from: number,
  to: number,
  maxResolution: number,
): readonly B[] {
  const levels = new Map<number, B[]>()
  for (const block of blocks) {
    if (block.resolution > maxResolution) continue
    const level = levels.get(block.resolution)
    if (level) level.push(block)
    else levels.set(block.resolution, [block])
  }
  const coarseFirst = [...levels.keys()]
    .sort((a, b) => b - a)
    .map(resolution => (levels.get(resolution) ?? []).sort(byTime))
  // A block on both sides of a coarser one is taken once.
  const chosen = new Set<B>()
  fill(coarseFirst, 0, from, to, chosen)
  return [...chosen]
}

function fill<B extends TimedBlock>(
  levels: readonly (readonly B[])[],
  at: number,
  from: number,
  to: number,
  chosen: Set<B>,
): void {
  const blocks = levels[at]
  if (!blocks || from > to) return
  let start = from
  for (const block of blocks) {
    if (block.maxTime <= from) continue
    if (block.minTime > to) break
    fill(levels, at + 1, start, block.minTime - 1, chosen)
    chosen.add(block)
    start = block.maxTime
  }
  fill(levels, at + 1, start, to, chosen)
}

function byTime(a: TimedBlock, b: TimedBlock): number {
  return a.minTime - b.minTime || a.maxTime - b.maxTime
}

/** The matchers but for those on external labels; undefined where one of these is against it. */
export function restOf(
  matchers: readonly Matcher[],
  external: Readonly<Record<string, string>>,
): readonly Matcher[] | undefined {
  const rest: Matcher[] = []
  for (const each of matchers) {
    // A label may be named as what every object has, such as `constructor`.
    const value = Object.hasOwn(external, each.name) ? external[each.name] : undefined
    if (value === undefined || value === '') rest.push(each)
    else if (!each.matches(value)) return undefined
  }
  return rest
}

const keys = new WeakMap<BlockMeta, string>()

/** The same for metas with the same external labels, in whatever order. */
export function labelsKey(meta: BlockMeta): string {
  const known = keys.get(meta)
  if (known !== undefined) return known
  const pairs = Object.entries(meta.labels).filter(([, value]) => value !== '')
  const key = JSON.stringify(pairs.sort(([a], [b]) => (a < b ? -1 : 1)))
  keys.set(meta, key)
  return key
}
