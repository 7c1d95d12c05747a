/** The end of an add: what was prepared is tidied up, what was in vain is counted, and what is served is advertised. */
import { type BlockStage, type Handover, skip } from 'blockgate'
import { setupMetrics } from 'blockgate/runtime/metrics'
import { blockMeta, fakeHost, settle, testId } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { AdvertisedBlocks } from '../../src/pipeline/advertised.ts'
import { BlockTrace } from '../../src/pipeline/block-trace.ts'
import { samples } from '../metrics/measured.ts'
import { blocks, numberOf, scriptedOwnership, scriptedSink, world } from '../support/world.ts'

it.each([
  ['committed', 1],
  ['failed', 4],
  ['lost', 1],
])('what was prepared is tidied up once the add has %s', async (how, times) => {
  const sink = scriptedSink()
  const { prepare } = sink
  let tidied = 0
  const careful: typeof sink.prepare = async block => {
    const prepared = await prepare.call(sink, block)
    return {
      ...prepared,
      commit: () => (how === 'failed' ? Promise.reject(new TypeError('no')) : prepared.commit()),
      async [Symbol.asyncDispose]() {
        tidied++
      },
    }
  }
  const ownership = scriptedOwnership([1])
  if (how === 'lost') ownership.refuses.add('commit 1')
  const { metrics, text } = setupMetrics()
  const made = await world({ list: blocks(1), ownership, sink: Object.assign(sink, { prepare: careful }), metrics })
  const run = made.gateway.sync()
  for (let i = 0; i < 4; i++) await made.host.advance(60_000)
  await run
  const { blockgate_adds_aborted_total: aborted, blockgate_wasted_bytes_total: wasted } = samples(await text())
  expect([tidied, aborted, wasted]).toEqual(how === 'lost' ? [times, 1, 1] : [times, undefined, undefined])
})

it('a block is withdrawn only after those before it were advertised: they must not overtake each other', async () => {
  const ownership = scriptedOwnership([1, 2, 3])
  const serve = ownership.handover?.serve
  const gate = Promise.withResolvers<void>()
  const told: string[] = []
  const slow: typeof serve = async (change, signal) => {
    const what = change.added.length > 0 ? 'added' : 'dropped'
    told.push(`begins ${what}`)
    if (what === 'added') await gate.promise
    await serve?.(change, signal)
    told.push(`ended ${what}`)
  }
  Object.assign(ownership.handover ?? {}, { serve: slow })
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
  expect([told, sink.numbers]).toEqual([['begins added'], [2, 3, 1]])
  gate.resolve()
  await run
  expect(told).toEqual(['begins added', 'ended added', 'begins dropped', 'ended dropped'])
  expect(sink.numbers).toEqual([3, 1])
})

it('what could not be advertised is told later, unless it was withdrawn meanwhile', async () => {
  const told: unknown[] = []
  let away = true
  const serve: Handover['serve'] = async ({ added, dropped }) => {
    if (away) throw new Error('the store is away')
    told.push([added.map(numberOf), dropped.map(numberOf)])
  }
  const advertised = new AdvertisedBlocks({ serve } as Handover, fakeHost(), () => true)
  const untraced = new BlockTrace(fakeHost())
  for (const n of [1, 2]) advertised.added(blockMeta({ ulid: testId(n) }), untraced)
  await advertised.told()
  away = false
  await advertised.withdraw([testId(2)], new AbortController().signal)
  advertised.added(blockMeta({ ulid: testId(3) }), untraced)
  await advertised.told()
  expect(told).toEqual([
    [[], [2]],
    [[1, 3], []],
  ])
})
