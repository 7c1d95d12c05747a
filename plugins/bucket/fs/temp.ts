/** Half-written objects, in a folder of this process' own: what a crash leaves there is never listed. */
import { mkdtemp, open, rm, rmdir } from 'node:fs/promises'
import { codeOfFs, isReal, linkInTheWay, makeFolder, TEMP_FOLDER } from './inside.ts'

export class TempFiles {
  readonly #root: string
  #own: Promise<string> | undefined
  #next = 1

  constructor(root: string) {
    this.#root = root
  }

  /** A new file with `body`, safe on the disk; the caller removes it. */
  async write(body: Uint8Array): Promise<string> {
    try {
      return await this.#write(body)
    } catch (error) {
      if (codeOfFs(error) !== 'ENOENT') throw error
      // Somebody swept the folder up: it is made anew once.
      this.#own = undefined
      return await this.#write(body)
    }
  }

  /** Removes the folder, and the one around it where no other process uses it. */
  async remove(): Promise<void> {
    const own = this.#own
    this.#own = undefined
    if (!own) return
    await rm(await own, { recursive: true, force: true })
    try {
      await rmdir(`${this.#root}/${TEMP_FOLDER}`)
    } catch (error) {
      const code = codeOfFs(error)
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOENT') throw error
    }
  }

  async #write(body: Uint8Array): Promise<string> {
    this.#own ??= this.#make()
    const path = `${await this.#own}/${this.#next++}`
    // 'wx' neither follows a link nor overwrites.
    const handle = await open(path, 'wx')
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

  /** mkdtemp picks a name that no other process has. */
  async #make(): Promise<string> {
    const folder = `${this.#root}/${TEMP_FOLDER}`
    try {
      await makeFolder(folder)
      return await mkdtemp(`${folder}/`)
    } catch (error) {
      this.#own = undefined
      throw error
    }
  }
}
