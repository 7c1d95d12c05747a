/** What is in a block's folder, and what is wrong with it: on a disk, or in a bucket. */
import { type BlockId, type BlockMeta, isBlockId } from '../contracts/block.ts'
import { ErrorCode, rawMessageOf } from '../contracts/errors.ts'
import { futureMark, parseDeletionMark } from '../tsdb/deletion-mark.ts'
import { object, parseGo, ulid } from '../tsdb/go-json.ts'
import {
  assertIndexSize,
  INDEX_START_BYTES,
  INDEX_TOC_BYTES,
  type IndexToc,
  type IndexVersion,
  parseIndexStart,
  parseIndexToc,
  readTombstones,
} from '../tsdb/index.ts'
import { type DeclaredFile, isBlockFile, isMarker, type ParsedMeta, parseMeta } from '../tsdb/meta.ts'
import { oddTimes } from '../tsdb/odd-times.ts'
import { blockContents, type Contents } from './block/contents.ts'
import type { BlockFolder } from './block/folder.ts'
import { Problems } from './block/problems.ts'

export interface InspectOptions {
  /** Ms since the epoch. */
  readonly now: number
  /** Reads the whole block, and checks all that can be checked. */
  readonly verify: boolean
  /** Told how many bytes of the index and the chunks were read. */
  readonly onRead?: ((bytes: number) => void) | undefined
}

export interface BlockReport extends Partial<Contents> {
  readonly where: string
  /** Undefined where no meta.json can be read. */
  readonly meta: BlockMeta | undefined
  /** When the upload was finished, ms since the epoch. */
  readonly uploaded: number | undefined
  /** When it was marked for deletion, ms since the epoch; undefined without a mark that can be used. */
  readonly deletionTime: number | undefined
  /** Everything in the folder, in the order of the listing. */
  readonly files: readonly { readonly path: string; readonly size: number }[]
  readonly bytes: number
  readonly markers: readonly string[]
  /** What the two ends of the index say. */
  readonly index: { readonly version: number; readonly symbols: number; readonly postingsLists: number } | undefined
  /** The first 100; empty where nothing was found. */
  readonly problems: readonly string[]
  /** How many there are. */
  readonly problemCount: number
}

const META = 'meta.json'
const META_LIMIT = 16 * 1024 * 1024
const MARK = 'deletion-mark.json'
const MARK_LIMIT = 1 << 20
const TOMBSTONES_LIMIT = 1 << 28

/** Never rejects for what is wrong with the block; rejects where the folder cannot be read. */
export async function inspectBlock(
  folder: BlockFolder,
  { now, verify, onRead = () => {} }: InspectOptions,
): Promise<BlockReport> {
  const { where, files } = folder
  const sizes = new Map(files.map(file => [file.path, file.size]))
  const problems = new Problems()
  const parsed = await attempt(problems, () => readMeta(folder, sizes.get(META)))
  if (parsed)
    for (const problem of [...filesProblems(parsed.declared, sizes), ...oddTimes(parsed, now)]) problems.add(problem)
  const id = parsed?.meta.ulid ?? (isBlockId(folder.name) ? folder.name : undefined)
  const deletionTime = await attempt(problems, () => readMark(folder, sizes.get(MARK), id, now))
  if (!sizes.has('index')) problems.add('index: must be there')
  if (!files.some(file => file.path.startsWith('chunks/') && isBlockFile(file.path))) {
    problems.add('chunks: must be there: none is')
  }
  const size = sizes.get('index')
  const ends = size === undefined ? undefined : await attempt(problems, () => readIndex(folder, size))
  const contents = ends && (await blockContents(folder, ends, problems, { verify, times: parsed?.meta, onRead }))
  if (verify) await verifyTombstones(folder, sizes.get('tombstones'), problems)
  return {
    where,
    meta: parsed?.meta,
    uploaded: parsed?.uploaded,
    deletionTime,
    files,
    bytes: files.reduce((sum, file) => sum + file.size, 0),
    markers: files.map(file => file.path).filter(path => isMarker(path)),
    index: ends && { version: ends.version, symbols: ends.symbols, postingsLists: ends.postingsLists },
    ...contents,
    problems: problems.kept,
    problemCount: problems.count,
  }
}

async function verifyTombstones(folder: BlockFolder, size: number | undefined, problems: Problems): Promise<void> {
  if (size === undefined) return
  await problems.of(async () => readTombstones(await readWhole(folder, 'tombstones', size, TOMBSTONES_LIMIT)))
}

async function attempt<T>(problems: Problems, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    problems.add(rawMessageOf(error))
    return undefined
  }
}

async function readMeta(folder: BlockFolder, size: number | undefined): Promise<ParsedMeta> {
  if (size === undefined) throw new Error(`${META}: must be there`)
  const bytes = await readWhole(folder, META, size, META_LIMIT)
  return parseMeta(bytes, isBlockId(folder.name) ? folder.name : ownId(bytes))
}

/** A copy of a block may lie in a folder of any name: then the meta's own ULID is believed. */
function ownId(bytes: Uint8Array): BlockId {
  return parseGo({ name: META, code: ErrorCode.corruptBlock }, object({ ulid }), bytes).ulid
}

async function readMark(
  folder: BlockFolder,
  size: number | undefined,
  id: BlockId | undefined,
  now: number,
): Promise<number | undefined> {
  if (size === undefined || id === undefined) return undefined
  const time = parseDeletionMark(await readWhole(folder, MARK, size, MARK_LIMIT), id)
  const problem = futureMark(time, now)
  if (problem !== undefined) throw new Error(problem)
  return time
}

async function readWhole({ read }: BlockFolder, file: string, size: number, limit: number): Promise<Uint8Array> {
  if (size > limit) throw new Error(`${file}: must have <= ${limit} bytes: current value is ${size}`)
  return size === 0 ? new Uint8Array() : await read(file, 0, size)
}

function filesProblems(declared: readonly DeclaredFile[], sizes: ReadonlyMap<string, number>): string[] {
  return declared.flatMap(({ path, size }) => {
    const actual = sizes.get(path)
    if (actual === undefined) return [`${path}: must be there: the meta declares it`]
    // No tool knows the size of meta.json while it writes it.
    if (path === META || size === undefined || size === actual) return []
    return [`${path}: must have ${size} bytes: current value is ${actual}`]
  })
}

async function readIndex(
  folder: BlockFolder,
  size: number,
): Promise<NonNullable<BlockReport['index']> & { readonly version: IndexVersion; readonly toc: IndexToc }> {
  assertIndexSize(size)
  const version = parseIndexStart(await folder.read('index', 0, INDEX_START_BYTES))
  const toc = parseIndexToc(await folder.read('index', size - INDEX_TOC_BYTES, INDEX_TOC_BYTES), size)
  // A section is be32 length, then its body, which begins with be32 count.
  const countAt = async (offset: number) => {
    const bytes = await folder.read('index', offset + 4, 4)
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0)
  }
  return { version, toc, symbols: await countAt(toc.symbols), postingsLists: await countAt(toc.postingsTable) }
}
