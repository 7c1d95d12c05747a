/** Conformance tests of sinks. */
import type { Candidate } from '../contracts/block.ts'
import type { Bucket, Component } from '../contracts/host.ts'
import type { BlockSink } from '../contracts/stage.ts'
import { made, type Runner } from './assert.ts'
import { blockContext } from './blocks.ts'
import { type ComponentKitOptions, componentCases } from './component.ts'
import { dropCases, readerCases, restartCases } from './sink/kept.ts'
import { failureCases, prepareCases } from './sink/prepare.ts'
import { type SinkKit, withSubject } from './sink/subject.ts'
import { storedBlocks } from './stored-blocks.ts'

export interface SinkKitOptions extends ComponentKitOptions {
  /**
   * A new sink at every call, not started, with options that are right. A sink that keeps something on a disk finds it by
   * `services.files`: give `services` with an empty disk of its own at every call, and a host that is real.
   */
  readonly factory: () => BlockSink
  /** Sinks with wrong options: check() must report each. Default: that case is left out, by name. */
  readonly invalid?: readonly (() => Component)[] | undefined
  /** Puts at least three blocks into the bucket and gives them back. Default: storedBlocks(), whose bytes are made up. */
  readonly blocks?: ((bucket: Bucket) => Promise<readonly Candidate[]>) | undefined
}

/**
 * Registers the cases that fit the sink with any runner that has `describe` and `it`: readers where it has `open`,
 * restarts where `services` have files. A sink that never asks the bucket for an object need not notice damaged ones.
 *
 * @example testSink({ describe, it }, { name: 'memory', factory: () => memory() })
 */
export function testSink(runner: Runner, options: SinkKitOptions): void {
  const blocks = options.blocks ?? (bucket => storedBlocks(bucket))
  const kit: SinkKit = {
    ...options,
    runner,
    blocks,
    it: (name, fn) => runner.it(name, async () => await withSubject(kit, fn)),
  }
  runner.describe(`${options.name} keeps the contract of a sink`, () => {
    componentCases(runner, {
      ...options,
      use: async (sink, services) => {
        const [block] = await blocks(services.bucket)
        await using prepared = await sink.prepare(blockContext(block))
        await prepared.commit()
      },
    })
    prepareCases(kit)
    failureCases(kit)
    dropCases(kit)
    readerCases(kit, made(options.factory, 'factory'))
    restartCases(kit)
  })
}
