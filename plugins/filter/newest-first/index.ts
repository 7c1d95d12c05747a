/** Loads what people ask for first: the newest blocks. */
import {
  type Candidate,
  checkOptions,
  type Host,
  inSlices,
  type Selection,
  type SetStage,
  sortInSlices,
} from 'blockgate'

/**
 * Orders by `maxTime`, then `minTime`, then ULID, all descending. Skips nothing.
 *
 * @example newestFirst()
 */
export function newestFirst(options: Readonly<Record<string, never>> = {}): SetStage {
  let host: Host | undefined
  return {
    kind: 'set',
    name: 'newest-first',
    check: () => checkOptions(options, {}),
    async start(services) {
      host = services.host
    },
    async select(blocks) {
      const selections: Selection[] = []
      await inSlices(host, await sortInSlices(host, blocks, byAge), ({ meta }) => selections.push({ id: meta.ulid }))
      return selections
    },
  }
}

function byAge({ meta: a }: Candidate, { meta: b }: Candidate): number {
  return b.maxTime - a.maxTime || b.minTime - a.minTime || (a.ulid < b.ulid ? 1 : -1)
}
