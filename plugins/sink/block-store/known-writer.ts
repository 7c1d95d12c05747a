/** When `.blockgate-blocks` is written: at the stop, and while many blocks have come or gone since, for a process that is killed. */
import { errorFields, type FileLook, type Host, type LoadedBlock, type LocalFiles, pause } from 'blockgate'
import { below } from './below.ts'
import { type KnownBlock, removeKnown, writeKnown } from './known-blocks.ts'
import { MANIFEST } from './manifest.ts'

/** How long after a change it is looked whether there were many, ms. */
const LOOK_MS = 10_000
/** Fewer are looked at one by one at the next start, which takes a millisecond each at most. */
const FEW = 16
/** It is written when one block of so many came or went: a long sync writes it some dozen times. */
const SHARE = 4
/** Blocks whose files are looked at together. */
const AT_ONCE = 256

/** The files of a block that shows, without the manifest. */
export type FilesOf = (block: LoadedBlock) => readonly { readonly path: string; readonly size: number }[]

export interface KnownWriterOptions {
  readonly sink: string
  readonly path: string
  readonly filesOf: FilesOf
  readonly held: ReadonlyMap<string, LoadedBlock>
}

export class KnownWriter {
  readonly #options: KnownWriterOptions
  readonly #files: LocalFiles
  readonly #host: Host
  /** Blocks that came or went since it was written. */
  #changes = 0
  #timer: Disposable | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(options: KnownWriterOptions, files: LocalFiles, host: Host) {
    this.#options = options
    this.#files = files
    this.#host = host
  }

  /** So many blocks came or went. */
  changed(blocks: number): void {
    if (blocks === 0 || !this.#files.look) return
    this.#changes += blocks
    this.#timer ??= this.#host.setTimer(LOOK_MS, () => {
      this.#timer = undefined
      if (this.#changes < Math.max(FEW, this.#options.held.size / SHARE)) return
      this.#write(new AbortController().signal)
    })
  }

  /** Writes what is left to write. Never rejects. */
  async stop(signal: AbortSignal): Promise<void> {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    if (this.#changes > 0 && !signal.aborted) this.#write(signal)
    await this.#writing
  }

  #write(signal: AbortSignal): void {
    const before = this.#changes
    this.#changes = 0
    this.#writing = this.#writing
      .then(() => {
        if (this.#options.held.size === 0) return removeKnown(this.#files, this.#options)
        return writeKnown(this.#files, this.#options, this.#known(), signal)
      })
      .catch(error => {
        this.#changes += before
        if (signal.aborted) return
        const message = 'the list of the blocks on the disk cannot be written: the next start takes longer'
        this.#host.log.warn(message, errorFields(error))
      })
  }

  async *#known(): AsyncGenerator<KnownBlock> {
    const { path, filesOf, held } = this.#options
    const blocks = [...held.values()]
    for (let at = 0; at < blocks.length; at += AT_ONCE) {
      const part = blocks.slice(at, at + AT_ONCE).map(block => ({ block, files: filesOf(block) }))
      const looks = await looksOf(
        this.#files,
        part.map(({ block, files }) => pathsOf(path, block, files)),
      )
      for (const [i, { block, files }] of part.entries()) {
        const own = looks[i] ?? []
        const isWhole = files.every(({ size }, n) => own[n + 1]?.size === size)
        if (isWhole && own.every(look => look !== undefined)) yield { block, looks: own as readonly FileLook[] }
      }
      await pause(this.#host, AT_ONCE)
    }
  }
}

/** Of a block that shows: first the manifest. */
export function pathsOf(
  path: string,
  { meta }: LoadedBlock,
  files: readonly { readonly path: string }[],
): readonly string[] {
  const folder = below(path, meta.ulid)
  return [`${folder}/${MANIFEST}`, ...files.map(file => `${folder}/${file.path}`)]
}

/** The looks of the files of each block. */
export async function looksOf(
  files: LocalFiles,
  paths: readonly (readonly string[])[],
): Promise<readonly (readonly (FileLook | undefined)[])[]> {
  const looks = (await files.look?.(paths.flat())) ?? []
  let at = 0
  return paths.map(({ length }) => {
    at += length
    return looks.slice(at - length, at)
  })
}
