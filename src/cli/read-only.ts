/** A platform that changes nothing on the disk: a gateway may be running on the same folder. */
import { existsSync } from 'node:fs'
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'
import type { LocalFiles, StateStore } from '../contracts/host.ts'
import { localFiles } from '../runtime/node.ts'

/**
 * The files below `root`; what would change something does nothing. So a sink starts with what is whole, and leaves the temp
 * files of the gateway that is loading blocks beside us.
 */
export function readOnlyFiles(root: string): LocalFiles {
  // localFiles() makes a root that is missing.
  const files = existsSync(root) ? localFiles(root) : undefined
  return {
    async read(path, offset, length) {
      if (files) return await files.read(path, offset, length)
      throw new BlockgateError(ErrorCode.notFound, `file "${path}" must be there: there is no ${root}`)
    },
    list: async prefix => (await files?.list(prefix)) ?? [],
    free: async () => (await files?.free()) ?? 0,
    async writeAtomic() {},
    async rename() {},
    async remove() {},
  }
}

/** Documents of `state`; what is written stays in memory. */
export function overlaidState(state: Pick<StateStore, 'get'>): StateStore {
  const written = new Map<string, unknown>()
  return {
    async get(key) {
      return written.has(key) ? structuredClone(written.get(key)) : await state.get(key)
    },
    async set(key, value) {
      written.set(key, structuredClone(value))
    },
    async delete(key) {
      written.set(key, undefined)
    },
  }
}
