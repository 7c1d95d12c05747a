/** Blocks that a query waits for have their turn before all others, and nothing else about them changes. */
import type { SetStage } from 'blockgate'
import { memoryState, settle, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { scopedState } from '../../src/contracts/state.ts'
import { countSteps } from '../support/steps.ts'
import { everything, held, refuse, upTo } from '../support/syncs.ts'
import { blocks, scriptedOwnership, told, type World, type WorldOptions, world } from '../support/world.ts'

/** A world whose startup run waits at the load of block 1. */
async function waiting(count: number, options: Partial<WorldOptions> = {}) {
  const made = await world({ list: blocks(...upTo(count)), concurrency: 1, ...options })
  const { go } = await held(made, 1)
  return { ...made, go }
}

const loads = ({ sink }: Pick<World, 'sink'>) =>
  sink.log.filter(line => line.startsWith('prepare')).map(line => Number(line.slice(8)))
/** A stage that is asked about each block that is offered. */
function asking() {
  const asked: number[] = []
  const note = (n: number) => asked.push(n) < 0
  return { asked, stage: refuse(note, 'never') }
}
const ids = (...numbers: number[]) => numbers.map(n => testId(n))

describe('blocks that are wanted', () => {
  it.each([
    ['one segment', []],
    ['two segments', [everything]],
  ])('come first, in the order of the bucket, each once: %s', async (_, stages) => {
    const { asked, stage } = asking()
    const made = await waiting(6, { stages: [...stages, stage] })
    made.gateway.want(ids(5, 4, 1))
    await settle()
    await made.go()
    expect(asked).toEqual([1, 4, 5, 2, 3, 6])
    expect(loads(made)).toEqual(asked)
  })

  it('that are named before they can be offered come first then', async () => {
    const decided = Promise.withResolvers<void>()
    const select: SetStage['select'] = async (list, run) => {
      await decided.promise
      return everything.select(list, run)
    }
    const made = await world({ list: blocks(...upTo(5)), stages: [{ ...everything, select }], concurrency: 1 })
    const run = made.gateway.sync()
    await settle()
    made.gateway.want(ids(4))
    decided.resolve()
    await run
    expect(loads(made)).toEqual([4, 1, 2, 3, 5])
  })

  it('that are still to be listed are listed before anything else is loaded', async () => {
    const made = await world({ list: blocks(...upTo(6)), concurrency: 2 })
    made.source.pageSize = 2
    const { go } = await held(made, 1, 2)
    expect([made.gateway.catalogue.size, made.gateway.readiness.known]).toEqual([2, undefined])
    made.gateway.want(ids(6))
    await settle()
    expect([made.gateway.catalogue.size, made.gateway.readiness.known]).toEqual([6, true])
    await go()
    expect(loads(made)).toEqual([1, 2, 6, 3, 4, 5])
  })

  it('are looked for once in each page, however many pages come', async () => {
    const stepsOf = async (count: number) => {
      const made = await world({ list: blocks(...upTo(count)), concurrency: 2 })
      made.source.pageSize = 2
      const { go } = await held(made, 1, 2)
      using steps = countSteps()
      made.gateway.want(ids(count + 1))
      while (made.gateway.catalogue.size < count) await settle()
      const { count: taken } = steps
      await go()
      return taken
    }
    // Twice as many blocks take twice as much, and not four times.
    expect((await stepsOf(400)) / (await stepsOf(200))).toBeLessThan(2.5)
  })

  it('are none that a stage skips, that ownership denies, or that have their verdict', async () => {
    const ownership = scriptedOwnership([1, 2, 4, 5])
    const made = await waiting(5, { ownership, stages: [refuse(n => n === 4, 'unwanted')] })
    made.gateway.want(ids(3, 4, 1, 9))
    await settle()
    expect(told(await made.go())).toMatchObject({ 1: 'added', 2: 'added', 5: 'added' })
    expect(loads(made)).toEqual([1, 2, 5])
  })

  it('are 64 at most at once', async () => {
    const made = await waiting(80)
    made.gateway.want(ids(...upTo(80, 10)))
    await settle()
    await made.go()
    expect(loads(made)).toEqual([1, ...upTo(73, 10), ...upTo(9, 2), ...upTo(80, 74)])
  })

  it('go before others that ownership has just given', async () => {
    const ownership = scriptedOwnership([1])
    const { asked, stage } = asking()
    const made = await waiting(6, { ownership, concurrency: 2, stages: [stage] })
    // 2 to 6 were denied by the second worker.
    const open = made.sink.gate(2)
    ownership.gain(2, 3, 4, 5, 6)
    await settle()
    made.gateway.want(ids(6, 5))
    await settle()
    open()
    await made.go()
    expect(loads(made)).toEqual([1, 2, 5, 6, 3, 4])
    // They were denied first.
    expect(asked).toEqual([...upTo(6), 2, 5, 6, 3, 4])
  })

  it('and in flight when the process died still come last, alone', async () => {
    const state = memoryState()
    await scopedState(state, 'engine').set('loads-in-flight', { inFlight: [testId(2)], deaths: {} })
    const made = await waiting(4, { state })
    made.gateway.want(ids(2))
    await settle()
    await made.go()
    expect(loads(made)).toEqual([1, 3, 4, 2])
  })

  it('change nothing where no run goes on', async () => {
    const made = await world({ list: blocks(1, 2, 3), concurrency: 1 })
    made.gateway.want(ids(3))
    await made.gateway.sync()
    expect(loads(made)).toEqual([1, 2, 3])
  })
})
