/** What is offered again in one run, how often, and that nothing of it is left behind. */
import { type BlockStage, type OwnershipPlugin, OwnershipUnavailable, skip } from 'blockgate'
import { setupMetrics } from 'blockgate/runtime/metrics'
import { settle } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { samples } from '../metrics/measured.ts'
import { held } from '../support/syncs.ts'
import { blocks, numberOf, scriptedOwnership, told, world } from '../support/world.ts'

const broken = () => new Error('no')
const claimsOf = (log: readonly string[], n: number) => log.filter(line => line === `claim ${n}`).length

describe('a block that was denied', () => {
  it('is not asked for again by a change that is of other blocks', async () => {
    const ownership = scriptedOwnership([1])
    const made = await world({ list: blocks(1, 2, 3), ownership })
    const { go } = await held(made, 1)
    ownership.served(3)
    await settle()
    await go()
    expect([2, 3].map(n => claimsOf(ownership.log, n))).toEqual([1, 2])
  })

  it('is not asked for again where the stage that skipped it did not say so', async () => {
    let asked = 0
    const picky: BlockStage = {
      kind: 'block',
      name: 'picky',
      async handle(block, next) {
        if (numberOf(block.id) !== 2) return next()
        asked++
        return skip('unwanted')
      },
    }
    const ownership = scriptedOwnership()
    const made = await world({ list: blocks(1, 2), stages: [picky], ownership })
    const { go } = await held(made, 1)
    ownership.tick()
    await settle()
    await go()
    expect(asked).toBe(1)
  })

  it('is offered once for all changes that came before its turn, and counted', async () => {
    const ownership = scriptedOwnership([1, 3])
    const meters = setupMetrics()
    const { gateway, sink } = await world({
      list: blocks(1, 2, 3),
      ownership,
      concurrency: 2,
      metrics: meters.metrics,
    })
    const go = [sink.gate(1), sink.gate(3)]
    const run = gateway.sync()
    await settle() // both lanes are busy, and 2 was denied between them
    ownership.tick()
    ownership.tick()
    go[0]?.()
    await settle()
    go[1]?.()
    await run
    expect(claimsOf(ownership.log, 2)).toBe(2)
    expect(samples(await meters.text())).toMatchObject({ blockgate_blocks_reoffered_total: 1 })
  })

  it('has all its tries again once it is offered again', async () => {
    const ownership = scriptedOwnership([1])
    const { gateway, sink, host } = await world({ list: blocks(1, 2), ownership })
    const go = sink.gate(1)
    const run = gateway.sync()
    await settle()
    sink.fail(2, broken(), broken(), broken())
    ownership.gain(2)
    for (let i = 0; i < 4; i++) await host.advance(60_000)
    go()
    expect(told(await run)).toEqual({ 1: 'added', 2: 'added' })
  })

  it('is asked for at once where nobody could answer and the epoch moved meanwhile', async () => {
    const scripted = scriptedOwnership([1])
    let away = true
    const ownership: OwnershipPlugin = {
      ...scripted,
      async claim(block, signal) {
        if (!away) return scripted.claim(block, signal)
        away = false
        scripted.tick() // nobody waits for this event yet
        throw new OwnershipUnavailable()
      },
    }
    const { gateway } = await world({ list: blocks(1), ownership })
    expect(told(await gateway.sync())).toEqual({ 1: 'added' })
  })
})

describe('a change whose plugin cannot say what it is of', () => {
  it('is taken as one of every block', async () => {
    const scripted = scriptedOwnership([1])
    const affects = () => {
      throw new Error('no')
    }
    const ownership: OwnershipPlugin = {
      ...scripted,
      watch: listener => scripted.watch?.(({ epoch }) => listener({ epoch, affects })) ?? { [Symbol.dispose]() {} },
    }
    const made = await world({ list: blocks(1, 2), ownership })
    const { go } = await held(made, 1)
    scripted.gain(2)
    await settle()
    expect(told(await go())).toEqual({ 1: 'added', 2: 'added' })
  })
})

describe('the backoff of a block that failed', () => {
  it('is over at the latest when the run is', async () => {
    const { gateway, sink, host } = await world({ list: blocks(1) })
    sink.fail(1, broken(), broken())
    const run = gateway.sync()
    await settle()
    expect(host.pendingTimers).toBeGreaterThan(0)
    await gateway.stop()
    await run
    expect(host.pendingTimers).toBe(0)
  })
})
