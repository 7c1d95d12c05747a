/** What every ownership plugin must keep, be it a plugin, an object of the user's own, or a function. */
import type { Candidate } from '../../contracts/block.ts'
import type { Component, Services } from '../../contracts/host.ts'
import type { OwnershipFunction, OwnershipPlugin } from '../../contracts/ownership.ts'
import { owned } from '../../pipeline/owned.ts'
import { type ComponentKitOptions, componentCases, within, withStarted } from '../component-kit.ts'
import { leaveOut, made, type Runner } from '../kit.ts'
import { sampleBlocks } from '../sample-blocks.ts'
import { claimCases } from './claim.ts'
import { handoverCases } from './handover.ts'
import type { OwnershipKit } from './options.ts'
import { watchCases } from './watch.ts'

type Ownership = OwnershipPlugin | OwnershipFunction

export interface OwnershipKitOptions<T extends Ownership = Ownership> extends ComponentKitOptions {
  /**
   * A new plugin, or the function, at every call, with options that are right. Each call is a cluster of its own with
   * this one member, `test-1`.
   */
  readonly factory: () => T
  /** Two members of one new cluster, at every call. An exclusive plugin must give it; for others it is not asked. */
  readonly pair?: (() => readonly [Ownership, Ownership]) | undefined
  /** Plugins with wrong options: check() must report each. Default: that case is left out, by name. */
  readonly invalid?: readonly (() => Component)[] | undefined
  /**
   * Makes the answers of what the factory gave change, for one of `blocks` at least: a member more, a lease lost. The new
   * answers are given when it resolves. Default: those cases of watch() are left out, by name.
   */
  readonly change?: ((ownership: NoInfer<T>) => Promise<void>) | undefined
  /** What is claimed; at least one must be granted. Default: 200 blocks of many kinds. */
  readonly blocks?: readonly Candidate[] | undefined
}

/**
 * Registers the cases that fit the plugin with any runner that has `describe` and `it`.
 *
 * @example testOwnership({ describe, it }, { name: 'by-week', factory: () => block => weekOf(block.minTime) % 2 === 0 })
 */
export function testOwnership<T extends Ownership>(runner: Runner, options: OwnershipKitOptions<T>): void {
  const { pair, change } = options
  const make = () => made(options.factory, 'factory')
  const factory = () => whole(make())
  const kit: OwnershipKit = {
    name: options.name,
    services: options.services,
    factory,
    pair: pair && (() => both(made(pair, 'pair'))),
    changes: change !== undefined,
    blocks: options.blocks ?? sampleBlocks(200),
    async started(use) {
      const ownership = make()
      await withStarted(whole(ownership), options, (plugin, services) =>
        use(plugin, services, async () => change?.(ownership)),
      )
    },
  }
  const plugin = factory()
  runner.describe(`${options.name} keeps the contract of an ownership plugin`, () => {
    componentCases(runner, { ...kit, invalid: options.invalid, use: useOwnership(kit) })
    claimCases(runner, kit, plugin.exclusive)
    if (plugin.watch) watchCases(runner, kit)
    else leaveOut(runner, 'watch()', 'the plugin has none')
    if (plugin.handover) handoverCases(runner, kit)
    else leaveOut(runner, 'handover', 'the plugin has none')
  })
}

/** Claims some blocks and gives them back, with a watcher in place. */
function useOwnership(kit: OwnershipKit): (plugin: OwnershipPlugin, services: Services) => Promise<void> {
  return async (plugin, { host }) => {
    plugin.watch?.(() => {})
    const { signal } = new AbortController()
    for (const { meta } of kit.blocks.slice(0, 10)) {
      const claim = await within(host, plugin.claim(meta, signal), `claim() of ${meta.ulid}`)
      if (claim.status === 'granted')
        await within(host, Promise.resolve(claim.lease[Symbol.asyncDispose]()), 'the lease')
    }
  }
}

function whole(ownership: Ownership): OwnershipPlugin {
  return typeof ownership === 'function' ? owned(ownership).ownership : ownership
}

function both([a, b]: readonly [Ownership, Ownership]): readonly [OwnershipPlugin, OwnershipPlugin] {
  return [whole(a), whole(b)]
}
