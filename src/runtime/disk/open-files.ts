/**
 * Files that were read a moment ago, still open: a query reads a file of a block several times, and to open one is five calls, each a turn of
 * Node's thread pool. One that we rename, remove or write anew is opened again.
 */
import type { FileHandle } from 'node:fs/promises'

export interface OpenFile {
  readonly handle: FileHandle
  /** Bytes, when it was opened. */
  readonly size: number
}

interface Entry extends OpenFile {
  users: number
  /** Nobody finds it any more: it is closed when its last user has gone. */
  isForgotten: boolean
  wasUsed: boolean
}

export interface OpenFilesOptions {
  /** Files that are open while nobody reads them. Default 64. */
  readonly max?: number | undefined
  /** One that nobody read for so long is closed, and at the latest after twice that, ms. Default 5,000. */
  readonly idleMs?: number | undefined
}

export class OpenFiles {
  readonly #max: number
  readonly #idleMs: number
  /** By path, those used last last. */
  readonly #files = new Map<string, Entry>()
  /** How often something was forgotten: what was opened before that may be another file by now. */
  #changes = 0
  #timer: NodeJS.Timeout | undefined

  constructor({ max = 64, idleMs = 5_000 }: OpenFilesOptions = {}) {
    this.#max = max
    this.#idleMs = idleMs
  }

  /** Open now. */
  get size(): number {
    return this.#files.size
  }

  /**
   * What `work` gives of the file, which `open` opens where it is not open yet.
   *
   * @param lasting whether the file stays open for others, and one that others opened will do
   * @throws what either throws
   */
  async use<T>(
    path: string,
    lasting: boolean,
    open: () => Promise<OpenFile>,
    work: (file: OpenFile) => Promise<T>,
  ): Promise<T> {
    const entry = (lasting ? this.#known(path) : undefined) ?? (await this.#opened(path, lasting, open))
    try {
      return await work(entry)
    } finally {
      entry.users--
      if (entry.isForgotten && entry.users === 0) await entry.handle.close()
    }
  }

  /** To be called once a file, or a folder with all below it, is another one or none, and before anybody is told so. */
  forget(path: string): void {
    this.#changes++
    for (const known of this.#files.keys()) if (known === path || known.startsWith(`${path}/`)) this.#forget(known)
  }

  #known(path: string): Entry | undefined {
    const entry = this.#files.get(path)
    if (!entry) return undefined
    this.#files.delete(path)
    this.#files.set(path, entry)
    entry.wasUsed = true
    entry.users++
    return entry
  }

  async #opened(path: string, lasting: boolean, open: () => Promise<OpenFile>): Promise<Entry> {
    const before = this.#changes
    const { handle, size } = await open()
    // Of two who opened it at once the first one's stays.
    const isForgotten = !lasting || before !== this.#changes || this.#files.has(path)
    const entry = { handle, size, users: 1, isForgotten, wasUsed: true }
    if (isForgotten) return entry
    this.#files.set(path, entry)
    for (const oldest of this.#files.keys()) {
      if (this.#files.size <= this.#max) break
      this.#forget(oldest)
    }
    this.#timer ??= setInterval(() => this.#closeIdle(), this.#idleMs).unref()
    return entry
  }

  #forget(path: string): void {
    const entry = this.#files.get(path) as Entry
    this.#files.delete(path)
    entry.isForgotten = true
    // Nothing was written by it.
    if (entry.users === 0) entry.handle.close().catch(() => {})
  }

  #closeIdle(): void {
    for (const [path, entry] of this.#files) {
      if (!entry.wasUsed && entry.users === 0) this.#forget(path)
      entry.wasUsed = false
    }
    if (this.#files.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
