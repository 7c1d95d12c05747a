/** Files that are being written. A process that dies leaves them behind: their names say what they are. */
import { open, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { orAborted } from '../../async/signals.ts'
import { onDisk } from './errors.ts'

const PREFIX = '.tmp-'

/** A new name beside `full`, so that a rename stays on one disk. */
export function tempPath(full: string): string {
  return join(dirname(full), `${PREFIX}${basename(full).slice(0, 100)}-${crypto.randomUUID().slice(0, 13)}`)
}

/** True for the names that tempPath() gives. */
export function isTempName(name: string): boolean {
  return name.startsWith(PREFIX)
}

export interface WriteOptions {
  /** Names the file in errors. */
  readonly name: string
  /** Whether the bytes must be on the disk, and not only with the kernel, before this resolves. */
  readonly sync: boolean
  readonly signal?: AbortSignal | undefined
}

/**
 * Writes the new file `temp`, one chunk at a time: the body is asked for more only when the last chunk is written. On an
 * error or an abort the file is gone again.
 */
export async function writeTemp(
  temp: string,
  body: AsyncIterable<Uint8Array> | Uint8Array,
  { name, sync, signal = new AbortController().signal }: WriteOptions,
): Promise<void> {
  const what = `write "${name}"`
  // 'wx' neither follows a link nor overwrites.
  const handle = await onDisk(what, open(temp, 'wx'))
  try {
    for await (const chunk of body instanceof Uint8Array ? [body] : abortable(body, signal)) {
      for (let at = 0; at < chunk.length; ) {
        signal.throwIfAborted()
        at += (await onDisk(what, handle.write(chunk, at, chunk.length - at))).bytesWritten
      }
    }
    signal.throwIfAborted()
    if (sync) await onDisk(what, handle.sync())
    await handle.close()
  } catch (error) {
    await handle.close()
    await rm(temp, { force: true })
    throw error
  }
}

/** Ends with the signal's reason also where the body hangs. */
async function* abortable(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = body[Symbol.asyncIterator]()
  let ended = false
  try {
    for (;;) {
      const { done, value } = await orAborted(chunks.next(), signal)
      ended = done === true
      if (done) return
      yield value
    }
  } finally {
    // Not awaited: a generator that hangs in next() answers return() only after that. What it says comes too late to matter.
    if (!ended) Promise.resolve(chunks.return?.()).catch(() => {})
  }
}
