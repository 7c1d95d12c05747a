/** The blocks that show, those on their way in, and those on their way out. */
import {
  type BlockContext,
  BlockgateError,
  type BlockId,
  BlockMap,
  type BlockMeta,
  type BlockReader,
  ErrorCode,
  errorFields,
  inSlices,
  type LoadedBlock,
  type LocalFiles,
  type Log,
  orAborted,
  type PreparedBlock,
  type Services,
  StaleFence,
  Turns,
  type WarmBlocks,
} from 'blockgate'
import { below } from './below.ts'
import { HeldBlock, type Place } from './held-block.ts'
import { type FilesOf, KnownWriter } from './known-writer.ts'
import { encodeManifest, MANIFEST } from './manifest.ts'
import { blockFolders, type Damage, type FoundFolder, restore } from './restore.ts'
import { isSameMeta } from './same-meta.ts'
import { type Verify, WarmFolders } from './warm-blocks.ts'

export interface BlockStoreOptions {
  /** The sink's name: it is in the manifests. */
  readonly sink: string
  /** Folder of the blocks on the disk; '' is its root. */
  readonly path: string
  readonly damage: Damage
  /** The files of a block that shows, without the manifest: where all look as before, a start does not examine the block. Default: it does. */
  readonly filesOf?: FilesOf | undefined
  /** How a block that was loaded ahead is checked before it shows. Default: none is kept. */
  readonly verify?: Verify | undefined
  /** True for the name of a file that another program may have left in the folder of a block, and that may go. Default: none. */
  readonly mayGo?: ((name: string) => boolean) | undefined
}

interface Disk extends Place {
  readonly log: Log
}

/**
 * What a sink that keeps blocks on a disk is made of: a folder a block, with a manifest in it, below one path. A block comes
 * and goes by one rename from and to `.blockgate-tmp`, so a process that dies at any byte leaves whole blocks, and something
 * in `.blockgate-tmp`, which the next start removes. A folder without a manifest of this sink is unmanaged: it is left alone,
 * whatever its name, for the user may have pointed `path` at a Prometheus data directory.
 *
 * @example const store = new BlockStore({ sink: 'directory', path: 'blocks', damage: async () => undefined })
 */
export class BlockStore {
  readonly #options: BlockStoreOptions
  readonly #temp: string
  readonly #held = new BlockMap<HeldBlock>()
  /** For one block, a rename that shows it and one that takes it away must not overlap. */
  readonly #turns = new Turns<BlockId>()
  readonly #leaving = new Set<Promise<void>>()
  /** Blocks where an unmanaged folder stands. One that is being imported is not among them. */
  readonly #unmanaged = new Set<BlockId>()
  /** Blocks that were loaded ahead. */
  readonly #warm: WarmFolders
  #disk: Disk | undefined
  #known: KnownWriter | undefined
  #names = 0

  constructor(options: BlockStoreOptions) {
    this.#options = options
    this.#temp = below(options.path, '.blockgate-tmp')
    const verify: Verify = options.verify ?? (async () => {})
    this.#warm = new WarmFolders({ ...options, verify, tempFolder: id => this.#tempFolder(id) })
  }

  /**
   * Removes damaged blocks and what a process that died left in the temp folder, and shows the blocks that are whole. An observer
   * removes nothing: the gateway that runs may be writing what does not look whole.
   * @returns the unmanaged folders whose files all may go
   * @throws BlockgateError of the disk, or `unsupported` where there is none; the reason of `signal`, soon after it aborts
   */
  async start(
    { files, host, observer }: Pick<Services, 'files' | 'host' | 'observer'>,
    signal?: AbortSignal,
  ): Promise<readonly FoundFolder[]> {
    const { sink } = this.#options
    if (!files) throw new BlockgateError(ErrorCode.unsupported, `${sink} needs a disk: services.files is undefined`)
    if (!observer) await files.remove(this.#temp)
    const disk = { files, path: this.#options.path, log: host.log }
    this.#disk = disk
    const examined = await restore(files, this.#options, host, signal)
    await inSlices(host, examined, ({ id, folder, block }) => {
      if (block) this.#held.set(id, new HeldBlock(disk, folder, block))
    })
    for (const { id, why } of observer ? [] : examined) {
      if (why === undefined) continue
      host.log.warn('a damaged block is removed from the disk and will be loaded again', { block: id, why })
      await this.#discard(id)
    }
    const unmanaged = examined.filter(({ block, why }) => !block && why === undefined)
    const { filesOf } = this.#options
    if (!observer && filesOf) {
      this.#known = new KnownWriter({ ...this.#options, filesOf, held: this.#held }, files, host)
      this.#known.changed(examined.filter(({ isKnown }) => !isKnown).length)
    }
    if (this.#options.verify) await this.#warm.start(files, host.log, observer)
    for (const { id } of unmanaged) this.#unmanaged.add(id)
    this.#warnOf(unmanaged)
    return unmanaged.filter(found => this.#strange(found).length === 0)
  }

  get loaded(): ReadonlyMap<BlockId, LoadedBlock> {
    return this.#held
  }

  /** The disk. @throws BlockgateError `stage-misuse` before the start */
  get files(): LocalFiles {
    return this.#started().files
  }

  /** Where the files of a block are once it shows. */
  folderOf(id: BlockId): string {
    return below(this.#options.path, id)
  }

  /** @param own as in HeldBlock.open */
  open(id: BlockId, own?: ReadonlyMap<string, number>): BlockReader | undefined {
    return this.#held.get(id)?.open(own)
  }

  /**
   * Asks the disk budget, and the disk, whether there is room for `bytes` of the block; a disk that fills up meanwhile fails the write.
   * @throws BlockgateError `disk-budget` or `disk-full`
   */
  async reserve(block: BlockContext, bytes: number): Promise<void> {
    block.reserve?.(bytes)
    // What had to go for it is off the disk before anything is written.
    await this.#warm.gone()
    let free = await this.files.free()
    if (free < bytes && !this.#warm.isEmpty) {
      this.#warm.shrink(0)
      await this.#warm.gone()
      free = await this.files.free()
    }
    if (free >= bytes) return
    throw new BlockgateError(ErrorCode.diskFull, `the block needs ${bytes} bytes: the disk has ${free} free`)
  }

  /** `fill` writes the block's files into the folder it is given, and gives their bytes. Whatever fails, nothing is left. */
  async prepare(block: BlockContext, fill: (folder: string) => Promise<number>): Promise<PreparedBlock> {
    const temp = this.#tempFolder(block.id)
    const held = new HeldBlock(this.#started(), temp, await this.#filled(block, temp, fill))
    return this.#prepared(
      held,
      () => held.move(this.folderOf(block.id)),
      () => this.#tidy(block.id, temp),
    )
  }

  /** As a sink's `warm`. `fill`: as for prepare(). */
  warm(fill: (block: BlockContext) => (folder: string) => Promise<number>): WarmBlocks {
    return this.#warm.blocks(async block => {
      const folder = this.#tempFolder(block.id)
      return { folder, block: await this.#filled(block, folder, fill(block)) }
    })
  }

  /** What was loaded ahead of the block, if anything was. Where it is not committed, it stays what it was. */
  async prepareWarm(block: BlockContext): Promise<PreparedBlock | undefined> {
    const { id, meta, lease, signal } = block
    const taken = this.#unmanaged.has(id) ? undefined : await this.#warm.take(block)
    if (!taken) return undefined
    const { folder } = taken
    const back = async () => this.#warm.back(taken.block)
    try {
      block.reserve?.(taken.block.bytes)
      const loaded = { meta, bytes: taken.block.bytes, fence: lease?.fence }
      // It says how things were when the block was loaded.
      if (loaded.fence !== taken.block.fence || !isSameMeta(meta, taken.block.meta))
        await this.files.writeAtomic(`${folder}/${MANIFEST}`, encodeManifest(this.#options.sink, loaded), signal)
      const held = new HeldBlock(this.#started(), folder, loaded)
      const place = async () => {
        await held.move(this.folderOf(id))
        this.#warm.hits++
      }
      return { ...this.#prepared(held, place, back), warm: true }
    } catch (error) {
      await back()
      throw error
    }
  }

  /**
   * Imports the folder that another program left where the block would show. `check` gives the bytes of what is in it, or
   * undefined where it is of no use: then the folder is removed. Until the commit the folder stays as it is.
   * @returns undefined where there is nothing to import
   * @throws BlockgateError `disk-failed` where a file in it may not go
   */
  async import(
    block: BlockContext,
    check: (found: FoundFolder) => Promise<number | undefined>,
  ): Promise<PreparedBlock | undefined> {
    const { id } = block
    // Of two attempts at once the later one makes a copy of its own.
    if (!this.#unmanaged.delete(id)) return undefined
    const temp = this.#tempFolder(id)
    const folder = this.folderOf(id)
    const back = () => void this.#unmanaged.add(id)
    const undo = async () => {
      await this.#tidy(id, temp)
      back()
    }
    try {
      // As it is now: somebody may have removed it since the start.
      const [found] = await blockFolders(await this.files.list(folder), this.#options.path)
      if (!found) return undefined
      this.#assertMayGo(found)
      const bytes = await check(found)
      if (bytes === undefined) {
        await this.#discard(id)
        return undefined
      }
      const held = new HeldBlock(this.#started(), folder, await this.#filled(block, temp, async () => bytes))
      const place = async () => {
        await this.files.rename(`${temp}/${MANIFEST}`, `${folder}/${MANIFEST}`)
        await this.#tidy(id, temp)
      }
      return this.#prepared(held, place, undo)
    } catch (error) {
      back()
      throw error
    }
  }

  /** As a sink's `offered()`. */
  offered(meta: BlockMeta): void {
    this.#held.get(meta.ulid)?.offered(meta)
  }

  /**
   * Gone from `loaded` at once. Resolves when the files are gone too, or kept warm; where the signal aborts before, they still go. `isWhole`:
   * nothing is wrong with it.
   */
  async drop(id: BlockId, signal: AbortSignal, isWhole = true): Promise<void> {
    const block = this.#held.get(id)
    if (!block) return
    this.#held.delete(id)
    this.#known?.changed(1)
    const isKept = isWhole && this.#warm.hasRoom(block)
    const keep = (folder: string) => this.#warm.keepDropped(folder, block, () => this.#held.has(id))
    await orAborted(this.#away(id, block, isKept ? keep : undefined), signal)
  }

  /** Resolves when nothing is on its way out, or when time is up: the next start removes what is left. */
  async stop(signal: AbortSignal): Promise<void> {
    await orAborted(Promise.allSettled([...this.#leaving, this.#warm.gone()]), signal).catch(() => {})
    await this.#known?.stop(signal)
  }

  #started(): Disk {
    if (this.#disk) return this.#disk
    throw new BlockgateError(ErrorCode.stageMisuse, `${this.#options.sink} must be started before it is used`)
  }

  /** Never the same twice: an attempt that was given up may still write when the next one starts. */
  #tempFolder(id: BlockId): string {
    this.#names++
    return `${this.#temp}/${id}-${this.#names}`
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
      const manifest = encodeManifest(this.#options.sink, loaded)
      await this.files.writeAtomic(`${temp}/${MANIFEST}`, manifest, signal)
      signal.throwIfAborted()
      return loaded
    } catch (error) {
      await this.#tidy(id, temp)
      throw error
    }
  }

  /** `place` brings the files where the block shows; `undo` is called where it was not committed. */
  #prepared(block: HeldBlock, place: () => Promise<void>, undo: () => Promise<void>): PreparedBlock {
    const id = block.meta.ulid
    let committed: Promise<void> | undefined
    let disposed: Promise<void> | undefined
    return {
      bytes: block.bytes,
      commit: async () => {
        if (disposed) throw new BlockgateError(ErrorCode.stageMisuse, `disposed block ${id} must not be committed`)
        committed ??= this.#show(block, place)
        await committed
      },
      [Symbol.asyncDispose]: async () => {
        disposed ??= committed ? committed.catch(undo) : undo()
        await disposed
      },
    }
  }

  /** Brings the block where it shows, in the place of an older copy. A higher fence than the new one's keeps the older. */
  #show(block: HeldBlock, place: () => Promise<void>): Promise<void> {
    const { meta, fence } = block
    const id = meta.ulid
    return this.#turns.run(id, async () => {
      const old = this.#held.get(id)
      if (fence !== undefined && old?.fence !== undefined && fence < old.fence) {
        throw new StaleFence(`fence of block ${id} must be >= ${old.fence}: current value is ${fence}`)
      }
      await old?.leave(this.#tempFolder(id))
      try {
        await place()
        this.#held.set(id, block)
        this.#known?.changed(1)
      } catch (error) {
        if (old) this.#held.delete(id)
        throw error
      } finally {
        // #away() has logged what fails: for the caller the new copy counts.
        if (old) this.#away(id, old).catch(() => {})
      }
    })
  }

  #away(id: BlockId, block: HeldBlock, instead?: (folder: string) => Promise<void>): Promise<void> {
    const work = async () => {
      try {
        await this.#turns.run(id, () => block.leave(this.#tempFolder(id)))
        await block.remove(instead)
      } catch (error) {
        const message = 'files of a dropped block stay on the disk until the next start'
        this.#disk?.log.warn(message, { block: id, ...errorFields(error) })
        throw error
      }
    }
    const gone = work().finally(() => this.#leaving.delete(gone))
    this.#leaving.add(gone)
    return gone
  }

  /** Removes a folder that shows and is not a block of this store, as a block goes. */
  async #discard(id: BlockId): Promise<void> {
    const temp = this.#tempFolder(id)
    await this.#turns.run(id, () => this.files.rename(this.folderOf(id), temp))
    await this.files.remove(temp)
  }

  /** Why a block failed matters more than what is left of it: the next start removes that. */
  async #tidy(id: BlockId, temp: string): Promise<void> {
    const { files, log } = this.#started()
    try {
      await files.remove(temp)
    } catch (error) {
      log.warn('temp files of a block stay on the disk until the next start', { block: id, ...errorFields(error) })
    }
  }

  #assertMayGo(found: FoundFolder): void {
    const strange = this.#strange(found)
    if (strange.length === 0) return
    const text = `folder "${found.folder}" is in the way of this block: this sink did not make ${someOf(strange)}`
    throw new BlockgateError(ErrorCode.diskFailed, text)
  }

  /** The files that may not go: then the folder is somebody's data. */
  #strange({ sizes }: FoundFolder): readonly string[] {
    return [...sizes.keys()].filter(name => !this.#options.mayGo?.(name)).sort()
  }

  /** One line for all of them. */
  #warnOf(unmanaged: readonly FoundFolder[]): void {
    const all = unmanaged.filter(found => this.#strange(found).length > 0).toSorted((a, b) => (a.id < b.id ? -1 : 1))
    if (all.length === 0) return
    const message =
      'files that this sink did not make are in the way: they are not touched, and their blocks cannot be loaded'
    const files = all.flatMap(found => this.#strange(found).map(name => below(found.folder, name)))
    this.#started().log.warn(message, { blocks: someOf(all.map(({ id }) => id)), files: someOf(files) })
  }
}

const NAMED = 5

/** A few of the names, and how many more there are. */
function someOf(names: readonly string[]): string {
  const more = names.length - NAMED
  return names.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
