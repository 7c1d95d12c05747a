/** One thing that is done to the gateways, and what there is to do it with. */
import type { Cluster } from './cluster.ts'
import type { Settings } from './settings.ts'

export interface Breakable {
  pause(): void
  resume(): void
  restartEmpty(): Promise<void>
}

export interface World {
  readonly cluster: Cluster
  readonly settings: Settings
  readonly redis: Breakable
  /** Three Redis of their own, which only schedules with `ownLockServers` use. */
  readonly lockServers: readonly Breakable[]
  /** Between CUT_OFF and the first of these. */
  readonly cut: { down(): Promise<void>; up(): Promise<void> }
  readonly say: (text: string) => void
}

export interface Schedule {
  readonly name: string
  /** Copies of a block. Schedules that agree on this and on the lock servers share a cluster. */
  readonly replicas: number
  /** Gateways when it begins. */
  readonly members: (settings: Settings) => number
  /** Part of `--short`. */
  readonly short: boolean
  /** For plugins with locks: on three Redis apart from that of the members. Else locks are on that one, and are lost together with the records. */
  readonly ownLockServers?: true
  run(world: World): Promise<void>
}
