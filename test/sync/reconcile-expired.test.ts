/** Rule 6 and what goes by its own time. */
import { type BlockStage, type RunResult, skip } from 'blockgate'
import { describe, expect, it } from 'vitest'
import { blocks, numberOf, world } from '../support/world.ts'

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe('rule 6: blocks whose own time is over', () => {
  const kept = ({ summary, unconfirmed }: RunResult) => [summary.blocks.dropped, unconfirmed]
  const expires = (which: (n: number) => boolean): BlockStage => ({
    kind: 'block',
    name: 'not-deleted',
    handle: async (block, next) =>
      which(numberOf(block.id)) ? skip('marked-for-deletion', { expired: true }) : next(),
  })

  it.each([1, 3, 10])('%i go without a question, also where they are all that is loaded', async total => {
    let over = false
    const list = blocks(...range(1, total))
    const { gateway, sink } = await world({ list, stages: [expires(() => over)] })
    await gateway.sync()
    over = true
    expect(kept(await gateway.sync())).toEqual([total, 0])
    expect(sink.numbers).toEqual([])
  })

  it('ask where they are many at once, until they are confirmed', async () => {
    let over = 0
    const list = blocks(...range(1, 40))
    const { gateway, source } = await world({ list, stages: [expires(n => n <= over)] })
    await gateway.sync()
    over = 11
    expect(kept(await gateway.sync())).toEqual([0, 11])
    source.list = blocks(...range(1, 100))
    await gateway.sync()
    expect(kept(await gateway.sync())).toEqual([0, 11])
    expect(kept(await gateway.sync({ confirmDrops: true }))).toEqual([11, 0])
  })

  it('do not answer for the others: where all of these are gone, they are asked about', async () => {
    let over = false
    const { gateway, source, sink } = await world({ list: blocks(1, 2, 3), stages: [expires(n => over && n === 1)] })
    await gateway.sync()
    over = true
    source.list = blocks(1)
    expect(kept(await gateway.sync())).toEqual([1, 2])
    expect(sink.numbers).toEqual([2, 3])
  })
})
