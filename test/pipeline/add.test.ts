/** The end of an add: what was prepared is tidied up, and what was in vain is counted. */
import type { BlockSink, PreparedBlock } from 'blockgate'
import { setupMetrics } from 'blockgate/runtime/metrics'
import { expect, it } from 'vitest'
import { samples } from '../metrics/measured.ts'
import { blocks, numberOf, scriptedOwnership, scriptedSink, world } from '../support/world.ts'

it.each(['committed', 'failed', 'lost'])('what was prepared is tidied up once the add has %s', async how => {
  const sink = scriptedSink()
  const { prepare } = sink
  const tidied: number[] = []
  const careful: Pick<BlockSink, 'prepare'> = {
    async prepare(block): Promise<PreparedBlock> {
      const prepared = await prepare.call(sink, block)
      return {
        ...prepared,
        commit: () => (how === 'failed' ? Promise.reject(new TypeError('no')) : prepared.commit()),
        async [Symbol.asyncDispose]() {
          tidied.push(numberOf(block.id))
        },
      }
    },
  }
  const ownership = scriptedOwnership([1])
  if (how === 'lost') ownership.refuses.add('commit 1')
  const { gateway, host } = await world({ list: blocks(1), ownership, sink: Object.assign(sink, careful) })
  const run = gateway.sync()
  for (let i = 0; i < 4; i++) await host.advance(60_000)
  await run
  expect(tidied).toEqual(how === 'failed' ? [1, 1, 1, 1] : [1])
})

it('an add whose lease was found lost before the commit is counted, with what it had loaded', async () => {
  const ownership = scriptedOwnership([1])
  ownership.refuses.add('commit 1')
  const meters = setupMetrics()
  const { gateway } = await world({ list: blocks(1), ownership, metrics: meters.metrics })
  await gateway.sync()
  expect(samples(await meters.text())).toMatchObject({
    blockgate_adds_aborted_total: 1,
    blockgate_wasted_bytes_total: 1,
  })
})
