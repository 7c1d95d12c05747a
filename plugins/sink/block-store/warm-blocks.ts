/**
 * Blocks that were loaded ahead: `.blockgate-warm/<ulid>` below the folder of the blocks, each whole, as it will show. One comes by a
 * rename from the temp folder, and goes by one to where it shows, or to the temp folder: a process that dies at any byte leaves it in one
 * place, whole. It is read, and checked, only when it is taken.
 */
import {
  type BlockContext,
  type BlockId,
  BlockMap,
  errorFields,
  type LoadedBlock,
  type LocalFiles,
  type Log,
  orAborted,
  rawMessageOf,
  type WarmBlocks,
} from 'blockgate'
import { below } from './below.ts'
import { decodeManifest, MANIFEST, MANIFEST_LIMIT } from './manifest.ts'
import { blockFolders } from './restore.ts'

/** Reads all of a block in `folder`. @throws where anything in it is not as it must be */
export type Verify = (files: LocalFiles, block: LoadedBlock, folder: string) => Promise<void>

interface Options {
  readonly sink: string
  readonly path: string
  readonly verify: Verify
  /** A name in the temp folder that nothing has yet. */
  tempFolder(id: BlockId): string
}

/** What is warm of a block, as it was written. */
export interface WarmBlock {
  readonly folder: string
  readonly block: LoadedBlock
}

export class WarmFolders {
  readonly #options: Options
  readonly #held = new BlockMap<number>()
  /** Of those of `held` that this process has made. */
  readonly #made = new BlockMap<LoadedBlock>()
  /** Loads that go on. */
  readonly #coming = new BlockMap<Promise<void>>()
  readonly #leaving = new Set<Promise<void>>()
  #disk: { readonly files: LocalFiles; readonly log: Log } | undefined
  /** Bytes that may be warm, of blocks that are dropped. */
  #room = 0
  hits = 0

  constructor(options: Options) {
    this.#options = options
  }

  /** Whether there is any. */
  get isEmpty(): boolean {
    return this.#held.size === 0
  }

  /** Finds what an earlier process left, by the sizes of the files; what has no manifest is none of ours, and goes. */
  async start(files: LocalFiles, log: Log, observer: boolean): Promise<void> {
    this.#disk = { files, log }
    this.#held.clear()
    this.#made.clear()
    if (observer) return
    for (const { id, sizes } of await blockFolders(await files.list(this.#path), this.#path)) {
      if (!sizes.has(MANIFEST)) this.forget(id)
      else this.#held.set(id, sum(sizes) - (sizes.get(MANIFEST) ?? 0))
    }
  }

  /** For the engine. `load` makes a block in a temp folder, and gives that; of one block never two at once. */
  blocks(load: (block: BlockContext) => Promise<WarmBlock>): WarmBlocks {
    const store = this
    return {
      held: this.#held,
      get hits() {
        return store.hits
      },
      async keep(block) {
        const { id } = block
        if (store.#held.has(id)) return
        const coming = store.#coming.get(id) ?? store.#keep(id, load(block)).finally(() => store.#coming.delete(id))
        store.#coming.set(id, coming)
        await coming
      },
      forget: id => this.forget(id),
      shrink: bytes => this.shrink(bytes),
      keepDropped: bytes => {
        this.#room = bytes
      },
    }
  }

  /**
   * What is warm of the block, verified; one that is on its way is waited for. It is not held any more.
   * @returns undefined where there is nothing, or nothing good
   * @throws the reason of the block's signal
   */
  async take(block: BlockContext): Promise<WarmBlock | undefined> {
    const { id, signal } = block
    const coming = this.#coming.get(id)
    if (coming)
      await orAborted(
        coming.catch(() => {}),
        signal,
      )
    const bytes = this.#held.get(id)
    if (bytes === undefined || !this.#disk) return undefined
    const { files, log } = this.#disk
    const made = this.#made.get(id)
    this.#held.delete(id)
    this.#made.delete(id)
    const folder = this.#folderOf(id)
    try {
      const taken = made ?? (await this.#read(files, id))
      await this.#options.verify(files, taken, folder)
      return { folder, block: taken }
    } catch (error) {
      log.warn('a block that was loaded ahead is damaged: it is loaded again', { block: id, why: rawMessageOf(error) })
      await this.#remove(id)
      return undefined
    }
  }

  /** Whether a block that is dropped may stay warm. */
  hasRoom({ bytes }: LoadedBlock): boolean {
    return sum(this.#held) + bytes <= this.#room
  }

  /** A block that was shown, and is in `folder`. Where it is shown again, nobody needs it. */
  async keepDropped(folder: string, block: LoadedBlock, isShown: () => boolean): Promise<void> {
    const id = block.meta.ulid
    if (this.#held.has(id) || this.#coming.has(id) || isShown()) return void (await this.#disk?.files.remove(folder))
    const { meta, bytes, fence } = block
    await this.#keep(id, Promise.resolve({ folder, block: { meta, bytes, fence } }))
    if (isShown()) this.forget(id)
  }

  /** It was taken, and is not needed after all. */
  back({ meta, bytes }: LoadedBlock): void {
    this.#held.set(meta.ulid, bytes)
  }

  forget(id: BlockId): void {
    this.#held.delete(id)
    this.#made.delete(id)
    const gone: Promise<void> = this.#remove(id)
      .catch(error => {
        const message = 'files of a block that was loaded ahead stay on the disk until the next start'
        this.#disk?.log.warn(message, { block: id, ...errorFields(error) })
      })
      .finally(() => this.#leaving.delete(gone))
    this.#leaving.add(gone)
  }

  shrink(bytes: number): void {
    let held = this.#held.size > 0 ? sum(this.#held) : 0
    if (held <= bytes) return
    for (const [id, size] of [...this.#held].reverse()) {
      if (held <= bytes) return
      held -= size
      this.forget(id)
    }
  }

  /** Resolves when the files of all that was forgotten are gone. Never rejects. */
  async gone(): Promise<void> {
    await Promise.all(this.#leaving)
  }

  async #keep(id: BlockId, load: Promise<WarmBlock>): Promise<void> {
    const { folder, block } = await load
    const { files, log } = this.#disk ?? {}
    try {
      await files?.rename(folder, this.#folderOf(id))
      this.#held.set(id, block.bytes)
      this.#made.set(id, block)
    } catch (error) {
      await files?.remove(folder).catch(why => log?.warn('temp files stay', { block: id, ...errorFields(why) }))
      throw error
    }
  }

  async #read(files: LocalFiles, id: BlockId): Promise<LoadedBlock> {
    const path = `${this.#folderOf(id)}/${MANIFEST}`
    const [found] = await files.list(path.slice(0, -MANIFEST.length - 1)).then(all => all.filter(f => f.path === path))
    if (!found || found.size > MANIFEST_LIMIT) throw new Error('its manifest is gone')
    const manifest = decodeManifest(await files.read(path, 0, found.size), id)
    if (manifest?.sink === this.#options.sink) return manifest.block
    throw new Error(`${MANIFEST} is no manifest of this block`)
  }

  /** By a rename first: what is half removed must not look like a block. */
  async #remove(id: BlockId): Promise<void> {
    const { files } = this.#disk ?? {}
    const temp = this.#options.tempFolder(id)
    const [found] = (await files?.list(this.#folderOf(id))) ?? []
    if (!files || !found) return
    await files.rename(this.#folderOf(id), temp)
    await files.remove(temp)
  }

  get #path(): string {
    return below(this.#options.path, '.blockgate-warm')
  }

  #folderOf(id: BlockId): string {
    return `${this.#path}/${id}`
  }
}

function sum(sizes: ReadonlyMap<unknown, number>): number {
  let all = 0
  for (const size of sizes.values()) all += size
  return all
}
