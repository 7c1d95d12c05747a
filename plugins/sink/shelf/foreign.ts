/** Files that a sink did not make and that stand where its blocks would show: told by name. */
import type { BlockId, Log } from 'blockgate'
import { below } from './restore.ts'

const NAMED = 5

/** Files in the way, below the folder of each block. */
export interface Foreign {
  readonly folder: string
  readonly id: BlockId
  readonly names: readonly string[]
}

/** A few of the names, and how many more there are. */
export function someOf(names: readonly string[]): string {
  const more = names.length - NAMED
  return names.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

/** One line for all of them. */
export function tellForeign(found: readonly Foreign[], log: Log): void {
  if (found.length === 0) return
  const all = found.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  log.warn(
    'files that this sink did not make are in the way: they are not touched, and their blocks cannot be loaded',
    {
      blocks: someOf(all.map(({ id }) => id)),
      files: someOf(all.flatMap(({ folder, names }) => names.map(name => below(folder, name)))),
    },
  )
}
