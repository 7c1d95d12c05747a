/** What the cases of testOwnership() work with. */
import type { Candidate } from '../../contracts/block.ts'
import type { Services } from '../../contracts/host.ts'
import type { OwnershipPlugin } from '../../contracts/ownership.ts'
import type { ComponentKitOptions } from '../component-kit.ts'

/** The options with every plugin in its full form. */
export interface OwnershipKit extends ComponentKitOptions {
  readonly factory: () => OwnershipPlugin
  readonly pair: (() => readonly [OwnershipPlugin, OwnershipPlugin]) | undefined
  /** Whether `change` was given. */
  readonly changes: boolean
  readonly blocks: readonly Candidate[]
  /** Runs `use` with a started plugin. */
  readonly started: (use: UseStarted) => Promise<void>
}

/** `change` makes the plugin's answers change; it does nothing where none was given. */
export type UseStarted = (plugin: OwnershipPlugin, services: Services, change: () => Promise<void>) => Promise<void>
