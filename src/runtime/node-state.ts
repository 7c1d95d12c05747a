/** A state store on the disk: one JSON file a key. */
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Turns } from '../async/turns.ts'
import { BlockgateError, ErrorCode, rawMessageOf } from '../contracts/errors.ts'
import type { Log, StateStore } from '../contracts/host.ts'
import { parseJson } from '../tsdb/untrusted-json.ts'
import { onDisk, unlessAbsent } from './disk/errors.ts'
import { isTempName, tempPath, writeTemp } from './disk/temp-file.ts'

/** Longer names are cut and carry a hash: 255 bytes is the limit of nearly every file system, temp files are longer. */
const MAX_NAME = 150

export interface FileStateOptions {
  /** Default false. True: nothing on the disk changes, `set` and `delete` are refused. */
  readonly readOnly?: boolean | undefined
}

/**
 * Documents as files in `<dir>/state/`, each written as a temp file and renamed: a reader sees the old document or the new
 * one. Nothing is synced: what the kernel has survives the death of the process, which is all a StateStore promises, and an
 * fsync would cost one wait of the disk a block. After a power cut a document may be old or damaged; a damaged one reads as
 * undefined, with a warning.
 *
 * Calls for one key run one after the other, so a `get` sees every `set` before it.
 */
export function fileState(dir: string, log: Log, { readOnly = false }: FileStateOptions = {}): StateStore {
  const folder = join(dir, 'state')
  const turns = new Turns<string>()
  let opened: Promise<void> | undefined

  const inTurn = async <T>(key: string, work: (path: string) => Promise<T>): Promise<T> => {
    const path = join(folder, fileName(key))
    return await turns.run(key, async () => {
      if (!readOnly) {
        opened ??= open(folder).catch(error => {
          opened = undefined
          throw error
        })
        await opened
      }
      return await work(path)
    })
  }
  const assertWritable = (key: string) => {
    if (!readOnly) return
    throw new BlockgateError(ErrorCode.unsupported, `state "${key}" must not be changed: the store is read-only`)
  }

  return {
    get: key =>
      inTurn(key, async path => {
        const bytes = await onDisk(`read state "${key}"`, unlessAbsent(readFile(path)))
        if (bytes === undefined) return undefined
        try {
          return parseJson(bytes)
        } catch (error) {
          log.warn('a state document is damaged and counts as missing', { key, path, error: rawMessageOf(error) })
          return undefined
        }
      }),

    async set(key, value) {
      assertWritable(key)
      // Now, not in turn: the caller may go on changing the value.
      const text = JSON.stringify(value)
      if (text === undefined) {
        throw new BlockgateError(ErrorCode.stageMisuse, `state "${key}" must be JSON: current value is ${typeof value}`)
      }
      await inTurn(key, async path => {
        const temp = tempPath(path)
        await writeTemp(temp, new TextEncoder().encode(text), { name: `state "${key}"`, sync: false })
        await onDisk(`write state "${key}"`, rename(temp, path))
      })
    },

    async delete(key) {
      assertWritable(key)
      await inTurn(key, path => onDisk(`delete state "${key}"`, rm(path, { force: true })))
    },
  }
}

/** Makes the folder, and removes what a process that died was writing. */
async function open(folder: string): Promise<void> {
  await onDisk(`use folder "${folder}"`, mkdir(folder, { recursive: true }))
  for (const name of await onDisk(`list "${folder}"`, readdir(folder))) {
    if (isTempName(name)) await onDisk(`remove "${name}"`, rm(join(folder, name), { force: true }))
  }
}

/**
 * A name that is safe whatever the key is, and never the same for two keys, also where upper and lower case are one:
 * everything but a–z, 0–9, `_` and `-` is written as `%` and two hex digits a byte.
 */
function fileName(key: string): string {
  if (!key.isWellFormed()) {
    throw new BlockgateError(ErrorCode.invalidKey, `state key must be well-formed Unicode: ${JSON.stringify(key)}`)
  }
  const name = Buffer.from(key)
    .toString('latin1')
    .replace(/[^a-z0-9_-]/g, char => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
  if (name.length <= MAX_NAME) return `${name}.json`
  return `${name.slice(0, MAX_NAME - 65)}~${createHash('sha256').update(key).digest('hex')}.json`
}
