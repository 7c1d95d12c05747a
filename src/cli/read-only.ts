/** A platform that changes nothing on the disk: a gateway may be running on the same folder. */
import { existsSync } from 'node:fs'
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'
import type { Host, LocalFiles, StateStore } from '../contracts/host.ts'
import type { Platform } from '../gateway.ts'
import { fileState, localFiles } from '../runtime/node.ts'

/** Of a gateway that only looks: nothing is joined, claimed or written. */
export function readOnlyPlatform(dir: string, host: Host): Platform {
  const state = overlaidState(fileState(dir, host.log, { readOnly: true }))
  return { host, files: readOnlyFiles(dir), state, observer: true }
}

/**
 * The files below `root`. A write, a rename and a removal do nothing, so a sink starts with the blocks that are complete,
 * and leaves the temp files of the gateway that is loading blocks.
 */
export function readOnlyFiles(root: string): LocalFiles {
  // localFiles() makes a root that is missing.
  const files = existsSync(root) ? localFiles(root) : undefined
  return {
    async read(path, offset, length, lasting) {
      if (files) return await files.read(path, offset, length, lasting)
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
