/** How full the disk is. It is measured after a run, and read at the scrapes. */
import { codeOf, rawMessageOf } from '../contracts/errors.ts'
import type { Host, LocalFiles } from '../contracts/host.ts'

export class DiskSample {
  readonly #files: LocalFiles
  readonly #host: Host
  #sampling: Promise<void> | undefined
  used: number | undefined
  free: number | undefined

  constructor(files: LocalFiles, host: Host) {
    this.#files = files
    this.#host = host
  }

  /** Returns at once; one sample at a time. With `changed` the sizes of all files are added up anew. */
  take(changed: boolean): void {
    this.#sampling ??= this.#take(changed || this.used === undefined)
      .catch((error: unknown) => {
        // The old values are not true any more.
        this.used = undefined
        this.free = undefined
        this.#host.log.warn('the disk could not be measured', { code: codeOf(error), error: rawMessageOf(error) })
      })
      .finally(() => {
        this.#sampling = undefined
      })
  }

  async #take(usedToo: boolean): Promise<void> {
    this.free = await this.#files.free()
    if (usedToo) this.used = (await this.#files.list('')).reduce((sum, file) => sum + file.size, 0)
  }
}
