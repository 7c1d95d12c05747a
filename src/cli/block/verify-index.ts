/** Checks the sections of an index: every checksum, every order, and that postings lists name series that exist. */
import type { BlockgateError } from '../../contracts/errors.ts'
import { corrupt } from '../../tsdb/binary.ts'
import { type IndexToc, type IndexVersion, seriesEnd } from '../../tsdb/index-toc.ts'
import { seriesOffset } from '../../tsdb/series.ts'
import { eachPair, type PairEntry } from './label-pairs.ts'
import type { Parts } from './parts.ts'
import type { Problems } from './problems.ts'
import { RefSet } from './ref-set.ts'
import { Section } from './section.ts'

export interface IndexFile {
  readonly version: IndexVersion
  readonly toc: IndexToc
  /** The same file, read at several places at once. */
  readonly open: () => Parts
}

export interface Lists {
  readonly lists: number
  /** References in all lists but that of all series; undefined where a list cannot be read. */
  readonly entries: number | undefined
}

/** @returns whether a reference in a series entry is one of a symbol; undefined where the table cannot be read */
export async function verifySymbols(
  { version, toc, open }: IndexFile,
  problems: Problems,
): Promise<((ref: number) => boolean) | undefined> {
  const what = `index: symbols at ${toc.symbols}`
  const starts = version === 1 ? new RefSet(toc.symbols, toc.series, 1) : undefined
  let count = 0
  const isWhole = await inSection(
    await sectionOf(open(), what, toc.symbols, toc.series, problems),
    problems,
    async section => {
      await section.need(4)
      const declared = section.be32()
      let before: Uint8Array | undefined
      for (; count < declared; count++) {
        starts?.add(section.at)
        const symbol = (await section.text()).slice()
        if (before && compareBytes(before, symbol) >= 0)
          throw corrupt(`${what}: symbol ${count}`, 'be behind the one before it', 'not')
        before = symbol
      }
      if (section.left > 0) throw corrupt(`${what}: bytes behind ${declared} symbols`, 'be 0', section.left)
    },
  )
  if (!isWhole) return undefined
  return starts ? ref => starts.has(ref) : ref => ref < count
}

/** The sections that Prometheus wrote up to 3.6 and nothing reads any more. */
export async function verifyLabelIndices({ toc, open }: IndexFile, problems: Problems): Promise<void> {
  const { labelIndices, labelIndicesTable: table, postingsTable } = toc
  if (table === 0 || labelIndices === 0 || table === postingsTable) return
  const what = `index: label offset table at ${table}`
  const values = open()
  await inSection(await sectionOf(open(), what, table, postingsTable, problems), problems, async section => {
    await section.need(4)
    for (let count = section.be32(); count > 0; count--) {
      await section.needNumbers(1)
      for (let names = section.uvarint(); names > 0; names--) await section.text()
      await section.needNumbers(1)
      const offset = section.uvarint()
      const name = `index: label index at ${offset}`
      await inSection(await sectionOf(values, name, offset, table, problems), problems, async () => {})
    }
  })
}

/** Where the series begin in the index, as the list of all series says. */
export async function allSeries({ version, toc, open }: IndexFile, problems: Problems): Promise<RefSet> {
  const series = new RefSet(toc.series, seriesEnd(toc), version === 1 ? 1 : 16)
  const parts = open()
  let hasAll = false
  const visit = async ({ offset }: Pick<PairEntry, 'offset'>) => {
    hasAll = true
    let outside = 0
    await inList(parts, offset, toc, problems, ref => {
      if (!series.add(seriesOffset(ref, version))) outside++
    })
    if (outside > 0) {
      problems.add(`index: postings at ${offset}: references must be in the series section: ${outside} are not`)
    }
  }
  await problems.of(() => eachPair(open(), toc, entry => (isAll(entry) ? visit(entry) : undefined)))
  if (!hasAll) {
    problems.add(`${tableName(toc)}: must have a list of all series: it has none`)
    // In version 2 it is the first one.
    if (version === 2 && toc.postings > 0) await visit({ offset: toc.postings })
  }
  return series
}

/** Checks the offset table, and each list but that of all series: it must name some of them. */
export async function verifyLists(
  { version, toc, open }: IndexFile,
  series: RefSet,
  problems: Problems,
): Promise<Lists> {
  const table = tableName(toc)
  await inSection(
    await sectionOf(open(), table, toc.postingsTable, Number.POSITIVE_INFINITY, problems),
    problems,
    async () => {},
  )
  const parts = open()
  let lists = 0
  let entries: number | undefined = 0
  let before: PairEntry | undefined
  const visit = async (entry: PairEntry) => {
    lists++
    if (
      version === 2 &&
      before &&
      (compareBytes(before.name, entry.name) || compareBytes(before.value, entry.value)) >= 0
    )
      problems.add(`${table}: entry ${lists - 1} must be behind the one before it: current value is not`)
    before = entry
    if (isAll(entry)) return
    let unknown = 0
    const isWhole = await inList(parts, entry.offset, toc, problems, ref => {
      if (!series.has(seriesOffset(ref, version))) unknown++
      else if (entries !== undefined) entries++
    })
    if (unknown > 0) {
      problems.add(`index: postings at ${entry.offset}: references must be those of series: ${unknown} are not`)
    }
    if (!isWhole || unknown > 0) entries = undefined
  }
  const isWhole = await problems.of(async () => {
    await eachPair(open(), toc, visit)
    return true
  })
  return { lists, entries: isWhole ? entries : undefined }
}

function isAll({ name, value }: PairEntry): boolean {
  return name.length === 0 && value.length === 0
}

function tableName({ postingsTable }: IndexToc): string {
  return `index: postings offset table at ${postingsTable}`
}

async function inList(
  parts: Parts,
  offset: number,
  { postingsTable }: IndexToc,
  problems: Problems,
  visit: (ref: number) => void,
): Promise<boolean> {
  const what = `index: postings at ${offset}`
  const section = await sectionOf(parts, what, offset, postingsTable, problems)
  return await inSection(section, problems, body => eachRef(body, what, visit))
}

/** Goes on where one is wrong, to find what the others name. @throws BlockgateError `corrupt-block` at the end */
async function eachRef(section: Section, what: string, visit: (ref: number) => void): Promise<void> {
  await section.need(4)
  const count = section.be32()
  const there = section.left / 4
  let before = -1
  let wrong: BlockgateError | undefined
  for (let i = 0; i < count && i < there; i++) {
    const wait = section.need(4)
    if (wait) await wait
    const ref = section.be32()
    if (ref <= before) wrong ??= corrupt(`${what}: reference ${i}`, `be > ${before}`, ref)
    before = ref
    visit(ref)
  }
  if (there !== count) throw corrupt(`${what}: count`, `be ${there}`, count)
  if (wrong) throw wrong
}

function sectionOf(
  parts: Parts,
  what: string,
  offset: number,
  limit: number,
  problems: Problems,
): Promise<Section | undefined> {
  return problems.of(() => Section.open(parts, what, offset, Math.min(limit, parts.size)))
}

/** Calls `read` with the section, and checks its checksum whatever `read` found. @returns whether nothing was wrong */
async function inSection(
  section: Section | undefined,
  problems: Problems,
  read: (section: Section) => Promise<void>,
): Promise<boolean> {
  if (!section) return false
  const before = problems.count
  await problems.of(() => read(section))
  await problems.of(() => section.checkCrc())
  return problems.count === before
}

/** The order of UTF-8 bytes. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number)
  return a.length - b.length
}
