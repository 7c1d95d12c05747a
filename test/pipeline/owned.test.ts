import {
  type Claim,
  everything,
  held,
  isOwnershipUnavailable,
  LeaseLost,
  type OwnershipPlugin,
  OwnershipUnavailable,
  owned,
} from 'blockgate'
import { blockContext, candidate, services, spans, testId, testOutcome } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { blocks, scriptedOwnership, told, world } from '../support/world.ts'

const block = blockContext(candidate({ ulid: testId(1) }))
const next = async () => testOutcome('added')

describe('owned()', () => {
  it('takes a function, with and without a promise: true means mine', async () => {
    const { gateway, sink } = await world({
      list: blocks(1, 2, 3),
      ownership: owned(b => b.ulid === testId(2)).ownership,
    })
    expect(told(await gateway.sync())).toEqual({
      1: 'skipped owned not-owner',
      2: 'added',
      3: 'skipped owned not-owner',
    })
    expect(sink.numbers).toEqual([2])
    const later = owned(async b => b.ulid === testId(1))
    expect(await later.handle(block, next)).toMatchObject({ kind: 'added' })
  })

  it.each([[undefined], [null], [{}], ['hash-ring'], [{ claim: true, epoch: 1 }]])(
    'does not take %j for a plugin',
    given => {
      const must = 'be given an ownership plugin, or a function'
      expect(owned(given as unknown as OwnershipPlugin).check?.()).toEqual([{ path: '', must, value: given }])
    },
  )

  it.each([[undefined], ['no'], [1], [null], [{}]])(
    'fails a block of which the function answers %j: it is neither owned nor denied',
    async answer => {
      const { gateway, sink } = await world({
        list: blocks(1, 2, 3),
        ownership: owned(function byHand(b) {
          return b.ulid === testId(3) || (answer as unknown as boolean)
        }).ownership,
      })
      sink.hold(...blocks(1))
      const result = await gateway.sync()
      expect(told(result)).toEqual({ 1: 'failed owned', 2: 'failed owned', 3: 'added' })
      expect(result.summary.failures[0]).toMatchObject({
        code: 'stage-misuse',
        message: expect.stringMatching(/^byHand\(\) must answer true or false: current value is /),
      })
      expect(sink.numbers).toEqual([1, 3])
    },
  )

  it.each<[answer: unknown, message: string]>([
    [undefined, 'claim() must answer granted or denied: current value is undefined'],
    [true, 'claim() must answer granted or denied: current value is undefined'],
    [{ status: 'yes', epoch: 1 }, 'claim() must answer granted or denied: current value is "yes"'],
    [
      { status: 'denied', reason: 'not-owner' },
      'the epoch of a claim must be a finite number: current value is undefined',
    ],
    [{ status: 'denied', epoch: 1 }, 'the reason of a skip must be kebab-case: current value is undefined'],
    [
      { status: 'granted', epoch: 1 },
      'a lease must have signal, assertHeld() and [Symbol.asyncDispose](): current value is undefined',
    ],
    [
      { status: 'granted', epoch: 1, lease: {} },
      'a lease must have signal, assertHeld() and [Symbol.asyncDispose](): current value is {}',
    ],
  ])('fails a block of which claim() answers %j', async (answer, message) => {
    const ownership = { ...everything(), claim: async () => answer as Claim }
    const { gateway, sink } = await world({ list: blocks(1, 2), ownership })
    sink.hold(...blocks(1))
    const { summary } = await gateway.sync()
    expect(summary.failures.map(f => [f.by, f.code, f.message])).toEqual(
      Array(2).fill(['owned', 'stage-misuse', message]),
    )
    expect(sink.numbers).toEqual([1])
  })

  it('says so of an answer that is none also where it is traced', async () => {
    using _ = spans()
    const ownership = { ...everything(), claim: async () => undefined as unknown as Claim }
    const { gateway } = await world({ list: blocks(1), ownership })
    const { summary } = await gateway.sync()
    expect(summary.failures.map(f => [f.code, f.message])).toEqual([
      ['stage-misuse', 'claim() must answer granted or denied: current value is undefined'],
    ])
  })

  it('names a function plugin by the function', () => {
    expect(owned(() => true).ownership.name).toBe('function')
    expect(
      owned(function byHand() {
        return true
      }).ownership.name,
    ).toBe('byHand')
  })

  it('takes a plugin, and starts, checks and stops it with itself', async () => {
    const log: string[] = []
    const plugin: OwnershipPlugin = {
      ...everything(),
      check: () => [{ path: 'x', must: 'be y', value: 1 }],
      async start({ instance }) {
        log.push(`start ${instance.id}`)
      },
      async stop() {
        log.push('stop')
      },
    }
    const stage = owned(plugin)
    expect(stage.check?.()).toEqual([{ path: 'x', must: 'be y', value: 1 }])
    await stage.start?.(services())
    await stage.stop?.(new AbortController().signal)
    expect(log).toEqual(['start test-1', 'stop'])
  })

  it('says that ownership is unknown, whatever copy of the package said so, and passes any other error on', async () => {
    const foreign = Object.assign(new Error('x'), { code: 'ownership-unavailable', rawMessage: 'the store is away' })
    expect(isOwnershipUnavailable(foreign)).toBe(true)
    expect(isOwnershipUnavailable(new OwnershipUnavailable())).toBe(true)
    const unknown = owned(() => Promise.reject(foreign))
    expect(await unknown.handle(block, next)).toMatchObject({
      reason: 'ownership-unavailable',
      retain: true,
      recheck: 'ownership-change',
      detail: 'the store is away',
    })
    await expect(owned(() => Promise.reject(new Error('bug'))).handle(block, next)).rejects.toThrow('bug')
  })

  it('turns a failure below into lease-lost only where the lease is lost', async () => {
    const controller = new AbortController()
    const plugin: OwnershipPlugin = {
      ...everything(),
      claim: async () => ({ status: 'granted', epoch: 1, lease: { ...held, signal: controller.signal } }),
    }
    const failing = async () => testOutcome('failed', new Error('503'))
    expect(await owned(plugin).handle(block, failing)).toMatchObject({ kind: 'failed' })
    const losing = async () => testOutcome('failed', new LeaseLost())
    expect(await owned(plugin).handle(block, losing)).toMatchObject({ reason: 'lease-lost', epoch: 1 })
    controller.abort(new LeaseLost())
    expect(await owned(plugin).handle(block, failing)).toMatchObject({ reason: 'lease-lost' })
    // What was committed is served: the release decides about it, not the lease.
    expect(await owned(plugin).handle(block, next)).toMatchObject({ kind: 'added' })
  })

  it('keeps the verdict when the lease cannot be given back', async () => {
    const plugin: OwnershipPlugin = {
      ...everything(),
      claim: async () => ({
        status: 'granted',
        epoch: 1,
        lease: { ...held, [Symbol.asyncDispose]: () => Promise.reject(new Error('redis away')) },
      }),
    }
    const { gateway, host } = await world({ list: blocks(1), ownership: plugin })
    expect(told(await gateway.sync())).toEqual({ 1: 'added' })
    expect(host.lines).toContainEqual({
      level: 'warn',
      message: 'lease release failed',
      fields: { block: testId(1), code: undefined, error: 'redis away' },
    })
  })

  it('asks for a loaded block locally, and gives its lease back where it has to claim it', async () => {
    const ownership = scriptedOwnership([1], { handover: false })
    const { gateway } = await world({ list: blocks(1), ownership })
    await gateway.sync()
    await gateway.sync()
    expect(ownership.log).toEqual(['claim 1', 'dispose 1', 'claim 1', 'dispose 1'])
  })
})
