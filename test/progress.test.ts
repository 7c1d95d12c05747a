import { BlockgateError, type BlockStage, skip } from 'blockgate'
import { settle, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { blocks, numberOf, world } from './support/world.ts'

describe('the progress of a run', () => {
  it('tells the bytes that the sink took, and no failure of a block that another try has mended', async () => {
    const { gateway, sink, host } = await world({ list: blocks(1, 2, 3) })
    const go = sink.gate(3)
    sink.fail(2, new Error('once'))
    const run = gateway.sync()
    await settle()
    expect(gateway.progress).toMatchObject({ seen: 3, done: 2, failed: 1, bytes: 1, inFlight: 1 })
    await host.advance(5_000)
    expect(gateway.progress).toMatchObject({ done: 2, failed: 0, bytes: 2 })
    go()
    await run
  })

  it('counts a block that was seen broken as failed, one that is being uploaded not, and what was loaded before not as bytes', async () => {
    const waits = Promise.withResolvers<void>()
    const stage: BlockStage = {
      kind: 'block',
      name: 'waits',
      async handle(block, next) {
        if (numberOf(block.id) === 2) await waits.promise
        return numberOf(block.id) === 3 ? skip('odd') : next()
      },
    }
    const { gateway, sink, source } = await world({ list: blocks(1, 2, 3), stages: [stage] })
    sink.hold(...blocks(1))
    source.partial = [
      {
        id: testId(8),
        reason: 'corrupted-meta-json',
        error: new BlockgateError('corrupted-meta-json', 'bad'),
        keep: true,
      },
      { id: testId(9), reason: 'no-meta-json', keep: false },
    ]
    const run = gateway.sync()
    await settle()
    expect(gateway.progress).toMatchObject({ seen: 5, done: 4, failed: 1, bytes: 0, inFlight: 1 })
    waits.resolve()
    await run
  })
})
