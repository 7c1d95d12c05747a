/**
 * Index-headers of blocks that are asked, in memory: opened on first use, the least recently used closed.
 *
 *   opening → open, in use ⇄ open → closed
 */

import { joined } from '../async/bytes.ts'
import { Places } from '../async/places.ts'
import { SharedWork } from '../async/shared-work.ts'
import type { BlockId, BlockMeta } from '../contracts/block.ts'
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'
import type { BlockReader } from '../contracts/stage.ts'
import { checkIndexHeader, encodeIndexHeader, type IndexEnds } from '../tsdb/index-header.ts'
import { IndexLookup } from '../tsdb/index-lookup.ts'
import { INDEX_START_BYTES, INDEX_TOC_BYTES, parseIndexStart, parseIndexToc } from '../tsdb/index-toc.ts'

/** Where a sink that keeps index-headers has that of a block. */
export const HEADER_FILE = 'index-header'

const READ_BYTES = 4 * 1024 * 1024

export interface HeadersOptions {
  /** What all headers together may take, bytes. Those in use may take more: they are closed when they are let go. */
  readonly maxBytes: number
  /** Headers that are opened at once: while one is opened, its bytes are in memory and not counted yet. */
  readonly concurrency: number
}

/** A header that is not closed until this is disposed of, once. */
export interface HeldHeader extends Disposable {
  readonly lookup: IndexLookup
}

interface Opened {
  readonly lookup: IndexLookup
  users: number
}

export class Headers {
  readonly #maxBytes: number
  readonly #places: Places
  /** Those used last are last. */
  readonly #open = new Map<BlockId, Opened>()
  readonly #opening = new Map<BlockId, SharedWork<IndexLookup>>()
  #bytes = 0

  constructor({ maxBytes, concurrency }: HeadersOptions) {
    this.#maxBytes = maxBytes
    this.#places = new Places(concurrency)
  }

  /** Bytes of all that are open. */
  get bytes(): number {
    return this.#bytes
  }

  /** How many are open. */
  get size(): number {
    return this.#open.size
  }

  /**
   * The header of a block, for as long as it is held. Who asks for one that is being opened waits for that. An error goes to all who
   * wait for it, and is forgotten: the next one tries again.
   */
  async hold(reader: BlockReader, signal: AbortSignal): Promise<HeldHeader> {
    const id = reader.meta.ulid
    for (;;) {
      const known = this.#open.get(id)
      if (known) return this.#held(id, known)
      signal.throwIfAborted()
      await this.#opened(reader, signal)
    }
  }

  /** Closes those of blocks that are gone. */
  forgetAllBut(loaded: { has(id: BlockId): boolean }): void {
    for (const [id, { users }] of this.#open) if (users === 0 && !loaded.has(id)) this.#close(id)
  }

  /** Resolves when it is in `#open`. */
  async #opened(reader: BlockReader, signal: AbortSignal): Promise<void> {
    const id = reader.meta.ulid
    let opening = this.#opening.get(id)
    if (!opening || opening.abandoned) {
      const begun = new SharedWork(async shared => {
        using _ = await this.#places.take(shared)
        return await open(reader, shared)
      })
      opening = begun
      this.#opening.set(id, begun)
      void begun.ended.then(() => {
        if (this.#opening.get(id) === begun) this.#opening.delete(id)
      })
    }
    const lookup = await opening.wait(signal)
    // Of all who waited, the first one.
    if (this.#open.has(id)) return
    this.#open.set(id, { lookup, users: 0 })
    this.#bytes += lookup.bytes
  }

  #held(id: BlockId, opened: Opened): HeldHeader {
    opened.users++
    // Behind all others: the first ones are closed first.
    this.#open.delete(id)
    this.#open.set(id, opened)
    this.#closeOldest()
    let held = true
    return {
      lookup: opened.lookup,
      [Symbol.dispose]: () => {
        if (!held) return
        held = false
        opened.users--
        this.#closeOldest()
      },
    }
  }

  #closeOldest(): void {
    for (const [id, { users }] of this.#open) {
      if (this.#bytes <= this.#maxBytes) return
      if (users === 0) this.#close(id)
    }
  }

  #close(id: BlockId): void {
    this.#bytes -= this.#open.get(id)?.lookup.bytes ?? 0
    this.#open.delete(id)
  }
}

/** Reads the header where the sink has one, and else makes it from the index. */
async function open(reader: BlockReader, signal: AbortSignal): Promise<IndexLookup> {
  const { files, headerBytes, meta } = reader
  const bytes =
    headerBytes === undefined ? await built(reader, signal) : await files.read(HEADER_FILE, 0, headerBytes, signal)
  const at = async (offset: number, length: number) => bytes.subarray(offset, offset + length)
  const header = await checkIndexHeader(bytes.length, at)
  // It says where things stand in the index as it was.
  const size = indexSize(meta)
  if (size === undefined || size === header.index.size) return new IndexLookup(bytes, header)
  const must = `${meta.ulid}: the index must have ${header.index.size} bytes, as its index-header says`
  throw new BlockgateError(ErrorCode.corruptBlock, `${must}: it has ${size}`)
}

function indexSize({ files }: BlockMeta): number | undefined {
  return files.find(({ path }) => path === 'index')?.size
}

async function built({ meta, files }: BlockReader, signal: AbortSignal): Promise<Uint8Array> {
  const size = indexSize(meta)
  if (size === undefined) {
    throw new BlockgateError(ErrorCode.corruptBlock, `${meta.ulid}: the size of its index must be known`)
  }
  // Side by side: in an object store each is a round trip.
  const [start, toc] = await Promise.all([
    files.read('index', 0, INDEX_START_BYTES, signal),
    files.read('index', size - INDEX_TOC_BYTES, INDEX_TOC_BYTES, signal),
  ])
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
  return joined(parts, length)
}
