import type { OwnershipPlugin } from 'blockgate'
import { testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { createApp } from '../../src/http/app.ts'
import { blocks, scriptedOwnership, type World, world } from '../support/world.ts'

const broken = () => {
  throw new TypeError('broken plugin')
}
const rejecting = () => Promise.reject(new TypeError('broken plugin'))

/** Gives back how it is mended. */
function replace(object: object, name: string, value: unknown): () => void {
  const before = Reflect.get(object, name)
  const define = (it: unknown) => Object.defineProperty(object, name, { value: it, configurable: true, writable: true })
  define(value)
  return () => void define(before)
}

type Subject = World & { readonly ownership: OwnershipPlugin }
const handover = ({ ownership }: Subject) => ownership.handover as object
/** As the log and the metric name the call, how it is broken, and what breaks it. */
const FAULTS: readonly (readonly [call: string, how: string, breaks: (subject: Subject) => () => void])[] = [
  ['run', 'sink.loaded() throws', ({ sink }) => replace(sink, 'loaded', broken)],
  ['run', 'sink.loaded() gives no map', ({ sink }) => replace(sink, 'loaded', () => undefined)],
  [
    'handover.report',
    'the bytes of a loaded block throw',
    ({ sink }) => {
      const wrong = Object.defineProperty({ ...sink.loaded().get(testId(1)) }, 'bytes', { get: broken })
      return replace(sink, 'loaded', () => new Map([[testId(1), wrong]]))
    },
  ],
  ['run', 'epoch() throws', ({ ownership }) => replace(ownership, 'epoch', broken)],
  ['handover.report', 'handover.report() throws', subject => replace(handover(subject), 'report', broken)],
  ['handover.report', 'handover.report() rejects', subject => replace(handover(subject), 'report', rejecting)],
  ['handover.standing', 'handover.standing() throws', subject => replace(handover(subject), 'standing', broken)],
]

async function scene() {
  const ownership = scriptedOwnership([1, 2])
  const told: { onResult(): void | Promise<void> } = { onResult() {} }
  const made = await world({ list: blocks(1, 2), ownership, every: '1m', onResult: () => told.onResult() })
  await made.gateway.start()
  const app = createApp({ ...made, version: '1' })
  const healthy = async () => {
    const response = await app.request('/-/healthy')
    return `${response.status} ${await response.text()}`
  }
  return { ...made, ownership, told, healthy }
}

describe('whatever throws, the next run comes and the error is told', () => {
  it.each(FAULTS)('%s: %s', async (call, how, breaks) => {
    const subject = await scene()
    const { gateway, host, source, sink, ownership, healthy } = subject
    const { listings } = source
    const mend = breaks(subject)
    await host.advance(10 * 60_000)
    const lines = host.lines.filter(line => line.message === 'a call that must not throw threw')
    expect(lines.map(line => line.fields.call)).toContain(call)
    expect(lines[0]?.fields.error).toMatch(/broken plugin|undefined/)
    if (how.includes('throw')) expect(lines[0]?.fields.at).toContain('faults.test.ts')
    expect(await healthy()).toMatch(/^503 .*(broken plugin|undefined)/)
    mend()
    source.list = blocks(1, 2, 3)
    ownership.gain(3)
    await host.advance(10 * 60_000)
    expect(source.listings).toBeGreaterThan(listings + 5)
    expect(sink.numbers).toEqual([1, 2, 3])
    expect(await healthy()).toBe('200 healthy\n')
    await gateway.stop()
    expect(host.pendingTimers).toBe(0)
  })

  it.each([
    ['throws', broken],
    ['rejects', rejecting],
  ])('onResult %s', async (_, onResult) => {
    const { gateway, host, source, told, healthy } = await scene()
    const mend = replace(told, 'onResult', onResult)
    const { listings } = source
    await host.advance(10 * 60_000)
    expect(source.listings).toBeGreaterThan(listings + 5)
    expect(await healthy()).toMatch(/^503 .*onResult: broken plugin/)
    mend()
    await host.advance(2 * 60_000)
    expect(await healthy()).toBe('200 healthy\n')
    await gateway.stop()
  })

  it('start() ends where the first run meets one, and the run after it is armed', async () => {
    const ownership = scriptedOwnership([1])
    const { gateway, host, sink, source } = await world({ list: blocks(1), ownership })
    const mend = replace(ownership, 'epoch', broken)
    const result = await gateway.start()
    expect(result).toMatchObject({ status: 'failed', error: { rawMessage: 'broken plugin' } })
    mend()
    await host.advance(2_000)
    expect([sink.numbers, source.listings]).toEqual([[1], 1])
    await gateway.stop()
  })

  it('a listener of the members is never thrown at, and what a change without affects() says counts for all', async () => {
    const ownership = scriptedOwnership([1])
    const listeners: ((change: never) => void)[] = []
    Object.assign(ownership, {
      watch(listener: (change: never) => void) {
        listeners.push(listener)
        return undefined // no way to end it: stop() must get by
      },
    })
    const { gateway, host, results, sink } = await world({ list: blocks(1, 2), ownership })
    await gateway.start()
    ownership.gain(2)
    for (const change of [undefined, {}, { epoch: 2, affects: () => undefined }]) listeners[0]?.(change as never)
    await host.advance(1_000)
    expect(results.map(r => r.summary.run.reason)).toEqual(['startup', 'ownership-change'])
    expect(sink.numbers).toEqual([1, 2])
    await gateway.stop()
    listeners[0]?.({ epoch: 3, affects: () => true } as never)
    expect(host.pendingTimers).toBe(0)
  })

  it('a sink whose loaded() throws while a block is on its way fails the block, and no stage hangs', async () => {
    const { gateway, sink } = await world({ list: blocks(1), ownership: scriptedOwnership([1]) })
    const loaded = sink.loaded
    let calls = 0
    sink.loaded = () => {
      // Those of the start and of the run's begin are let through.
      if (++calls > 6) return broken() as never
      return loaded()
    }
    expect((await gateway.start()).status).toBe('failed')
    sink.loaded = loaded
    await gateway.stop()
  })

  it.each([
    ['throws', broken],
    ['gives nothing', () => undefined],
    [
      'yields nothing',
      async function* () {
        yield undefined
      },
    ],
  ])('a source whose pages() %s fails the run in its name', async (_, pages) => {
    const { gateway, source } = await world({ list: blocks(1) })
    Object.assign(source, { pages })
    expect(await gateway.sync()).toMatchObject({ status: 'failed', error: { at: 'scripted' } })
    await gateway.stop()
  })
})
