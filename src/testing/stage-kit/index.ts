/** What every block stage and set stage must keep. */
import type { Candidate } from '../../contracts/block.ts'
import type { Component } from '../../contracts/host.ts'
import type { BlockStage, SetStage } from '../../contracts/stage.ts'
import { type ComponentKitOptions, componentCases } from '../component-kit.ts'
import { made, type Runner } from '../kit.ts'
import { blockStageCases, useBlockStage } from './block-stage.ts'
import { setStageCases, useSetStage } from './set-stage.ts'

export interface StageKitOptions extends ComponentKitOptions {
  /** A new stage, with options that are right, at every call. */
  readonly factory: () => BlockStage | SetStage
  /** Stages with wrong options: check() must report each. Default: that case is left out, by name. */
  readonly invalid?: readonly (() => Component)[] | undefined
  /** What the stage is asked about. Default: 500 blocks of many kinds. */
  readonly blocks?: readonly Candidate[] | undefined
}

/**
 * Registers the cases that fit the stage's kind with any runner that has `describe` and `it`.
 *
 * @example testStage({ describe, it }, { name: 'my-filter', factory: () => myFilter({ size: 3 }) })
 */
export function testStage(runner: Runner, options: StageKitOptions): void {
  const stage = made(options.factory, 'factory')
  runner.describe(`${options.name} keeps the contract of a ${stage.kind} stage`, () => {
    if (stage.kind === 'block') {
      const kit = { ...options, factory: options.factory as () => BlockStage }
      componentCases(runner, { ...kit, use: useBlockStage(kit) })
      blockStageCases(runner, kit)
    } else {
      const kit = { ...options, factory: options.factory as () => SetStage }
      componentCases(runner, { ...kit, use: useSetStage(kit) })
      setStageCases(runner, kit)
    }
  })
}
