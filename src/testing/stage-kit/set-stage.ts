/** The cases of testStage() for set stages. */
import type { Candidate } from '../../contracts/block.ts'
import type { Services } from '../../contracts/host.ts'
import type { Selection, SetStage } from '../../contracts/stage.ts'
import { runContext } from '../blocks.ts'
import { type ComponentKitOptions, isKebab, within, withStarted } from '../component-kit.ts'
import { assert, assertEqual, type Runner } from '../kit.ts'
import { deepFrozen, sampleBlocks } from '../sample-blocks.ts'

export interface SetStageKit extends ComponentKitOptions {
  readonly factory: () => SetStage
  readonly blocks?: readonly Candidate[] | undefined
}

/** Asks the stage about all blocks. */
export function useSetStage(kit: SetStageKit): (stage: SetStage, services: Services) => Promise<void> {
  return async (stage, services) => {
    await ask(stage, services, blocksOf(kit))
  }
}

export function setStageCases(runner: Runner, kit: SetStageKit): void {
  const { it } = runner
  const blocks = blocksOf(kit)
  const started = (use: (stage: SetStage, services: Services) => Promise<void>) => withStarted(kit.factory(), kit, use)

  for (const count of new Set([0, 1, blocks.length])) {
    it(`names each of ${count} blocks exactly once`, async () => {
      await started(async (stage, services) => {
        const list = blocks.slice(0, count)
        const ids = (await ask(stage, services, list)).map(selection => selection.id)
        assertEqual(new Set(ids).size, ids.length, 'no id to be named twice')
        // Sorted, because the order is the stage's to choose: this case is about which ids there are.
        assertEqual([...ids].sort(), list.map(block => block.meta.ulid).sort(), 'exactly the ids of the list')
      })
    })
  }

  it('skips with kebab-case reasons', async () => {
    await started(async (stage, services) => {
      for (const { skip } of await ask(stage, services, blocks)) {
        assert(skip === undefined || isKebab(skip), `a kebab-case reason: current value is ${JSON.stringify(skip)}`)
      }
    })
  })

  it('supersededBy stands on skipped blocks only, and names a block of the list that goes on', async () => {
    await started(async (stage, services) => {
      const answer = await ask(stage, services, blocks)
      const going = new Set(answer.flatMap(selection => (selection.skip === undefined ? [selection.id] : [])))
      for (const { id, skip, supersededBy } of answer) {
        if (supersededBy === undefined) continue
        assert(skip !== undefined, `${id} to be skipped, as it is superseded`)
        assert(going.has(supersededBy), `${supersededBy}, which supersedes ${id}, to be in the list and to go on`)
      }
    })
  })

  it('changes nothing of the blocks or the list it was given', async () => {
    await started(async (stage, services) => {
      const list = deepFrozen([...blocks])
      const before = JSON.stringify(list)
      await ask(stage, services, list)
      assertEqual(JSON.stringify(list), before, 'the list to stay as it was')
    })
  })

  it('gives the same answer to the same list, whatever it was asked between', async () => {
    await started(async (stage, services) => {
      const first = await ask(stage, services, blocks)
      await ask(stage, services, blocks.slice(0, Math.floor(blocks.length / 2)))
      assertEqual(await ask(stage, services, blocks), first, 'the same answer again')
    })
  })

  it('is asked twice at once, and answers both as it does alone', async () => {
    await started(async (stage, services) => {
      const half = blocks.slice(0, Math.floor(blocks.length / 2))
      const alone = [await ask(stage, services, blocks), await ask(stage, services, half)]
      const together = await Promise.all([ask(stage, services, blocks), ask(stage, services, half)])
      assertEqual(together, alone, 'the same answers when asked at once')
    })
  })
}

function ask(stage: SetStage, { host }: Services, list: readonly Candidate[]): Promise<readonly Selection[]> {
  const loaded = new Set(list.filter((_, i) => i % 2 === 0).map(block => block.meta.ulid))
  const answer = (async () => await stage.select(list, runContext({ loaded })))()
  return within(host, answer, `select() of ${list.length} blocks`)
}

function blocksOf(kit: SetStageKit): readonly Candidate[] {
  return kit.blocks ?? sampleBlocks(500)
}
