/** State stores that need no disk. */
import type { StateStore } from './host.ts'

/** A state store that sees only the keys below `scope`: two components never meet in one document. */
export function scopedState(state: StateStore, scope: string): StateStore {
  return {
    get: key => state.get(`${scope}/${key}`),
    set: (key, value) => state.set(`${scope}/${key}`, value),
    delete: key => state.delete(`${scope}/${key}`),
  }
}

/** A state store in memory: for tests, and where there is no disk. Documents go through JSON, as they would on one. */
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
