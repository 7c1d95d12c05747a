/** Goes over the series of a block and their chunks, in the order in which they stand in their files. */
import { corrupt } from '../../tsdb/binary.ts'
import {
  checkSegmentStart,
  chunkRef,
  chunkSize,
  type RawChunk,
  readChunk,
  SEGMENT_START_BYTES,
} from '../../tsdb/chunk.ts'
import { readSeries, type SeriesEntry, seriesSize } from '../../tsdb/series.ts'
import type { BlockFolder } from './folder.ts'
import { Parts } from './parts.ts'
import type { Problems } from './problems.ts'

/** More than the number of bytes of an entry or of a chunk takes. */
const LENGTH_BYTES = 10
/** An entry or a chunk that is longer is not put into memory. */
const MAX_BYTES = 256 * 1024 * 1024

/** The entry that begins at `offset`. @throws BlockgateError `corrupt-block` */
export async function seriesAt(index: Parts, offset: number, end: number): Promise<SeriesEntry> {
  const what = `index: series at ${offset}`
  const start = await from(index, offset, Math.min(LENGTH_BYTES, end - offset))
  const size = sized(seriesSize(start, 0, what), what, end - offset)
  return readSeries(await from(index, offset, size), 0, what)
}

/** The chunk files of a block. */
export class ChunkFiles {
  readonly #folder: BlockFolder
  readonly #problems: Problems
  readonly #onRead: (bytes: number) => void
  readonly #missing = new Set<number>()
  #segment = -1
  #parts: Parts | undefined

  constructor(folder: BlockFolder, problems: Problems, onRead: (bytes: number) => void) {
    this.#folder = folder
    this.#problems = problems
    this.#onRead = onRead
  }

  /** The chunk of a reference; undefined where its file is not there, which is told once. @throws BlockgateError `corrupt-block` */
  async chunk(ref: number): Promise<{ readonly chunk: RawChunk; readonly what: string } | undefined> {
    const { segment, offset } = chunkRef(ref)
    const parts = await this.#file(segment)
    if (!parts) return undefined
    const what = `${parts.path}: chunk at ${offset}`
    const left = parts.size - offset
    if (offset < SEGMENT_START_BYTES || left < LENGTH_BYTES / 2) {
      throw corrupt(what, `begin within ${SEGMENT_START_BYTES} to ${parts.size}`, offset)
    }
    const start = await from(parts, offset, Math.min(LENGTH_BYTES, left))
    const size = sized(chunkSize(start, 0, what), what, left)
    return { chunk: readChunk(await from(parts, offset, size), 0, parts.path, offset), what }
  }

  async #file(segment: number): Promise<Parts | undefined> {
    if (segment === this.#segment) return this.#parts
    const path = segmentPath(segment)
    const file = this.#folder.files.find(each => each.path === path)
    this.#segment = segment
    this.#parts = file && new Parts(this.#folder, file, this.#onRead)
    if (!file && !this.#missing.has(segment)) {
      this.#missing.add(segment)
      this.#problems.add(`${path}: must be there: the index has chunks in it`)
    }
    return this.#parts
  }
}

/** Checks how each chunk file begins. */
export async function verifySegments(folder: BlockFolder, problems: Problems): Promise<void> {
  for (const { path, size } of folder.files.filter(file => /^chunks\/\d{6}$/.test(file.path))) {
    await problems.of(async () => {
      checkSegmentStart(
        size < SEGMENT_START_BYTES ? new Uint8Array(size) : await folder.read(path, 0, SEGMENT_START_BYTES),
        path,
      )
    })
  }
}

export function segmentPath(segment: number): string {
  return `chunks/${String(segment + 1).padStart(6, '0')}`
}

async function from(parts: Parts, offset: number, least: number): Promise<Uint8Array> {
  return parts.peek(offset, least) ?? (await parts.load(offset, least))
}

function sized(size: number | undefined, what: string, most: number): number {
  const limit = Math.min(most, MAX_BYTES)
  if (size !== undefined && size <= limit) return size
  throw corrupt(`${what}: size`, `be <= ${limit}`, size ?? 'cut')
}
