/** fsync of folders, shared: what a rename did is on the disk only once the folder around it is. */
import { open } from 'node:fs/promises'
import { onDisk } from './errors.ts'

interface Lane {
  readonly running: Promise<void>
  next: Promise<void> | undefined
}

/**
 * Many writes into one folder that end at once wait for one fsync, not for one each: the running one may have begun
 * before their rename, so they share the next.
 */
export class FolderSync {
  readonly #lanes = new Map<string, Lane>()
  readonly #fsync: (folder: string) => Promise<void>

  constructor(fsync: (folder: string) => Promise<void> = fsyncFolder) {
    this.#fsync = fsync
  }

  /** Resolves after an fsync of `folder` that began after this call. */
  sync(folder: string): Promise<void> {
    const lane = this.#lanes.get(folder)
    if (!lane) return this.#start(folder)
    const start = () => this.#start(folder)
    // How the running one ends is told to its own callers.
    lane.next ??= lane.running.then(start, start)
    return lane.next
  }

  #start(folder: string): Promise<void> {
    const running = this.#fsync(folder).finally(() => {
      if (this.#lanes.get(folder) === lane) this.#lanes.delete(folder)
    })
    const lane: Lane = { running, next: undefined }
    this.#lanes.set(folder, lane)
    return running
  }
}

async function fsyncFolder(folder: string): Promise<void> {
  const what = `sync folder "${folder}"`
  const handle = await onDisk(what, open(folder, 'r'))
  try {
    await onDisk(what, handle.sync())
  } finally {
    await handle.close()
  }
}
