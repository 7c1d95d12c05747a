/** The names in a folder, in the order of the keys below it. */
import { type BigIntStats, readdirSync } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { compareKeys, keyProblem } from 'blockgate/bucket'
import { isReal, TEMP_FOLDER, unlessAbsent } from './inside.ts'
import { Pace } from './pace.ts'

export interface Folder {
  /**
   * Regular files, and folders with a `/` behind them: so sorted, `a-b`, `a.b`, `a/…` stand in the order of the whole
   * keys. Special files are not among them, nor is a name that no key may have.
   */
  readonly names: readonly string[]
  /** Of the names, the symbolic links: with a `/` too, as nobody looks where they lead. */
  readonly links: ReadonlySet<string>
}

/** Folders that pages of listings went on in: two or three a listing. More listings at once only read again. */
const REMEMBERED = 16

/** Reads folders below `root`, a real path. A folder is `''`, the root, or ends in `/`. */
export class Folders {
  readonly #root: string
  readonly pace: Pace = new Pace()
  readonly #remembered = new Map<string, { readonly folder: Folder; readonly stats: BigIntStats }>()

  constructor(root: string) {
    this.#root = root
  }

  /** Undefined where there is no such folder, or a link is in its place. @throws where the root itself is missing */
  async read(prefix: string): Promise<Folder | undefined> {
    const path = this.#path(prefix)
    const options = { withFileTypes: true } as const
    const reading = this.pace.call(
      () => readdirSync(path, options),
      () => readdir(path, options),
    )
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
    return { names: [...names, ...links].sort(compareKeys), links }
  }

  /**
   * As `read`, for a page that goes on inside the folder. Where the folder did not change since the page before, its names are
   * not read and sorted again: a root of 50,000 blocks has 200 pages.
   */
  async resume(prefix: string): Promise<Folder | undefined> {
    // Not stat: a folder that became a link since the page before is not walked into.
    const looking = lstat(this.#path(prefix), { bigint: true })
    const stats = prefix === '' ? await looking : await unlessAbsent(looking)
    if (!stats?.isDirectory()) return undefined
    const known = this.#remembered.get(prefix)
    const isSame = known?.stats.ino === stats.ino && known.stats.mtimeNs === stats.mtimeNs
    const folder = isSame ? known.folder : await this.read(prefix)
    this.#remembered.delete(prefix)
    if (folder) this.#remembered.set(prefix, { folder, stats })
    const [oldest = ''] = this.#remembered.keys()
    if (this.#remembered.size > REMEMBERED) this.#remembered.delete(oldest)
    return folder
  }

  /** True where no component of the folder's path is a link, nor missing. @throws where the root itself is missing */
  async isInside(prefix: string): Promise<boolean> {
    if (prefix === '') return true
    if (keyProblem(prefix.slice(0, -1)) === undefined && (await isReal(this.#path(prefix)))) return true
    await lstat(this.#root)
    return false
  }

  #path(prefix: string): string {
    return prefix === '' ? this.#root : `${this.#root}/${prefix.slice(0, -1)}`
  }
}
