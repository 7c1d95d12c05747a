/** What others are told, and in which order. */
import { type BlockStage, skip } from 'blockgate'
import { settle, testId } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { blocks, scriptedOwnership, scriptedSink, world } from '../support/world.ts'

it('a claim is taken back only after the claims before it were told: they must not overtake each other', async () => {
  const ownership = scriptedOwnership([1, 2, 3])
  const serve = ownership.handover?.serve
  const gate = Promise.withResolvers<void>()
  const told: string[] = []
  Object.assign(ownership.handover ?? {}, {
    async serve(...args: Parameters<NonNullable<typeof serve>>) {
      told.push(`begins ${args[0].added.length > 0 ? 'added' : 'dropped'}`)
      if (args[0].added.length > 0) await gate.promise
      await serve?.(...args)
      told.push(`ended ${args[0].added.length > 0 ? 'added' : 'dropped'}`)
    },
  })
  const old: BlockStage = {
    kind: 'block',
    name: 'old',
    handle: async (block, next) => (block.id === testId(2) ? skip('too-old') : await next()),
  }
  const sink = scriptedSink()
  sink.hold(...blocks(2, 3))
  const { gateway } = await world({ list: blocks(1, 2, 3), stages: [old], ownership, sink })
  const run = gateway.sync()
  await settle()
  // Block 1 is added, and block 2 is to go.
  expect(told).toEqual(['begins added'])
  expect(sink.numbers).toEqual([2, 3, 1])
  gate.resolve()
  await run
  expect(told).toEqual(['begins added', 'ended added', 'begins dropped', 'ended dropped'])
  expect(sink.numbers).toEqual([3, 1])
})
