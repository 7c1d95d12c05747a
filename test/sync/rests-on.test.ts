// A view that rests on what another gateway has told: it adds, drops nothing, is no failure, and a listing follows at once.
import { BlockgateError, type BlockSource, ErrorCode, type Page, type ViewEnd } from 'blockgate'
import { testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { blocks, scriptedSink, world } from '../support/world.ts'

const TOLD = 'the catalogue of yesterday'

/** A world whose source tells of `told` in its first `times` listings, and lists `list` from then on. */
async function telling(told: readonly number[], list: readonly number[], times = 1) {
  const made = await world({ sink: scriptedSink() })
  const { source } = made
  let runs = 0
  async function* pages(): AsyncGenerator<Page, ViewEnd, undefined> {
    const isTold = runs++ < times
    yield { blocks: blocks(...(isTold ? told : list)), partial: [] }
    return isTold ? { complete: false, restsOn: TOLD } : { complete: true }
  }
  Object.assign(source, { pages })
  return { ...made, listings: () => runs }
}

async function confirming(confirm: NonNullable<BlockSource['confirm']>) {
  const made = await world({ list: blocks(1), sink: scriptedSink() })
  Object.assign(made.source, { confirm })
  return made
}

describe('a start by what was told', () => {
  it('is ready, says on what that rests, and lists at once', async () => {
    const { gateway, host, sink } = await telling([1, 2], [1, 2, 3])
    const first = await gateway.start()
    expect(first).toMatchObject({ status: 'done', error: undefined })
    expect(first.summary.run).toMatchObject({ complete: false, restsOn: TOLD })
    expect(gateway.readiness).toMatchObject({
      ready: true,
      reason: `every block had a verdict, by ${TOLD}`,
    })
    expect([...sink.loaded().keys()]).toEqual([testId(1), testId(2)])
    await host.advance(0)
    expect(gateway.results.map(({ summary: { run } }) => [run.reason, run.complete])).toEqual([
      ['startup', false],
      ['startup', true],
    ])
    expect([...sink.loaded().keys()]).toEqual([testId(1), testId(2), testId(3)])
    expect(gateway.readiness.reason).toBe('every block had a verdict')
    await gateway.stop()
  })

  it('drops nothing that was not told of', async () => {
    const { gateway, host, sink } = await telling([1], [1, 2])
    sink.hold(...blocks(2))
    const first = await gateway.start()
    expect(first.dropped).toEqual([])
    expect(sink.loaded().has(testId(2))).toBe(true)
    // Nor does what it did not tell of count as missed once.
    await host.advance(0)
    expect(sink.loaded().has(testId(2))).toBe(true)
    await gateway.stop()
  })

  it('of one who asks for one run is followed by the listing that he waits for', async () => {
    const { gateway } = await telling([1], [1, 2])
    const run = await gateway.sync({ reason: 'startup' })
    expect(run.summary.run.complete).toBe(true)
    expect(run.summary.blocks.seen).toBe(2)
  })

  it('never asks without end a source that only ever tells', async () => {
    const { gateway, host, listings } = await telling([1], [], 10)
    await gateway.start()
    await host.advance(1_000)
    expect(listings()).toBe(2)
    await gateway.stop()
  })
})

describe('a source that confirms', () => {
  it('has a block shown only after it did', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { gateway, host, sink } = await confirming(() => promise)
    const run = gateway.sync()
    await host.advance(10)
    expect(sink.loaded().size).toBe(0)
    resolve()
    await run
    expect(sink.loaded().size).toBe(1)
  })

  it('fails the block by its own name, also where the load has failed, too', async () => {
    const { gateway, sink } = await confirming(async () => {
      throw Object.assign(new BlockgateError('catalogue-wrong', 'it lies'), { retryable: false })
    })
    sink.fail(1, new Error('there is no index'))
    const { summary } = await gateway.sync()
    expect(summary.failures).toMatchObject([{ by: 'scripted', code: 'catalogue-wrong', message: 'it lies' }])
    expect(sink.loaded().size).toBe(0)
  })

  it('skips a block that is gone', async () => {
    const { gateway } = await confirming(async () => {
      throw new BlockgateError(ErrorCode.notFound, 'it is gone')
    })
    const { summary } = await gateway.sync()
    expect(summary.stages[0]?.skipped).toEqual({ 'no-meta-json': 1 })
    expect(summary.blocks.failed).toBe(0)
  })
})
