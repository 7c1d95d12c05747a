/** Half-written objects, in a folder of this process' own: what a crash leaves there is never listed. */
import { type FileHandle, mkdtemp, open, rm, rmdir } from 'node:fs/promises'
import { codeOfFs, isReal, linkInTheWay, makeFolder, TEMP_FOLDER } from './inside.ts'

export class TempFiles {
  readonly #folder: string
  #own: Promise<string> | undefined
  #count = 0

  constructor(root: string) {
    this.#folder = `${root}/${TEMP_FOLDER}`
  }

  /** A new file with `body`, safe on the disk; the caller removes it. */
  async write(body: Uint8Array): Promise<string> {
    const { path, handle } = await this.#open().catch(error => {
      if (codeOfFs(error) !== 'ENOENT') throw error
      // Somebody swept the folder up: it is made anew once.
      this.#own = undefined
      return this.#open()
    })
    try {
      if (!(await isReal(path))) throw linkInTheWay(path)
      await handle.writeFile(body)
      await handle.sync()
    } catch (error) {
      await rm(path, { force: true })
      throw error
    } finally {
      await handle.close()
    }
    return path
  }

  /** Removes the folder, and the one around it unless another process uses it. */
  async remove(): Promise<void> {
    const own = await this.#own
    this.#own = undefined
    if (own === undefined) return
    await rm(own, { recursive: true, force: true })
    await rmdir(this.#folder).catch(() => {})
  }

  async #open(): Promise<{ readonly path: string; readonly handle: FileHandle }> {
    this.#own ??= this.#make()
    const path = `${await this.#own}/${++this.#count}`
    // 'wx' neither follows a link nor overwrites.
    return { path, handle: await open(path, 'wx') }
  }

  /** mkdtemp picks a name that no other process has. */
  async #make(): Promise<string> {
    try {
      await makeFolder(this.#folder)
      return await mkdtemp(`${this.#folder}/`)
    } catch (error) {
      this.#own = undefined
      throw error
    }
  }
}
