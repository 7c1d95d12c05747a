/** What the cases of testOwnership() work with. */
import type { Candidate } from '../../block.ts'
import type { Services } from '../../host.ts'
import type { OwnershipPlugin } from '../../ownership.ts'
import type { ComponentKitOptions } from '../component-kit.ts'

/** The options with every plugin in its full form. */
export interface OwnershipKit extends ComponentKitOptions {
  readonly factory: () => OwnershipPlugin
  readonly pair: (() => readonly [OwnershipPlugin, OwnershipPlugin]) | undefined
  readonly change: ((plugin: OwnershipPlugin) => Promise<void>) | undefined
  readonly blocks: readonly Candidate[]
  /** Runs `use` with a started plugin. */
  readonly started: (use: (plugin: OwnershipPlugin, services: Services) => Promise<void>) => Promise<void>
}
