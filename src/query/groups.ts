/** Which postings lists of a query are worth reading: a series that was read anyway tells as well whether a matcher selects it. */
import type { IndexLookup, PostingsRange } from '../tsdb/index-lookup.ts'
import { type Matcher, matcher } from './matchers.ts'

/** The lists of one matcher. */
export interface Group {
  readonly matcher: Matcher
  /** Of the values that it selects; where it `removes`, of those that it does not. */
  readonly ranges: readonly PostingsRange[]
  readonly removes: boolean
}

export interface Chosen {
  readonly read: readonly Group[]
  /** To be asked of each series. */
  readonly rest: readonly Matcher[]
}

export interface Costs {
  /** Bytes of a series in the index, on average. */
  readonly seriesBytes: number
  /** Whether a byte comes from an object store. */
  readonly isRemote: boolean
}

/** Of the series that are left, a further matcher selects so many; nobody knows. Thanos takes the same. */
const SELECTED = 0.5
/** A list costs a look-up and a read beside its bytes: a group of more lists than this for each series is not read. Thanos takes the same. */
const MAX_LISTS = 100
/** A length, a count, a checksum. */
const LIST_BYTES = 12
/** What a read takes of this process, and a byte of it at 1 GB/s from a disk, at 50 MB/s from an object store. */
const DISK = { readNs: 20_000, byteNs: 1 }
const REMOTE = { readNs: 1_000_000, byteNs: 20 }
/** To decode a series, and to look at its labels. */
const SERIES_NS = 3_000

const ALL = matcher({ type: '=', name: '', value: '' })
const decoder = new TextDecoder()

/** The lists of all matchers; undefined where one of them selects no series at all. */
export function groupsOf(lookup: IndexLookup, matchers: readonly Matcher[]): readonly Group[] | undefined {
  const groups: Group[] = []
  for (const matcher of matchers) {
    // A series without the label has the empty text: what selects that is the same as not having the others.
    const removes = matcher.matches('')
    const ranges = removes ? othersOf(lookup, matcher) : rangesOf(lookup, matcher)
    if (ranges.length > 0) groups.push({ matcher, ranges, removes })
    else if (!removes) return undefined
  }
  if (groups.some(({ removes }) => !removes)) return groups
  const all = lookup.postings('', '')
  return all && [...groups, { matcher: ALL, ranges: [all], removes: false }]
}

/** Of the values that it does not select. */
function othersOf(lookup: IndexLookup, { name, matches }: Matcher): PostingsRange[] {
  const ranges: PostingsRange[] = []
  lookup.eachValue(name, (value, postings) => {
    if (!matches(text(value))) ranges.push(postings())
  })
  return ranges
}

/**
 * The smallest group that adds is always read: its series are all that there may be. Of the others, from the smallest to the largest, one
 * is read where that takes less time than the series that it spares.
 *
 * @param groups one that adds at least
 */
export function worthReading(groups: readonly Group[], { seriesBytes, isRemote }: Costs): Chosen {
  const sized = groups.map(group => ({ group, bytes: bytesOf(group.ranges) })).sort((a, b) => a.bytes - b.bytes)
  const first = sized.findIndex(({ group }) => !group.removes)
  const [smallest] = sized.splice(first, 1)
  if (!smallest) return { read: [], rest: [] }
  const { readNs, byteNs } = isRemote ? REMOTE : DISK
  const seriesNs = SERIES_NS + seriesBytes * byteNs
  const read: Group[] = [smallest.group]
  const rest: Matcher[] = []
  let series = countOf(smallest.group.ranges)
  for (const { group, bytes } of sized) {
    const spared = series * (1 - SELECTED) * seriesNs
    if (readNs + bytes * byteNs > spared || group.ranges.length > series * MAX_LISTS) rest.push(group.matcher)
    else {
      read.push(group)
      series *= SELECTED
    }
  }
  return { read, rest }
}

/** Bytes of a series, on average; `end` is where the section of series ends. */
export function averageSeriesBytes(lookup: IndexLookup, end: number): number {
  const all = lookup.postings('', '')
  return all ? (end - lookup.index.toc.series) / Math.max(1, countOf([all])) : 0
}

function bytesOf(ranges: readonly PostingsRange[]): number {
  return ranges.reduce((sum, { offset, end }) => sum + end - offset, 0)
}

function countOf(ranges: readonly PostingsRange[]): number {
  return Math.max(0, (bytesOf(ranges) - LIST_BYTES * ranges.length) / 4)
}

function rangesOf(lookup: IndexLookup, { name, values, prefix, matches }: Matcher): PostingsRange[] {
  if (values) return [...values].map(value => lookup.postings(name, value)).filter(range => range !== undefined)
  const ranges: PostingsRange[] = []
  lookup.eachValue(
    name,
    (value, postings) => {
      if (matches(text(value))) ranges.push(postings())
    },
    prefix,
  )
  return ranges
}

function text(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}
