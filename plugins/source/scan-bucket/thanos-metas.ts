/**
 * The copies of meta.json that a Thanos store gateway keeps in its data folder, `meta-syncer/<ulid>/meta.json`
 * (https://github.com/thanos-io/thanos `pkg/block/fetcher.go`): whoever takes the folder over need not read them from the bucket again.
 */
import type { LocalFiles, ObjectInfo } from 'blockgate'

const FOLDER = 'meta-syncer'

export class ThanosMetas {
  readonly #files: LocalFiles | undefined
  #ids: Promise<ReadonlySet<string>> | undefined

  constructor(files: LocalFiles | undefined) {
    this.#files = files
  }

  /**
   * The copy of the object `<ulid>/meta.json` that is listed. Undefined where it cannot be read, or where there is none of its size that was
   * written after the object was: then it may be of an older one.
   */
  async copyOf({ key, size, modified }: ObjectInfo): Promise<Uint8Array | undefined> {
    const files = this.#files
    if (!files?.folders || !files.look) return undefined
    try {
      this.#ids ??= files.folders(FOLDER).then(names => new Set(names))
      if (!(await this.#ids).has(key.slice(0, 26))) return undefined
      const path = `${FOLDER}/${key}`
      const [look] = await files.look([path])
      return look?.size === size && modified > 0 && look.modified > modified
        ? await files.read(path, 0, size)
        : undefined
    } catch {
      return undefined
    }
  }
}
