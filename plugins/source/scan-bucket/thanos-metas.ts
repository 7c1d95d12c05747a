/**
 * The copies of meta.json that a Thanos store gateway keeps in its data folder, `meta-syncer/<ulid>/meta.json`
 * (https://github.com/thanos-io/thanos `pkg/block/fetcher.go`): whoever takes the folder over need not read them from the bucket again.
 */
import { codeOf, type LocalFiles, type Log, type ObjectInfo, rawMessageOf } from 'blockgate'

const FOLDER = 'meta-syncer'

export class ThanosMetas {
  readonly #files: LocalFiles | undefined
  readonly #log: Log
  #ids: Promise<ReadonlySet<string>> | undefined

  constructor(files: LocalFiles | undefined, log: Log) {
    this.#files = files
    this.#log = log
  }

  /**
   * The copy of the object `<ulid>/meta.json` that is listed. Undefined where there is none of its size that was written after the object
   * was: then it may be of an older one.
   */
  async copyOf({ key, size, modified }: ObjectInfo): Promise<Uint8Array | undefined> {
    this.#ids ??= this.#list()
    const files = this.#files
    if (!files?.look || !(await this.#ids).has(key.slice(0, 26))) return undefined
    try {
      const path = `${FOLDER}/${key}`
      const [look] = await files.look([path])
      return look?.size === size && modified > 0 && look.modified > modified
        ? await files.read(path, 0, size)
        : undefined
    } catch {
      return undefined
    }
  }

  async #list(): Promise<ReadonlySet<string>> {
    try {
      return new Set(await this.#files?.folders?.(FOLDER))
    } catch (error) {
      const message = 'metas that a Thanos store keeps cannot be read: those of the bucket are'
      this.#log.warn(message, { code: codeOf(error), error: rawMessageOf(error) })
      return new Set()
    }
  }
}
