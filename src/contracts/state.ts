/** State stores: small JSON documents by key. */
import type { StateStore } from './host.ts'

/** The part of `state` that belongs to `scope` alone: two scopes never share a key, whatever characters they are made of. */
export function scopedState(state: StateStore, scope: string): StateStore {
  // Encoded, it has no '/': the scope `a` with the key `b/c` is not the scope `a/b` with the key `c`.
  const keyOf = (key: string) => `${encodeURIComponent(scope)}/${key}`
  return {
    get: key => state.get(keyOf(key)),
    set: (key, value) => state.set(keyOf(key), value),
    delete: key => state.delete(keyOf(key)),
  }
}

/**
 * A store that is gone with the process: for hosts without a disk, and for tests. Documents go through JSON as they
 * would on a disk, so nothing that is read is shared with what was written.
 */
export function memoryState(): StateStore {
  const documents = new Map<string, string>()
  return {
    async get(key) {
      const text = documents.get(key)
      return text === undefined ? undefined : JSON.parse(text)
    },
    async set(key, value) {
      documents.set(key, JSON.stringify(value))
    },
    async delete(key) {
      documents.delete(key)
    },
  }
}
