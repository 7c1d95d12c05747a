/** The bucket as it truly is, and how one process sees it: listings and reads that take time, fail, or tell half. */
import type { BlockId, BlockMeta, BlockSource, Candidate, Page, Tail } from 'blockgate'
import { candidate, testId } from 'blockgate/testing'
import { numberOf } from '../support/world.ts'
import type { Process } from './process.ts'
import type { Random } from './random.ts'

const HOUR = 3_600_000
const PAGE = 16

/** How the bucket behaves towards everybody now. */
export interface BucketWeather {
  /** Share of listings that end early and say so. */
  incomplete: number
  /**
   * Share of listings that leave half of the blocks out and say they are complete; never two of one process in a row.
   */
  half: number
  /** Share of listings that throw. */
  broken: number
  /** Share of loads that fail, and may be tried again. */
  failing: number
  /** How much longer loads take. */
  slow: number
}

export const FAIR: Readonly<BucketWeather> = { incomplete: 0, half: 0, broken: 0, failing: 0, slow: 1 }

export class SimBucket {
  readonly blocks = new Map<BlockId, Candidate>()
  /** Every block there ever was. */
  readonly metas = new Map<BlockId, BlockMeta>()
  /** Each block's compacted ones: those that hold all it holds. */
  readonly ancestors = new Map<BlockId, BlockId[]>()
  /** Blocks that nobody can load from now on. */
  readonly corrupt = new Set<BlockId>()
  readonly weather: BucketWeather = { ...FAIR }
  #count = 0

  /** A fresh block of a sidecar. */
  upload(): BlockId {
    const n = ++this.#count
    return this.#add(n, { level: 1, sources: [testId(n)] }, n * 2 * HOUR, (n + 1) * 2 * HOUR)
  }

  /** A parent of some of the oldest blocks that were not compacted yet; undefined where there are not enough. */
  compact(most: number): { readonly parent: BlockId; readonly children: readonly BlockId[] } | undefined {
    const open = [...this.blocks.values()].filter(b => this.ancestors.get(b.meta.ulid)?.length === 0)
    const level = open.some(b => b.meta.compaction.level === 1) ? 1 : 2
    const children = open.filter(b => b.meta.compaction.level === level).slice(0, most)
    if (children.length < 2) return undefined
    const sources = children.flatMap(b => b.meta.compaction.sources)
    const from = Math.min(...children.map(b => b.meta.minTime))
    const to = Math.max(...children.map(b => b.meta.maxTime))
    const parent = this.#add(++this.#count, { level: level + 1, sources }, from, to)
    for (const [id, meta] of this.metas) {
      if (id === parent || !meta.compaction.sources.every(s => sources.includes(s))) continue
      this.ancestors.get(id)?.push(parent)
    }
    return { parent, children: children.map(b => b.meta.ulid) }
  }

  delete(id: BlockId): void {
    this.blocks.delete(id)
  }

  #add(n: number, compaction: BlockMeta['compaction'], minTime: number, maxTime: number): BlockId {
    const ulid = testId(n)
    const block = candidate({
      ulid,
      minTime,
      maxTime,
      compaction,
      files: [{ path: 'index', size: 1000 + n }],
    })
    this.blocks.set(ulid, block)
    this.metas.set(ulid, block.meta)
    this.ancestors.set(ulid, [])
    return ulid
  }
}

/** What one process knows of the bucket for certain: its last two complete listings. */
export class Listings {
  /** Listings that have begun, ever. */
  begun = 0
  /** Which of them was the last that ended and was complete; 0 for none. */
  completed = 0
  #last: ReadonlySet<BlockId> | undefined
  #before: ReadonlySet<BlockId> | undefined

  begin(): number {
    return ++this.begun
  }

  complete(number: number, seen: ReadonlySet<BlockId>): void {
    this.completed = number
    this.#before = this.#last
    this.#last = seen
  }

  /** Absent from both. */
  absent(id: BlockId): boolean {
    return this.#last !== undefined && this.#before !== undefined && !this.#last.has(id) && !this.#before.has(id)
  }
}

export function simSource(
  bucket: SimBucket,
  process: Process,
  random: Random,
  listings: Listings,
  compare?: Tail['compare'],
): BlockSource {
  let lied = false
  /** What the last listing of everything saw; undefined where it did not end well. */
  let known: ReadonlySet<BlockId> | undefined
  let looks = 0
  return {
    kind: 'source',
    name: 'sim-source',
    tail() {
      if (!compare || !known || looks++ >= LOOKS) return undefined
      return { pages: look(known), compare }
    },
    async *pages(): AsyncGenerator<Page, { complete: boolean }, undefined> {
      const { weather } = bucket
      const { incomplete, broken } = weather
      const number = listings.begin()
      known = undefined
      looks = 0
      const kind = random.next()
      const fails = kind < broken
      const ends = !fails && kind < broken + incomplete
      const half = !fails && !ends && !lied && kind < broken + incomplete + weather.half
      if (!fails && !ends) lied = half
      const seen = new Set<BlockId>()
      let after = ''
      for (let page = 0; ; page++) {
        await latency(process, random, 'listing')
        if (fails && page === 1) throw new Error('503 SlowDown')
        if (ends && page === 1) return { complete: false }
        const blocks = [...bucket.blocks.values()].filter(b => b.meta.ulid > after).slice(0, PAGE)
        const last = blocks.at(-1)
        if (!last) break
        after = last.meta.ulid
        const shown = half ? blocks.filter(() => random.chance(0.5)) : blocks
        for (const { meta } of shown) seen.add(meta.ulid)
        yield { blocks: shown, partial: [] }
      }
      if (fails) throw new Error('503 SlowDown')
      if (ends) return { complete: false }
      listings.complete(number, seen)
      known = seen
      return { complete: true }
    },
  }

  /** Some blocks come behind the margin: only a listing of everything shows them. What was deleted is not shown, and not gone either. */
  async function* look(seen: ReadonlySet<BlockId>): ReturnType<BlockSource['pages']> {
    await latency(process, random, 'a look at new blocks')
    if (random.chance(bucket.weather.broken)) throw new Error('503 SlowDown')
    if (random.chance(bucket.weather.incomplete)) return { complete: false }
    const fresh = [...bucket.blocks.values()].filter(
      ({ meta }) => !seen.has(meta.ulid) && numberOf(meta.ulid) % LATE !== 0,
    )
    yield { blocks: fresh, partial: [] }
    return { complete: true }
  }
}

/** Looks at new blocks between two listings of everything. */
const LOOKS = 2
/** One block of so many comes behind the margin. */
const LATE = 4

function latency(process: Process, random: Random, label: string): Promise<void> {
  return new Promise(resolve => {
    process.arrive(random.between(5, 80), label, resolve)
  })
}

/** Ids as people read them: the number of the block. */
export function short(id: BlockId): string {
  return `b${numberOf(id)}`
}
