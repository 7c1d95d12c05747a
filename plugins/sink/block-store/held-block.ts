/** A block on the disk: its readers, and how it comes and goes. */
import { BlockgateError, type BlockReader, ErrorCode, type LoadedBlock, type LocalFiles, orAborted } from 'blockgate'

/** copied (temp folder) → shown (its own folder) → left (temp folder) → removed, once the last reader closed. */
export class HeldBlock implements LoadedBlock {
  readonly meta: LoadedBlock['meta']
  readonly bytes: number
  readonly fence: number | undefined
  readonly #files: LocalFiles
  readonly #readers = new Set<symbol>()
  #folder: string
  #moved: Promise<void> = Promise.resolve()
  #left: Promise<void> | undefined
  #removed: Promise<void> | undefined
  #onIdle = () => {}

  /** `folder` is where its files are now. */
  constructor(files: LocalFiles, folder: string, { meta, bytes, fence }: LoadedBlock) {
    this.meta = meta
    this.bytes = bytes
    this.fence = fence
    this.#files = files
    this.#folder = folder
  }

  /** One rename. Readers read on. */
  move(folder: string): Promise<void> {
    this.#moved = this.#files.rename(this.#folder, folder).then(() => {
      this.#folder = folder
    })
    return this.#moved
  }

  /** As move(), the first time it is called. */
  leave(folder: string): Promise<void> {
    this.#left ??= this.move(folder)
    return this.#left
  }

  /** Removes the files, once no reader is open. Nobody may open() any more. */
  remove(): Promise<void> {
    this.#removed ??= this.#remove()
    return this.#removed
  }

  /** @param own sizes of files that are the sink's own: they stand in no meta */
  open(own: ReadonlyMap<string, number> = new Map()): BlockReader {
    const { meta } = this
    const reader = Symbol(meta.ulid)
    this.#readers.add(reader)
    return {
      meta,
      files: {
        read: async (file, offset, length, signal) => {
          if (!this.#readers.has(reader)) {
            throw new BlockgateError(ErrorCode.stageMisuse, `a closed reader of ${meta.ulid} must not be read from`)
          }
          this.#assertRange(file, own.get(file), offset, length)
          return await this.#read(file, offset, length, signal)
        },
      },
      [Symbol.dispose]: () => {
        this.#readers.delete(reader)
        if (this.#readers.size === 0) this.#onIdle()
      },
    }
  }

  async #read(file: string, offset: number, length: number, signal: AbortSignal): Promise<Uint8Array> {
    for (;;) {
      signal.throwIfAborted()
      const folder = this.#folder
      try {
        return await orAborted(this.#files.read(`${folder}/${file}`, offset, length, true), signal)
      } catch (error) {
        // Perhaps a drop moved the folder away just then; a move that failed left everything where it was.
        await this.#moved.catch(() => {})
        if (this.#folder === folder) throw error
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

  async #remove(): Promise<void> {
    if (this.#readers.size > 0) {
      await new Promise<void>(resolve => {
        this.#onIdle = resolve
      })
    }
    await this.#files.remove(this.#folder)
  }
}
