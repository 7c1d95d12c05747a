/** How full the disk is: asked between the runs, told at the scrapes. */
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

  /** `changed`: what is used is added up anew, which looks at every file. Returns at once; one sample at a time. */
  take(changed: boolean): void {
    this.#sampling ??= this.#take(changed || this.used === undefined)
      .catch((error: unknown) => {
        // What it was is no answer to what it is.
        this.used = undefined
        this.free = undefined
        this.#host.log.warn('disk not measured', { code: codeOf(error), error: rawMessageOf(error) })
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
