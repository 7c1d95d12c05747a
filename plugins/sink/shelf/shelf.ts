/** The blocks that show, those on their way in, and those on their way out. */
import {
  type BlockContext,
  BlockgateError,
  type BlockId,
  BlockMap,
  type BlockReader,
  codeOf,
  ErrorCode,
  type Host,
  inSlices,
  type LoadedBlock,
  type LocalFiles,
  type Log,
  orAborted,
  type PreparedBlock,
  rawMessageOf,
  StaleFence,
  Turns,
} from 'blockgate'
import { HeldBlock } from './held-block.ts'
import { encodeManifest, MANIFEST } from './manifest.ts'
import { below, restore, type ShelfPlace, type ShelfRules } from './restore.ts'

export interface ShelfOptions {
  /** The sink's name: it is in the manifests. */
  readonly sink: string
  /** Folder of the blocks on the disk; '' is its root. */
  readonly path: string
}

/**
 * What a sink that keeps blocks on a disk is made of: a folder a block, with a manifest in it, below one path. A block comes
 * and goes by one rename from and to `.blockgate-tmp`, so a process that dies at any byte leaves whole blocks, and something
 * in `.blockgate-tmp`, which the next start removes.
 *
 * @example const shelf = new Shelf({ sink: 'directory', path: 'blocks' })
 */
export class Shelf {
  readonly loaded: Map<BlockId, LoadedBlock> = new BlockMap()
  readonly #place: ShelfPlace
  readonly #blocks = new BlockMap<HeldBlock>()
  /** For one block, a rename that shows it and one that takes it away must not overlap. */
  readonly #turns = new Turns<BlockId>()
  readonly #leaving = new Set<Promise<void>>()
  #disk: { readonly files: LocalFiles; readonly log: Log } | undefined
  #names = 0

  constructor({ sink, path }: ShelfOptions) {
    this.#place = { sink, path, temp: below(path, '.blockgate-tmp') }
  }

  /** Sweeps, and shows what is there already. @throws BlockgateError of the disk; the reason of `signal`, soon after it aborts */
  async start(files: LocalFiles, host: Host, rules: ShelfRules, signal?: AbortSignal): Promise<void> {
    if (!rules.observer) await files.remove(this.#place.temp)
    this.#disk = { files, log: host.log }
    await inSlices(host, await restore(files, this.#place, rules, host, signal), block => {
      this.#put(new HeldBlock(files, this.folderOf(block.meta.ulid), block))
    })
  }

  /** Where the files of a block are once it shows. */
  folderOf(id: BlockId): string {
    return below(this.#place.path, id)
  }

  open(id: BlockId): BlockReader | undefined {
    return this.#blocks.get(id)?.open()
  }

  /** `fill` writes the block's files into the folder it is given, and gives their bytes. Whatever fails, nothing is left. */
  async prepare(block: BlockContext, fill: (folder: string) => Promise<number>): Promise<PreparedBlock> {
    const { files } = this.#started()
    const temp = this.#tempFolder(block.id)
    const loaded = await this.#filled(block, temp, fill)
    const held = new HeldBlock(files, temp, loaded)
    return this.#prepared(held, temp, () => held.show(this.folderOf(block.id)))
  }

  /**
   * Takes over a folder that stands where the block would show and has all of its `bytes` but the manifest. `released` is
   * called when it was not committed: the folder is as it was.
   */
  async adopt(block: BlockContext, bytes: number, released: () => void): Promise<PreparedBlock> {
    const { files } = this.#started()
    const temp = this.#tempFolder(block.id)
    const folder = this.folderOf(block.id)
    let shown = false
    try {
      const loaded = await this.#filled(block, temp, async () => bytes)
      const prepared = this.#prepared(new HeldBlock(files, folder, loaded), temp, async () => {
        await files.rename(`${temp}/${MANIFEST}`, `${folder}/${MANIFEST}`)
        shown = true
        await this.#tidy(block.id, temp)
      })
      return {
        ...prepared,
        async [Symbol.asyncDispose]() {
          await prepared[Symbol.asyncDispose]()
          if (!shown) released()
        },
      }
    } catch (error) {
      released()
      throw error
    }
  }

  /** Gone from `loaded` at once. Resolves when the files are gone too; where the signal aborts before, they still go. */
  async drop(id: BlockId, signal: AbortSignal): Promise<void> {
    const block = this.#blocks.get(id)
    if (!block) return
    this.#forget(id)
    await orAborted(this.#away(id, block), signal)
  }

  /** Removes a folder that shows and is not a block of this shelf, as a block goes. */
  async discard(id: BlockId): Promise<void> {
    const { files } = this.#started()
    const temp = this.#tempFolder(id)
    await this.#turns.run(id, () => files.rename(this.folderOf(id), temp))
    await files.remove(temp)
  }

  /** Resolves when nothing is on its way out, or when time is up: the next start removes what is left. */
  async settled(signal: AbortSignal): Promise<void> {
    await orAborted(Promise.allSettled(this.#leaving), signal).catch(() => {})
  }

  #started(): { readonly files: LocalFiles; readonly log: Log } {
    if (this.#disk) return this.#disk
    throw new BlockgateError(ErrorCode.stageMisuse, `${this.#place.sink}() must be started before it is used`)
  }

  /** Never the same twice: an attempt that was given up may still write when the next one starts. */
  #tempFolder(id: BlockId): string {
    this.#names++
    return `${this.#place.temp}/${id}-${this.#names}`
  }

  /** Writes everything that can fail for want of room. The manifest is last: it says that all else is there. */
  async #filled(
    { id, meta, lease, signal }: BlockContext,
    temp: string,
    fill: (folder: string) => Promise<number>,
  ): Promise<LoadedBlock> {
    try {
      signal.throwIfAborted()
      const loaded = { meta, bytes: await fill(temp), fence: lease?.fence }
      const manifest = encodeManifest(this.#place.sink, loaded)
      await this.#started().files.writeAtomic(`${temp}/${MANIFEST}`, manifest, signal)
      signal.throwIfAborted()
      return loaded
    } catch (error) {
      await this.#tidy(id, temp)
      throw error
    }
  }

  #prepared(held: HeldBlock, temp: string, place: () => Promise<void>): PreparedBlock {
    const { bytes, meta } = held.loaded
    let committed: Promise<void> | undefined
    let disposed: Promise<void> | undefined
    return {
      bytes,
      commit: async () => {
        if (disposed) {
          throw new BlockgateError(ErrorCode.stageMisuse, `disposed block ${meta.ulid} must not be committed`)
        }
        committed ??= this.#show(held, place)
        await committed
      },
      [Symbol.asyncDispose]: async () => {
        const away = () => this.#tidy(meta.ulid, temp)
        disposed ??= committed ? committed.catch(away) : away()
        await disposed
      },
    }
  }

  /** Brings the block where it shows, in the place of an older copy. A higher fence than the new one's keeps the older. */
  #show(block: HeldBlock, place: () => Promise<void>): Promise<void> {
    const { ulid: id } = block.loaded.meta
    return this.#turns.run(id, async () => {
      const old = this.#blocks.get(id)
      if (old) {
        assertFence(id, block.loaded.fence, old.loaded.fence)
        await old.leave(this.#tempFolder(id))
      }
      try {
        await place()
        this.#put(block)
      } catch (error) {
        if (old) this.#forget(id)
        throw error
      } finally {
        // #away() has logged what fails: for the caller the new copy counts.
        if (old) this.#away(id, old).catch(() => {})
      }
    })
  }

  #put(block: HeldBlock): void {
    const { ulid } = block.loaded.meta
    this.#blocks.set(ulid, block)
    this.loaded.set(ulid, block.loaded)
  }

  #forget(id: BlockId): void {
    this.#blocks.delete(id)
    this.loaded.delete(id)
  }

  #away(id: BlockId, block: HeldBlock): Promise<void> {
    const work = async () => {
      try {
        await this.#turns.run(id, () => block.leave(this.#tempFolder(id)))
        await block.remove()
      } catch (error) {
        const fields = { block: id, code: codeOf(error), error: rawMessageOf(error) }
        this.#disk?.log.warn('files of a dropped block stay on the disk until the next start', fields)
        throw error
      }
    }
    const gone = work().finally(() => this.#leaving.delete(gone))
    this.#leaving.add(gone)
    return gone
  }

  /** Why a block failed matters more than what is left of it: the next start removes that. */
  async #tidy(id: BlockId, temp: string): Promise<void> {
    const { files, log } = this.#started()
    try {
      await files.remove(temp)
    } catch (error) {
      const fields = { block: id, error: rawMessageOf(error) }
      log.warn('temp files of a block stay on the disk until the next start', fields)
    }
  }
}

function assertFence(id: BlockId, fence: number | undefined, held: number | undefined): void {
  if (fence !== undefined && held !== undefined && fence < held) {
    throw new StaleFence(`fence of block ${id} must be >= ${held}: current value is ${fence}`)
  }
}
