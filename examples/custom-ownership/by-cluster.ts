import { type Claim, checkOptions, held, type OwnershipChange, type OwnershipPlugin } from 'blockgate'
import * as v from 'valibot'

export interface ByCluster extends OwnershipPlugin {
  /** Takes another list from now on: what was denied is offered again at once, what is no longer listed is let go. */
  assign(clusters: readonly string[]): void
}

/** Owns the blocks of the clusters it is told, by their external label `cluster`. */
export function byCluster(options: { readonly clusters: readonly string[] }): ByCluster {
  let mine = new Set(options.clusters)
  let epoch = 1
  const listeners = new Set<(change: OwnershipChange) => void>()
  return {
    name: 'by-cluster',
    exclusive: false,
    check: () => checkOptions(options, { clusters: v.array(v.pipe(v.string(), v.minLength(1, 'not be empty'))) }),
    epoch: () => epoch,
    async claim(block): Promise<Claim> {
      if (mine.has(block.labels.cluster ?? '')) return { status: 'granted', epoch, lease: held }
      return { status: 'denied', epoch, reason: 'other-cluster', owners: [] }
    },
    watch(listener) {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
    assign(clusters) {
      mine = new Set(clusters)
      epoch++ // before the listeners are told: who asks again gets the new answer
      for (const listener of listeners) listener({ epoch, affects: () => true })
    },
  }
}
