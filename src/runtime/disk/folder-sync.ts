/** fsync of folders, shared: what a rename did is on the disk only once the folder around it is. */
import { open } from 'node:fs/promises'
import { onDisk } from './errors.ts'

interface Sync {
  readonly running: Promise<void>
  next: Promise<void> | undefined
}

/**
 * Many writes into one folder that end at once wait for one fsync, not for one each: the running one may have begun
 * before their rename, so they share the next.
 */
export class FolderSync {
  readonly #syncs = new Map<string, Sync>()
  readonly #fsync: (folder: string) => Promise<void>

  constructor(fsync: (folder: string) => Promise<void> = fsyncFolder) {
    this.#fsync = fsync
  }

  /** Resolves after an fsync of `folder` that began after this call. */
  sync(folder: string): Promise<void> {
    const start = () => this.#start(folder)
    const sync = this.#syncs.get(folder)
    if (!sync) return start()
    // Whether the running one failed or not: its own callers are told.
    sync.next ??= sync.running.then(start, start)
    return sync.next
  }

  #start(folder: string): Promise<void> {
    const running = this.#fsync(folder).finally(() => {
      if (this.#syncs.get(folder)?.running === running) this.#syncs.delete(folder)
    })
    this.#syncs.set(folder, { running, next: undefined })
    return running
  }
}

async function fsyncFolder(folder: string): Promise<void> {
  const what = `sync folder "${folder}"`
  await using handle = await onDisk(what, open(folder, 'r'))
  await onDisk(what, handle.sync())
}
