/** A block on the disk: its readers, and how it comes and goes. */
import { BlockgateError, type BlockReader, ErrorCode, type LoadedBlock, type LocalFiles, orAborted } from 'blockgate'
import { below } from './below.ts'
import { isSameMeta } from './same-meta.ts'

/** Where all blocks of a sink are. */
export interface Place {
  readonly files: LocalFiles
  /** Folder of the blocks. */
  readonly path: string
}

/** What few blocks have: most are never moved, and asked by nobody. */
interface Moves {
  moved: Promise<void>
  left: Promise<void> | undefined
  removed: Promise<void> | undefined
  onIdle: (() => void) | undefined
}

/** copied (temp folder) → shown (its own folder) → left (temp folder) → removed, once the last reader closed. */
export class HeldBlock implements LoadedBlock {
  meta: LoadedBlock['meta']
  readonly bytes: number
  readonly fence: number | undefined
  readonly #place: Place
  #readers = 0
  /** Undefined while it is its own. */
  #folder: string | undefined
  #moves: Moves | undefined

  /** `folder` is where its files are now. */
  constructor(place: Place, folder: string, { meta, bytes, fence }: LoadedBlock) {
    this.meta = meta
    this.bytes = bytes
    this.fence = fence
    this.#place = place
    this.#at(folder)
  }

  /** As it is offered. Where it says the same, one copy of it is enough. */
  offered(meta: LoadedBlock['meta']): void {
    if (meta !== this.meta && isSameMeta(meta, this.meta)) this.meta = meta
  }

  /** One rename. Readers read on. */
  move(folder: string): Promise<void> {
    const moves = this.#moving()
    moves.moved = this.#place.files.rename(this.#where, folder).then(() => this.#at(folder))
    return moves.moved
  }

  /** As move(), the first time it is called. */
  leave(folder: string): Promise<void> {
    const moves = this.#moving()
    moves.left ??= this.move(folder)
    return moves.left
  }

  /** Removes the files, once no reader is open, or does with their folder what `instead` does. Nobody may open() any more. */
  remove(instead?: (folder: string) => Promise<void>): Promise<void> {
    const moves = this.#moving()
    moves.removed ??= this.#remove(moves, instead)
    return moves.removed
  }

  /** @param own sizes of files that are the sink's own: they stand in no meta */
  open(own: ReadonlyMap<string, number> = new Map()): BlockReader {
    const { meta } = this
    this.#readers++
    let isOpen = true
    return {
      meta,
      files: {
        read: async (file, offset, length, signal) => {
          if (!isOpen) {
            throw new BlockgateError(ErrorCode.stageMisuse, `a closed reader of ${meta.ulid} must not be read from`)
          }
          this.#assertRange(file, own.get(file), offset, length)
          return await this.#read(file, offset, length, signal)
        },
      },
      [Symbol.dispose]: () => {
        if (isOpen && --this.#readers === 0) this.#moves?.onIdle?.()
        isOpen = false
      },
    }
  }

  async #read(file: string, offset: number, length: number, signal: AbortSignal): Promise<Uint8Array> {
    for (;;) {
      signal.throwIfAborted()
      const folder = this.#where
      try {
        return await orAborted(this.#place.files.read(`${folder}/${file}`, offset, length, true), signal)
      } catch (error) {
        // Perhaps a drop moved the folder away just then; a move that failed left everything where it was.
        await this.#moves?.moved.catch(() => {})
        if (this.#where === folder) throw error
      }
    }
  }

  /** Offsets are read from the block's own files, so one that leads outside means that the block is damaged. */
  #assertRange(file: string, own: number | undefined, offset: number, length: number): void {
    const size = own ?? this.meta.files.find(({ path }) => path === file)?.size
    if (size === undefined) {
      const text = `block ${this.meta.ulid} has no file ${JSON.stringify(file.slice(0, 64))}`
      throw new BlockgateError(ErrorCode.notFound, text)
    }
    if (!(offset >= 0 && length >= 0 && offset + length <= size)) {
      const text = `cannot read ${length} bytes at ${offset} of "${file}": it has ${size} bytes`
      throw new BlockgateError(ErrorCode.corruptBlock, text)
    }
  }

  async #remove(moves: Moves, instead?: (folder: string) => Promise<void>): Promise<void> {
    if (this.#readers > 0) {
      await new Promise<void>(resolve => {
        moves.onIdle = resolve
      })
    }
    await (instead ? instead(this.#where) : this.#place.files.remove(this.#where))
  }

  get #where(): string {
    return this.#folder ?? below(this.#place.path, this.meta.ulid)
  }

  #at(folder: string): void {
    this.#folder = folder === below(this.#place.path, this.meta.ulid) ? undefined : folder
  }

  #moving(): Moves {
    this.#moves ??= { moved: Promise.resolve(), left: undefined, removed: undefined, onIdle: undefined }
    return this.#moves
  }
}
