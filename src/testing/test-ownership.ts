/** Conformance tests of ownership plugins: a plugin, an object of the user's own, or a function. */
import type { BlockMeta, Candidate } from '../contracts/block.ts'
import type { Component } from '../contracts/host.ts'
import type { OwnershipFunction, OwnershipPlugin } from '../contracts/ownership.ts'
import { owned } from '../pipeline/owned.ts'
import { assert, leaveOut, made, type Runner } from './assert.ts'
import { type ComponentKitOptions, componentCases, withStarted } from './component.ts'
import { claimCases, rivals } from './ownership/claim.ts'
import { handoverCases } from './ownership/handover.ts'
import { type OwnershipIt, Subject } from './ownership/subject.ts'
import { changeCases, watchCases } from './ownership/watch.ts'
import { sampleBlocks } from './sample-blocks.ts'

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
  const { name, services, invalid, change, blocks = sampleBlocks(200) } = options
  const metas = blocks.map(block => block.meta)
  const make = () => made(options.factory, 'factory')
  const it: OwnershipIt = (name, fn) =>
    runner.it(name, async () => {
      const ownership = make()
      await withStarted(whole(ownership), options, (plugin, services) =>
        fn(new Subject(plugin, services, metas, async () => change?.(ownership))),
      )
    })
  const { exclusive, watch, handover } = whole(make())
  runner.describe(`${name} keeps the contract of an ownership plugin`, () => {
    componentCases(runner, {
      ...{ name, services, invalid },
      factory: () => whole(make()),
      async use(plugin, services) {
        plugin.watch?.(() => {})
        const subject = new Subject(plugin, services, metas)
        for (const meta of metas.slice(0, 10)) await subject.giveBack(await subject.claim(meta))
      },
    })
    claimCases(it)
    const one = 'two members never hold one block at once'
    if (exclusive) runner.it(one, () => withTwo(options, metas, rivals))
    else leaveOut(runner, one, 'the plugin is not exclusive')
    if (!watch) leaveOut(runner, 'watch()', 'the plugin has none')
    else {
      watchCases(it)
      if (change) changeCases(it)
      else leaveOut(runner, 'watch() tells of a change', 'no `change` was given')
    }
    if (handover) handoverCases(it)
    else leaveOut(runner, 'handover', 'the plugin has none')
  })
}

/** Runs `use` with two started members of one cluster. */
async function withTwo(
  options: Pick<OwnershipKitOptions, 'name' | 'services' | 'pair'>,
  metas: readonly BlockMeta[],
  use: (a: Subject, b: Subject) => Promise<void>,
): Promise<void> {
  assert(options.pair, '`pair` to be given, as the plugin says it is exclusive')
  const [a, b] = made(options.pair, 'pair')
  await withStarted(whole(a), options, async (...first) => {
    const second = { id: 'test-2', zone: undefined }
    await withStarted(
      whole(b),
      options,
      (...other) => use(new Subject(...first, metas), new Subject(...other, metas)),
      second,
    )
  })
}

function whole(ownership: Ownership): OwnershipPlugin {
  return typeof ownership === 'function' ? owned(ownership).ownership : ownership
}
