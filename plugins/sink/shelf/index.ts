/** What sinks that keep blocks on a disk share: folders that come and go whole, and are known again after a restart. */
export { type Foreign, someOf, tellForeign } from './foreign.ts'
export type { FoundFolder, ShelfRules } from './restore.ts'
export { Shelf, type ShelfOptions } from './shelf.ts'
