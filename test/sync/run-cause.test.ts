/** What is wrong with a run that was done. */
import { BlockgateError, type BlockStage, type RunResult } from 'blockgate'
import { testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { refuse as refusing } from '../support/syncs.ts'
import { blocks, scriptedOwnership, scriptedSink, world } from '../support/world.ts'

const refuse = (reason: string, options = {}) => refusing(() => true, reason, options)
const told = ({ status, error }: RunResult) => [status, error?.at, error?.message]

describe('nothing is served', () => {
  it('is said with what stands in the way of most blocks', async () => {
    const { gateway, source, host } = await world({ list: blocks(1, 2), stages: [refuse('label-excluded')] })
    source.partial = [{ id: testId(3), reason: 'no-meta-json', keep: false }]
    expect(told(await gateway.sync())).toEqual([
      'done',
      'filter',
      'nothing-served: no block is served; 2 of 3 blocks: label-excluded',
    ])
    expect(host.lines.find(l => l.message === 'run done')).toMatchObject({
      level: 'warn',
      fields: { code: 'nothing-served', error: 'no block is served; 2 of 3 blocks: label-excluded' },
    })
  })

  it('tells the detail of the reason: the member store that refuses the password', async () => {
    const ownership = scriptedOwnership()
    ownership.unavailable = true
    const { gateway } = await world({ list: blocks(1, 2), ownership })
    expect(told(await gateway.sync())).toEqual([
      'done',
      'owned',
      'nothing-served: no block is served; 2 of 2 blocks: ownership-unavailable: who owns the block cannot be known now',
    ])
  })

  it('tells the error where all failed', async () => {
    const sink = scriptedSink()
    sink.fail(1, ...Array.from({ length: 4 }, () => new Error('the disk is gone')))
    const { gateway, host } = await world({ list: blocks(1), sink })
    const run = gateway.sync()
    await host.advance(120_000)
    expect((await run).error?.rawMessage).toBe('no block is served; 1 of 1 blocks: stage-failed: the disk is gone')
  })

  it('is said of blocks that do not fit in the disk budget, also where others are denied', async () => {
    const budget = refusing(n => n <= 2, 'disk-budget', { retain: true }, 'sink')
    const ownership = scriptedOwnership([1, 2])
    const { gateway } = await world({ list: blocks(1, 2, 3), stages: [budget], ownership })
    expect(told(await gateway.sync())).toEqual([
      'done',
      'sink',
      'nothing-served: no block is served; 2 of 3 blocks: disk-budget',
    ])
  })

  it('is what the source says of a bucket in which it sees no block', async () => {
    const { gateway, source } = await world()
    source.cause = '7 objects and no block'
    expect(told(await gateway.sync())).toEqual(['done', 'scripted', 'nothing-served: 7 objects and no block'])
  })

  it('is nothing to say of an empty bucket, of blocks that belong to others, and of those that are only too young', async () => {
    const odd = refusing(n => n === 1, 'odd')
    const cases = [
      { list: [] },
      { list: blocks(1), ownership: scriptedOwnership([2]) },
      { list: blocks(1), ownership: scriptedOwnership([2], { handover: false }) },
      { list: blocks(1, 2), stages: [odd], ownership: scriptedOwnership([1]) },
      { list: blocks(1), stages: [refuse('too-fresh', { retain: true })] },
    ]
    for (const options of cases) {
      const { gateway, host } = await world(options)
      expect(told(await gateway.sync())).toEqual(['done', undefined, undefined])
      expect(host.lines.filter(l => l.level === 'warn')).toEqual([])
    }
  })

  it('is not said by the run that drops the last block', async () => {
    const { gateway, sink } = await world({ list: blocks(1), stages: [refuse('label-excluded')] })
    sink.hold(...blocks(1))
    const { error, dropped } = await gateway.sync({ confirmDrops: true })
    expect([error, dropped]).toEqual([undefined, [testId(1)]])
    expect((await gateway.sync()).error?.code).toBe('nothing-served')
  })

  it('is not said while something is held', async () => {
    const { gateway, sink } = await world({ list: blocks(1), stages: [refuse('label-excluded')] })
    sink.hold(...blocks(2))
    expect((await gateway.sync()).error).toBeUndefined()
  })
})

it('that owners are unknown is said also where blocks are held', async () => {
  const ownership = scriptedOwnership()
  ownership.unavailable = true
  const { gateway, sink } = await world({ list: blocks(1, 2, 3), ownership })
  sink.hold(...blocks(3))
  expect((await gateway.sync()).error?.message).toBe(
    'ownership-unavailable: 3 of 3 blocks: ownership-unavailable: who owns the block cannot be known now',
  )
})

it('the cause of an incomplete view is said, also by the runs that look at it again', async () => {
  const { gateway, source, results, host } = await world({ list: blocks(1), ownership: scriptedOwnership([1]) })
  source.complete = false
  expect(told(await gateway.sync())).toEqual(['done', 'scripted', 'listing-failed: the source did not see everything'])
  source.cause = new Error('503')
  await gateway.start()
  expect(results.at(-1)?.error?.message).toBe('listing-failed: 503')
  source.cause = undefined
  source.complete = true
  await host.advance(300_000)
  expect(results.at(-1)?.error).toBeUndefined()
})

it('failures of blocks are one warning for each stage and code, with where foreign code threw', async () => {
  const sink = scriptedSink()
  const broken: BlockStage = {
    kind: 'block',
    name: 'broken',
    async handle(block, next) {
      if (block.id <= testId(3)) throw new TypeError('x is undefined')
      return next()
    },
  }
  sink.fail(4, ...Array.from({ length: 4 }, () => new BlockgateError('disk-full', 'no room')))
  const { gateway, host, source } = await world({ list: blocks(1, 2, 3, 4, 5), stages: [broken], sink })
  source.partial = [6, 7].map(n => ({
    id: testId(n),
    reason: 'corrupted-meta-json',
    error: new Error(`bad ${n}`),
    keep: true,
  }))
  const run = gateway.sync()
  await host.advance(120_000)
  await run
  const failed = host.lines.filter(line => line.message === 'blocks failed').map(line => [line.level, line.fields])
  const run0 = expect.any(String)
  expect(failed).toEqual([
    [
      'warn',
      { run: run0, stage: 'scripted', code: 'corrupted-meta-json', blocks: 2, block: testId(6), error: 'bad 6' },
    ],
    [
      'warn',
      {
        run: run0,
        stage: 'broken',
        code: 'stage-failed',
        blocks: 3,
        block: expect.any(String),
        error: 'x is undefined',
        at: expect.stringMatching(/run-cause\.test\.ts:\d+:\d+/),
      },
    ],
    ['warn', { run: run0, stage: 'scripted-sink', code: 'disk-full', blocks: 1, block: testId(4), error: 'no room' }],
  ])
})
