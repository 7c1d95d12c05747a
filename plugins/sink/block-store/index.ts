/** What sinks that keep blocks on a disk share: folders that come and go whole, and are known again after a restart. */
export { BlockStore, type BlockStoreOptions } from './block-store.ts'
export type { FoundFolder } from './restore.ts'
