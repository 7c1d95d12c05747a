import {
  type Claim,
  everything,
  held,
  isOwnershipUnavailable,
  LeaseLost,
  type OwnershipFunction,
  type OwnershipPlugin,
  OwnershipUnavailable,
  owned,
} from 'blockgate'
import { blockContext, candidate, services, spans, testId, testOutcome } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { blocks, scriptedOwnership, told, world } from '../support/world.ts'

const block = blockContext(candidate({ ulid: testId(1) }))
const next = async () => testOutcome('added')
/** Owns every block, but for what is said. */
const plugin = (own: Partial<OwnershipPlugin>): OwnershipPlugin => ({ ...everything(), ...own })
const granting = (lease: object) =>
  plugin({ claim: async () => ({ status: 'granted', epoch: 1, lease: { ...held, ...lease } }) })

/** A run in which block 1 is loaded already. */
async function run(list: ReturnType<typeof blocks>, ownership: OwnershipPlugin) {
  const made = await world({ list, ownership })
  made.sink.hold(...blocks(1))
  const result = await made.gateway.sync()
  const failures = result.summary.failures.map(({ by, code, message }) => [by, code, message])
  return { ...made, told: told(result), failures }
}

describe('owned() with a function', () => {
  it.each<[string, OwnershipFunction]>([
    ['at once', b => b.ulid === testId(2)],
    ['later', async b => b.ulid === testId(2)],
  ])('owns the blocks for which it answers true %s', async (_, mine) => {
    const ran = await run(blocks(2, 3), owned(mine).ownership)
    expect(ran.told).toEqual({ 2: 'added', 3: 'skipped owned not-owner' })
  })

  it.each([[undefined], ['no'], [1], [null], [{}]])(
    'fails a block for which it answers %j: it is neither owned nor denied',
    async answer => {
      const byHand = owned(function byHand(b) {
        return b.ulid === testId(3) || (answer as unknown as boolean)
      })
      const { sink, failures, ...ran } = await run(blocks(1, 2, 3), byHand.ownership)
      expect(ran.told).toEqual({ 1: 'failed owned', 2: 'failed owned', 3: 'added' })
      const message = expect.stringMatching(/^byHand\(\) must answer true or false: current value is /)
      expect(failures).toContainEqual(['owned', 'stage-misuse', message])
      expect(sink.numbers).toEqual([1, 3])
    },
  )

  it('has its name', () => {
    const names = [
      owned(() => true),
      owned(function byHand() {
        return true
      }),
    ].map(stage => stage.ownership.name)
    expect(names).toEqual(['function', 'byHand'])
  })
})

describe('owned() with a plugin', () => {
  it.each([[undefined], [null], [{}], ['hash-ring'], [{ claim: true, epoch: 1 }]])(
    'does not take %j for one',
    given => {
      const must = 'be given an ownership plugin, or a function'
      expect(owned(given as unknown as OwnershipPlugin).check?.()).toEqual([{ path: '', must, value: given }])
    },
  )

  it('starts, checks and stops it with itself', async () => {
    const log: string[] = []
    const problems = [{ path: 'x', must: 'be y', value: 1 }]
    const stage = owned(
      plugin({
        check: () => problems,
        start: async ({ instance }) => void log.push(`start ${instance.id}`),
        stop: async () => void log.push('stop'),
      }),
    )
    expect(stage.check?.()).toEqual(problems)
    await stage.start?.(services())
    await stage.stop?.(new AbortController().signal)
    expect(log).toEqual(['start test-1', 'stop'])
  })

  const granted = 'claim() must answer granted or denied: current value is'
  const lease = 'a lease must have signal, assertHeld() and [Symbol.asyncDispose](): current value is'
  it.each<[answer: unknown, message: string]>([
    [undefined, `${granted} undefined`],
    [true, `${granted} undefined`],
    [{ status: 'yes', epoch: 1 }, `${granted} "yes"`],
    [{ status: 'denied', reason: 'x' }, 'the epoch of a claim must be a finite number: current value is undefined'],
    [{ status: 'denied', epoch: 1 }, 'the reason of a skip must be kebab-case: current value is undefined'],
    [{ status: 'granted', epoch: 1 }, `${lease} undefined`],
    [{ status: 'granted', epoch: 1, lease: {} }, `${lease} {}`],
  ])('fails a block of which claim() answers %j, traced or not', async (answer, message) => {
    const ownership = plugin({ claim: async () => answer as Claim })
    const failure = ['owned', 'stage-misuse', message]
    const { sink, failures } = await run(blocks(1, 2), ownership)
    expect(failures).toEqual([failure, failure])
    expect(sink.numbers).toEqual([1])
    using _ = spans()
    expect((await run(blocks(2), ownership)).failures).toEqual([failure])
  })

  it('says that ownership is unknown, whatever copy of the package said so, and passes any other error on', async () => {
    const theirs = Object.assign(new Error('x'), { code: 'ownership-unavailable', rawMessage: 'the store is away' })
    expect([theirs, new OwnershipUnavailable()].map(isOwnershipUnavailable)).toEqual([true, true])
    const failing = (error: Error) => owned(plugin({ claim: () => Promise.reject(error) })).handle(block, next)
    const unknown = { reason: 'ownership-unavailable', retain: true, recheck: 'ownership-change' }
    expect(await failing(theirs)).toMatchObject({ ...unknown, detail: 'the store is away' })
    await expect(failing(new Error('bug'))).rejects.toThrow('bug')
  })

  it('turns a failure below into lease-lost only where the lease is lost', async () => {
    const controller = new AbortController()
    const stage = owned(granting({ signal: controller.signal }))
    const failing = async () => testOutcome('failed', new Error('503'))
    expect(await stage.handle(block, failing)).toMatchObject({ kind: 'failed' })
    const losing = async () => testOutcome('failed', new LeaseLost())
    expect(await stage.handle(block, losing)).toMatchObject({ reason: 'lease-lost', epoch: 1 })
    controller.abort(new LeaseLost())
    expect(await stage.handle(block, failing)).toMatchObject({ reason: 'lease-lost' })
    // What was committed is served: the release decides about it, not the lease.
    expect(await stage.handle(block, next)).toMatchObject({ kind: 'added' })
  })

  it('keeps the verdict when the lease cannot be given back', async () => {
    const refusing = granting({ [Symbol.asyncDispose]: () => Promise.reject(new Error('redis away')) })
    const { host, ...ran } = await run(blocks(2), refusing)
    expect(ran.told).toEqual({ 2: 'added' })
    const fields = { block: testId(2), code: undefined, error: 'redis away' }
    expect(host.lines).toContainEqual({ level: 'warn', message: 'lease release failed', fields })
  })

  it('asks for a loaded block locally, and gives its lease back where it has to claim it', async () => {
    const ownership = scriptedOwnership([1], { handover: false })
    const { gateway } = await world({ list: blocks(1), ownership })
    await gateway.sync()
    await gateway.sync()
    expect(ownership.log).toEqual(['claim 1', 'dispose 1', 'claim 1', 'dispose 1'])
  })
})
