/** One block in the columns. */
import { type BlockFile, type BlockMeta, blockIdTime, type Candidate, type Marker, type ObjectVersion } from 'blockgate'
import { keyProblem } from 'blockgate/bucket'
import { isBlockFile } from 'blockgate/tsdb'
import { corrupt } from './column.ts'
import type { ColumnsReader, ColumnsWriter } from './columns.ts'
import { bytesToHex, hexToBytes } from './hex.ts'
import { idOf, RANDOM_BYTES, randomOf } from './ulid-bytes.ts'

/** The objects that a candidate was made of. */
export interface ReadObjects {
  readonly meta: ObjectVersion
  readonly mark?: ObjectVersion | undefined
}

/** A candidate, and its objects where the source keeps that. */
export type Entry = readonly [Candidate, ReadObjects | undefined]

const MARKERS: readonly Marker[] = ['deletion-mark.json', 'no-compact-mark.json', 'no-downsample-mark.json']
const HASH_BYTES = 32
/** An etag of 32 hex digits takes 16 bytes. */
const HEX = /^(?:[0-9a-f]{2}){16}$/
const HASH = /^(?:[0-9a-f]{2}){32}$/
/** Times are told by how far they are from the block's: beyond this there is no room for them. */
const LATEST = 2 ** 50
/** The time of a ULID has 48 bits. */
const LAST = 2 ** 48 - 1
const MAX_TEXT = 64 * 1024

/** False for a block that has no place in the columns, such as one with times that cannot be: only a listing shows it. */
export function isWritable([{ meta, path, uploaded = 0, deletionTime = 0 }, reads]: Entry): boolean {
  const { minTime, maxTime, readAhead, files, resolution, compaction } = meta
  const versions = reads ? [reads.meta, ...(reads.mark ? [reads.mark] : [])] : []
  const times = [minTime, maxTime, uploaded, deletionTime, ...versions.map(({ modified }) => modified)]
  const counts = [resolution, compaction.level, readAhead?.series ?? 0, readAhead?.chunk ?? 0]
  const sizes = [...files, ...versions].map(({ size }) => size)
  return (
    minTime <= maxTime &&
    times.every(time => Number.isInteger(time) && Math.abs(time) <= LATEST) &&
    [...counts, ...sizes].every(n => Number.isInteger(n) && n >= 0 && n <= LATEST) &&
    files.every(file => isBlockFile(file.path) && (file.sha256 === undefined || HASH.test(file.sha256))) &&
    folderOf(path, meta.ulid) !== undefined
  )
}

/** Blocks come by their ULIDs: `before` is the time in the one before it. */
export function writeEntry(columns: ColumnsWriter, [candidate, reads]: Entry, before: number): void {
  const { meta, path, markers, uploaded, deletionTime, notes } = candidate
  const { to } = columns
  const made = blockIdTime(meta.ulid)
  to.time.count(made - before)
  to.ids.raw(randomOf(meta.ulid))
  to.behind.signed(made - meta.maxTime)
  to.span.count(meta.maxTime - meta.minTime)
  to.labels.count(columns.text(JSON.stringify(meta.labels)))
  to.resolution.count(meta.resolution)
  to.level.count(meta.compaction.level)
  const { sources } = meta.compaction
  // Most blocks were never compacted: they are their own source.
  if (sources.length === 1 && sources[0] === meta.ulid) to.sources.count(0)
  else {
    to.sources.count(sources.length + 1)
    let last = 0
    for (const source of sources) {
      const place = columns.source(source)
      to.sources.signed(place - last)
      last = place
    }
  }
  to.source.count(columns.text(meta.source))
  to.variant.optional(meta.variant === undefined ? undefined : columns.text(meta.variant))
  to.files.count(meta.files.length)
  for (const { path, size, sha256 } of meta.files) {
    to.files.count(2 * columns.text(path) + (sha256 === undefined ? 0 : 1))
    to.files.count(size)
    if (sha256 !== undefined) to.hashes.raw(hexToBytes(sha256))
  }
  to['read-ahead'].optional(meta.readAhead?.series)
  if (meta.readAhead) to['read-ahead'].count(meta.readAhead.chunk)
  to.markers.count(MARKERS.reduce((bits, marker, at) => bits + (markers.includes(marker) ? 1 << at : 0), 0))
  to.uploaded.optional(uploaded === undefined ? undefined : uploaded - made)
  to.deleted.optional(deletionTime === undefined ? undefined : deletionTime - made)
  to.notes.optional(notes && columns.text(JSON.stringify(notes)))
  to.folder.count(columns.text(folderOf(path, meta.ulid) ?? ''))
  writeVersion(columns, 'meta', reads?.meta, made)
  writeVersion(columns, 'mark', reads?.mark, made)
}

function writeVersion(columns: ColumnsWriter, name: 'meta' | 'mark', version: ObjectVersion | undefined, made: number) {
  const { to } = columns
  const isHex = version && HEX.test(version.etag)
  to[name].optional(version && (isHex ? -1 : columns.text(version.etag)))
  if (!version) return
  if (isHex) to.etags.raw(hexToBytes(version.etag))
  to[name].count(version.size)
  to[name].signed(version.modified - made)
}

/**
 * The next block; undefined for one that is wrong in itself, which only a listing shows. The ones behind it are not harmed.
 * @throws BlockgateError `catalogue-corrupt` where the columns end
 */
export function readEntry(columns: ColumnsReader, labels: LabelSets, made: number): Entry | undefined {
  const { from, texts, sources: all } = columns
  const random = from.ids.raw(RANDOM_BYTES)
  const maxTime = made - from.behind.signed()
  const minTime = maxTime - from.span.count()
  const labelSet = labels.at(from.labels.count())
  const resolution = from.resolution.count()
  const level = from.level.count()
  const sources = readSources(columns)
  const source = texts[from.source.count()]
  const variantAt = from.variant.optional()
  const files = readFiles(columns)
  const series = from['read-ahead'].optional()
  const readAhead = series === undefined ? undefined : { series, chunk: from['read-ahead'].count() }
  const bits = from.markers.count()
  const uploaded = from.uploaded.optional()
  const deleted = from.deleted.optional()
  const notesAt = from.notes.optional()
  const folder = texts[from.folder.count()]
  const metaVersion = readVersion(columns, 'meta', made)
  const mark = readVersion(columns, 'mark', made)
  const variant = variantAt === undefined ? undefined : texts[variantAt]
  const notes = notesAt === undefined ? undefined : notesOf(texts[notesAt])
  const times = [minTime, maxTime, uploaded ?? 0, deleted ?? 0]
  if (
    !labelSet ||
    source === undefined ||
    (variantAt !== undefined && variant === undefined) ||
    (notesAt !== undefined && !notes) ||
    !sources ||
    !files ||
    metaVersion === 'wrong' ||
    mark === 'wrong' ||
    !times.every(time => Math.abs(time) <= 2 * LATEST) ||
    (series ?? 0) < 0 ||
    folder === undefined ||
    made > LAST
  )
    return undefined
  const ulid = idOf(made, random)
  const path = `${folder}${ulid}/`
  if (folderOf(path, ulid) === undefined) return undefined
  const meta: BlockMeta = {
    ulid,
    minTime,
    maxTime,
    labels: labelSet,
    resolution,
    compaction: {
      level,
      sources: sources === 'itself' ? [ulid] : sources.map(at => all[at] as Candidate['meta']['ulid']),
    },
    source,
    files,
    ...(variant !== undefined && { variant }),
    readAhead,
  }
  const candidate: Candidate = {
    meta,
    path,
    markers: bits === 0 ? NONE : MARKERS.filter((_, at) => bits & (1 << at)),
    uploaded: uploaded === undefined ? undefined : uploaded + made,
    ...(deleted !== undefined && { deletionTime: deleted + made }),
    ...(notes && { notes }),
  }
  return [candidate, metaVersion && { meta: metaVersion, ...(mark && { mark }) }]
}
const NONE: readonly Marker[] = []

function readSources({ from, sources: all }: ColumnsReader): 'itself' | number[] | undefined {
  const length = from.sources.count()
  if (length === 0) return 'itself'
  // Each takes a byte and more.
  if (length - 1 > from.sources.left) throw corrupt('column sources must have a value for each source')
  const places: number[] = []
  let place = 0
  let isRight = true
  for (let i = 1; i < length; i++) {
    place += from.sources.signed()
    isRight &&= place >= 0 && place < all.length
    places.push(place)
  }
  return isRight ? places : undefined
}

function readFiles({ from, texts }: ColumnsReader): BlockFile[] | undefined {
  const length = from.files.count()
  if (2 * length > from.files.left) throw corrupt('column files must have two values for each file')
  const files: BlockFile[] = []
  let isRight = true
  for (let i = 0; i < length; i++) {
    const place = from.files.count()
    const size = from.files.count()
    const hash = place % 2 === 1 ? from.hashes.raw(HASH_BYTES) : undefined
    const path = texts[Math.floor(place / 2)]
    if (path === undefined || !isBlockFile(path)) isRight = false
    else files.push(hash ? { path, size, sha256: bytesToHex(hash) } : { path, size })
  }
  return isRight ? files : undefined
}

function readVersion({ from, texts }: ColumnsReader, name: 'meta' | 'mark', made: number) {
  const place = from[name].optional()
  if (place === undefined) return undefined
  const etag = place === -1 ? bytesToHex(from.etags.raw(16)) : texts[place]
  const size = from[name].count()
  const modified = from[name].signed() + made
  return etag === undefined ? 'wrong' : { etag, size, modified }
}

/** Label sets of the dictionary: each is made once, however many blocks have it. */
export class LabelSets {
  readonly #texts: readonly string[]
  readonly #made = new Map<number, BlockMeta['labels'] | undefined>()

  constructor(texts: readonly string[]) {
    this.#texts = texts
  }

  at(place: number): BlockMeta['labels'] | undefined {
    if (!this.#made.has(place)) this.#made.set(place, labelsOf(this.#texts[place]))
    return this.#made.get(place)
  }
}

function labelsOf(text: string | undefined): BlockMeta['labels'] | undefined {
  const value = json(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  if (!Object.values(value).every(label => typeof label === 'string')) return undefined
  return Object.assign(Object.create(null), value)
}

function notesOf(text: string | undefined): readonly string[] | undefined {
  const value = json(text)
  return Array.isArray(value) && value.every(note => typeof note === 'string') ? value : undefined
}

function json(text: string | undefined): unknown {
  if (text === undefined || text.length > MAX_TEXT) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What stands in front of `<ulid>/` in the path of a block; undefined where that is no key that may be asked for. */
function folderOf(path: string, ulid: string): string | undefined {
  const folder = path.endsWith(`${ulid}/`) ? path.slice(0, -27) : undefined
  if (folder === '' || folder === undefined) return folder
  return folder.endsWith('/') && keyProblem(folder.slice(0, -1)) === undefined ? folder : undefined
}
