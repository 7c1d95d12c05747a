/** Index-headers of blocks that are asked, in memory: opened on first use, the least recently used closed. */
import type { BlockId } from '../contracts/block.ts'
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'
import type { BlockReader } from '../contracts/stage.ts'
import { checkIndexHeader, encodeIndexHeader, type IndexEnds } from '../tsdb/index-header.ts'
import { IndexLookup } from '../tsdb/index-lookup.ts'
import { INDEX_START_BYTES, INDEX_TOC_BYTES, parseIndexStart, parseIndexToc } from '../tsdb/index-toc.ts'

/** Where a sink that keeps index-headers has that of a block. */
export const HEADER_FILE = 'index-header'

const READ_BYTES = 4 * 1024 * 1024

interface Opened {
  readonly lookup: Promise<IndexLookup>
  bytes: number
}

export class Headers {
  readonly #maxBytes: number
  readonly #opened = new Map<BlockId, Opened>()
  #bytes = 0

  /** @param maxBytes what all headers together may take; one that is larger alone is opened all the same */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Bytes of all that are open. */
  get bytes(): number {
    return this.#bytes
  }

  /** The look-ups of a block. An error is thrown to all who wait for it, and forgotten: the next one tries again. */
  async get(reader: BlockReader, signal: AbortSignal): Promise<IndexLookup> {
    const id = reader.meta.ulid
    const known = this.#opened.get(id)
    if (known) {
      // Behind all others: the first ones are closed first.
      this.#opened.delete(id)
      this.#opened.set(id, known)
      return await known.lookup
    }
    const opened: Opened = { lookup: open(reader, signal), bytes: 0 }
    this.#opened.set(id, opened)
    try {
      const lookup = await opened.lookup
      if (this.#opened.get(id) === opened) {
        opened.bytes = lookup.bytes
        this.#bytes += opened.bytes
        this.#closeOldest(id)
      }
      return lookup
    } catch (error) {
      if (this.#opened.get(id) === opened) this.#opened.delete(id)
      throw error
    }
  }

  /** Of a block that is gone. */
  forget(id: BlockId): void {
    this.#bytes -= this.#opened.get(id)?.bytes ?? 0
    this.#opened.delete(id)
  }

  #closeOldest(keep: BlockId): void {
    for (const [id, { bytes }] of this.#opened) {
      if (this.#bytes <= this.#maxBytes) return
      if (id === keep || bytes === 0) continue
      this.forget(id)
    }
  }
}

/** Reads the header where the sink has one, and else makes it from the index. */
async function open(reader: BlockReader, signal: AbortSignal): Promise<IndexLookup> {
  const { files, headerBytes } = reader
  const bytes =
    headerBytes === undefined ? await built(reader, signal) : await files.read(HEADER_FILE, 0, headerBytes, signal)
  const at = async (offset: number, length: number) => bytes.subarray(offset, offset + length)
  return new IndexLookup(bytes, await checkIndexHeader(bytes.length, at))
}

async function built({ meta, files }: BlockReader, signal: AbortSignal): Promise<Uint8Array> {
  const size = meta.files.find(({ path }) => path === 'index')?.size
  if (size === undefined) {
    throw new BlockgateError(ErrorCode.corruptBlock, `${meta.ulid}: the size of its index must be known`)
  }
  const start = await files.read('index', 0, INDEX_START_BYTES, signal)
  const toc = await files.read('index', size - INDEX_TOC_BYTES, INDEX_TOC_BYTES, signal)
  const ends: IndexEnds = { version: parseIndexStart(start), size, toc: parseIndexToc(toc, size) }
  const parts: Uint8Array[] = []
  const read = async function* (from: number, to: number) {
    for (let at = from; at < to; at += READ_BYTES)
      yield await files.read('index', at, Math.min(READ_BYTES, to - at), signal)
  }
  let length = 0
  for await (const part of encodeIndexHeader(ends, read)) {
    parts.push(part)
    length += part.length
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
