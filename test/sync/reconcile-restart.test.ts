import { memoryState } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { blocks, world } from '../support/world.ts'

it('an absence counts over a restart: a sync is a process of its own', async () => {
  const state = memoryState()
  const first = await world({ list: blocks(1, 2), state })
  await first.gateway.sync()
  const syncs = async (...list: number[]) => {
    const { gateway } = await world({ list: blocks(...list), state, sink: first.sink })
    const { dropped, retained } = (await gateway.sync()).summary.blocks
    await gateway.stop()
    return [dropped, retained]
  }
  await first.gateway.stop()
  expect(await syncs(2)).toEqual([0, 1])
  expect(await syncs(1, 2)).toEqual([0, 0])
  expect(await syncs(2)).toEqual([0, 1])
  expect(await syncs(2)).toEqual([1, 0])
  expect(first.sink.numbers).toEqual([2])
})

it('a process that goes on after its start looks twice itself', async () => {
  const state = memoryState()
  const first = await world({ list: blocks(1, 2), state })
  await first.gateway.sync()
  first.source.list = blocks(2)
  await first.gateway.sync()
  await first.gateway.stop()
  const { gateway, results } = await world({ list: blocks(2), state, sink: first.sink })
  await gateway.start()
  expect(results[0]?.summary.blocks).toMatchObject({ dropped: 0, retained: 1 })
  expect((await gateway.sync()).summary.blocks).toMatchObject({ dropped: 1 })
  await gateway.stop()
})
