/** A disk budget refuses new adds; it never drops a last copy to make room. */
import { ConfigError, resolveConfig } from 'blockgate'
import { settle } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { blocks, scriptedOwnership, scriptedSink, scriptedSource, told, world } from '../support/world.ts'

// Every block of the scripted sink has one byte.
it('refuses the blocks that do not fit, each with its reason, and loads the others', async () => {
  const { gateway, sink } = await world({ list: blocks(1, 2, 3), diskBudget: 2, concurrency: 1 })
  const result = await gateway.sync()
  expect(told(result)).toEqual({ 1: 'added', 2: 'added', 3: 'skipped scripted-sink disk-budget' })
  expect(sink.numbers).toEqual([1, 2])
  // Where it is full already, nothing is fetched that cannot be kept.
  expect(sink.log).not.toContain('prepare 3')
})

it('lets loads that run side by side not pass it together', async () => {
  const sink = scriptedSink()
  const { prepare } = sink
  const reserving: typeof prepare = async block => {
    block.reserve?.(1)
    await settle()
    return prepare(block)
  }
  const list = blocks(1, 2, 3)
  const { gateway } = await world({ list, diskBudget: 1, sink: Object.assign(sink, { prepare: reserving }) })
  await gateway.sync()
  expect(sink.log).toEqual(['prepare 1', 'commit 1'])
})

it('counts what is loaded already, and keeps it where it is more than the budget', async () => {
  const sink = scriptedSink()
  sink.hold(...blocks(1, 2))
  const { gateway } = await world({ list: blocks(1, 2, 3), diskBudget: 1, sink })
  const result = await gateway.sync()
  expect(result.summary.blocks).toMatchObject({ unchanged: 2, skipped: 1, dropped: 0 })
  expect(sink.numbers).toEqual([1, 2])
})

it('lets go of a lingering copy that one other serves, then loads what found no room', async () => {
  const ownership = scriptedOwnership([1])
  ownership.releasable = new Set()
  const { gateway, host, sink } = await world({ list: blocks(1, 2), diskBudget: 1, ownership })
  await gateway.start()
  ownership.lose(1)
  ownership.gain(2)
  await host.advance(1_000)
  // Nobody else serves block 1: it is the last copy, and stays.
  expect(sink.numbers).toEqual([1])
  expect(gateway.catalogue.counts()).toMatchObject({ 'last-copy': 1 })
  ownership.served(1)
  await host.advance(2_000)
  expect(sink.numbers).toEqual([2])
  expect(ownership.log).toContain('urgent release 1 needs 1: released')
})

it.each([
  [1, 1],
  ['10', 10],
  ['512KiB', 524_288],
  ['2MiB', 2_097_152],
  ['40GiB', 42_949_672_960],
  ['2TiB', 2_199_023_255_552],
])('reads %s as %s bytes', async (diskBudget, bytes) => {
  const pipeline = [scriptedSource([]), scriptedSink()] as const
  expect((await resolveConfig({ pipeline, diskBudget }, { env: {} })).diskBudget).toBe(bytes)
})

it.each([0, -1, 1.5, '', '10GB', '1e3', '0GiB', Number.NaN, true])('refuses %s', async diskBudget => {
  const pipeline = [scriptedSource([]), scriptedSink()] as const
  const config = { pipeline, diskBudget } as Parameters<typeof resolveConfig>[0]
  await expect(resolveConfig(config, { env: {} })).rejects.toThrow(ConfigError)
  await expect(resolveConfig(config, { env: {} })).rejects.toThrow('diskBudget: must be a number of bytes > 0')
})
