/** fsync of folders, shared: what a rename did is on the disk only once the folder around it is. */
import { open } from 'node:fs/promises'
import { Coalesced } from '../../async/coalesced.ts'
import { onDisk } from './errors.ts'

/** Many writes into one folder that end at once wait for one fsync, not for one each. */
export class FolderSync {
  readonly #folders = new Map<string, { readonly fsyncs: Coalesced; waiting: number }>()
  readonly #fsync: (folder: string) => Promise<void>

  constructor(fsync: (folder: string) => Promise<void> = fsyncFolder) {
    this.#fsync = fsync
  }

  /** Resolves after an fsync of `folder` that began after this call: one that was running may have begun before a rename. */
  async sync(folder: string): Promise<void> {
    const known = this.#folders.get(folder) ?? { fsyncs: new Coalesced(() => this.#fsync(folder)), waiting: 0 }
    this.#folders.set(folder, known)
    known.waiting++
    try {
      await known.fsyncs.request()
    } finally {
      if (--known.waiting === 0) this.#folders.delete(folder)
    }
  }
}

async function fsyncFolder(folder: string): Promise<void> {
  const what = `sync folder "${folder}"`
  await using handle = await onDisk(what, open(folder, 'r'))
  await onDisk(what, handle.sync())
}
