/** One folder's names in the order of the keys below it, and those that the next page of a listing goes on with. */
import type { BigIntStats } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { compareKeys, keyProblem } from 'blockgate/bucket'
import { isReal, TEMP_FOLDER, unlessAbsent } from './inside.ts'

export interface Folder {
  /**
   * Regular files, and folders with a `/` behind them: so sorted, `a-b`, `a.b`, `a/…` stand in the order of the whole
   * keys. Special files are not among them, nor is a name that no key may have.
   */
  readonly names: readonly string[]
  /** Of the names, the symbolic links: with a `/` too, as nobody looks where they lead. */
  readonly links: ReadonlySet<string>
  /** From just before the names were read; only where they may be remembered. */
  readonly stats: BigIntStats | undefined
}

/** Folders that listings under way stopped in: two or three a listing. More listings at once only read again. */
const REMEMBERED = 16

/** Reads folders below `root`, a real path. `prefix` is `''` or ends in `/`. */
export class Folders {
  readonly #root: string
  readonly #remembered = new Map<string, Folder>()

  constructor(root: string) {
    this.#root = root
  }

  /** The names in a folder; undefined where there is none or it is a link. @throws where the root itself is missing */
  async read(prefix: string): Promise<Folder | undefined> {
    return await this.#names(prefix, undefined)
  }

  /**
   * For a page that goes on inside the folder: what the page before it read, if the folder did not change since, so that a
   * listing of 50,000 blocks does not read and sort its 50,000 names again for each page.
   */
  async resume(prefix: string): Promise<Folder | undefined> {
    const stats = await this.#stats(prefix)
    if (!stats?.isDirectory()) return undefined
    const known = this.#remembered.get(prefix)
    if (known?.stats?.ino === stats.ino && known.stats.mtimeNs === stats.mtimeNs) return known
    return await this.#names(prefix, stats)
  }

  /** A page ended inside this folder. One that has no stats was seen once only; the next page reads it with them. */
  remember(prefix: string, folder: Folder): void {
    if (!folder.stats) return
    this.#remembered.delete(prefix)
    this.#remembered.set(prefix, folder)
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= REMEMBERED) break
      this.#remembered.delete(oldest)
    }
  }

  /** True where no component of the folder's path is a link, nor missing. @throws where the root itself is missing */
  async isInside(prefix: string): Promise<boolean> {
    if (prefix === '') return true
    const folder = prefix.slice(0, -1)
    if (keyProblem(folder) === undefined && (await isReal(`${this.#root}/${folder}`))) return true
    await lstat(this.#root)
    return false
  }

  async #stats(prefix: string): Promise<BigIntStats | undefined> {
    // Not stat: a folder that became a link since the page before is not walked into.
    const found = lstat(this.#path(prefix), { bigint: true })
    return await (prefix === '' ? found : unlessAbsent(found))
  }

  async #names(prefix: string, stats: BigIntStats | undefined): Promise<Folder | undefined> {
    const reading = readdir(this.#path(prefix), { withFileTypes: true })
    const entries = prefix === '' ? await reading : await unlessAbsent(reading)
    if (!entries) return undefined
    const names: string[] = []
    const links = new Set<string>()
    for (const entry of entries) {
      if (prefix === '' && entry.name === TEMP_FOLDER) continue
      if (keyProblem(prefix + entry.name) !== undefined) continue
      if (entry.isDirectory()) names.push(`${entry.name}/`)
      else if (entry.isFile()) names.push(entry.name)
      else if (entry.isSymbolicLink()) links.add(`${entry.name}/`)
    }
    return { names: [...names, ...links].sort(compareKeys), links, stats }
  }

  #path(prefix: string): string {
    return prefix === '' ? this.#root : `${this.#root}/${prefix.slice(0, -1)}`
  }
}
