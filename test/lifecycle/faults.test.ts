import type { OwnershipPlugin } from 'blockgate'
import { testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { createApp } from '../../src/http/app.ts'
import { blocks, scriptedOwnership, type World, type WorldOptions, world } from '../support/world.ts'

const broken = () => {
  throw new TypeError('broken plugin')
}

interface Fault {
  readonly name: string
  /** As the log and the metric name the call. */
  readonly call: string
  readonly options?: WorldOptions
  /** Breaks it; gives back how it is mended. */
  readonly breaks: (world: World & { readonly ownership: OwnershipPlugin }) => () => void
}

const replace = (object: object, name: string, value: unknown): (() => void) => {
  const before = Reflect.get(object, name)
  Object.defineProperty(object, name, { value, configurable: true, writable: true })
  return () => Object.defineProperty(object, name, { value: before, configurable: true, writable: true })
}
const handoverOf = ({ ownership }: { readonly ownership: OwnershipPlugin }) => ownership.handover as object

const FAULTS: readonly Fault[] = [
  { name: 'sink.loaded() throws', call: 'run', breaks: ({ sink }) => replace(sink, 'loaded', broken) },
  { name: 'sink.loaded() gives no map', call: 'run', breaks: ({ sink }) => replace(sink, 'loaded', () => undefined) },
  {
    name: 'the bytes of a loaded block throw',
    call: 'handover.report',
    breaks({ sink }) {
      const held = sink.loaded().get(testId(1)) as object
      const wrong = Object.defineProperty({ ...held }, 'bytes', { get: broken })
      return replace(sink, 'loaded', () => new Map([[testId(1), wrong]]))
    },
  },
  { name: 'epoch() throws', call: 'run', breaks: ({ ownership }) => replace(ownership, 'epoch', broken) },
  {
    name: 'handover.report() throws',
    call: 'handover.report',
    breaks: world => replace(handoverOf(world), 'report', broken),
  },
  {
    name: 'handover.report() rejects',
    call: 'handover.report',
    breaks: world => replace(handoverOf(world), 'report', () => Promise.reject(new TypeError('broken plugin'))),
  },
  {
    name: 'handover.standing() throws',
    call: 'handover.standing',
    breaks: world => replace(handoverOf(world), 'standing', broken),
  },
]

async function scene({ breaks, options }: Fault) {
  const ownership = scriptedOwnership([1, 2])
  let onResult: () => void | Promise<void> = () => {}
  const made = await world({ list: blocks(1, 2), ownership, every: '1m', ...options, onResult: () => onResult() })
  await made.gateway.start()
  const host = made.host
  const app = createApp({ ...made, version: '1' })
  const answer = async (path: string) => {
    const response = await app.request(path)
    return `${response.status} ${await response.text()}`
  }
  return {
    ...made,
    ownership,
    host,
    answer,
    break: () => breaks({ ...made, ownership }),
    onResult: (fn: typeof onResult) => {
      onResult = fn
    },
  }
}

describe('whatever throws, the next run comes and the error is told', () => {
  for (const fault of FAULTS) {
    it(fault.name, async () => {
      const { gateway, host, source, answer, break: breaks, sink, ownership } = await scene(fault)
      const listings = source.listings
      const mend = breaks()
      await host.advance(10 * 60_000)
      const told = host.lines.filter(line => line.message === 'a call that must not throw threw')
      expect(told.map(line => line.fields.call)).toContain(fault.call)
      expect(told[0]?.fields.error).toMatch(/broken plugin|undefined/)
      if (fault.name.includes('throw')) expect(told[0]?.fields.at).toContain('faults.test.ts')
      expect(await answer('/-/healthy')).toMatch(/^503 .*(broken plugin|undefined)/)
      mend()
      source.list = blocks(1, 2, 3)
      ownership.gain(3)
      await host.advance(10 * 60_000)
      expect(source.listings).toBeGreaterThan(listings + 5)
      expect(sink.numbers).toEqual([1, 2, 3])
      expect(await answer('/-/healthy')).toBe('200 healthy\n')
      await gateway.stop()
      expect(host.pendingTimers).toBe(0)
    })
  }

  it('onResult throws, or rejects', async () => {
    const made = await scene({ name: '', call: 'onResult', breaks: () => () => {} })
    const { gateway, host, source, onResult, answer } = made
    for (const wrong of [broken, async () => broken()]) {
      onResult(wrong)
      const { listings } = source
      await host.advance(10 * 60_000)
      expect(source.listings).toBeGreaterThan(listings + 5)
      expect(await answer('/-/healthy')).toMatch(/^503 .*onResult: broken plugin/)
      onResult(() => {})
      await host.advance(2 * 60_000)
      expect(await answer('/-/healthy')).toBe('200 healthy\n')
    }
    await gateway.stop()
  })

  it('start() settles where the first run meets one, and the run after it is armed', async () => {
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

  it('a stage that is no generator fails the run in its name', async () => {
    for (const pages of [
      broken,
      () => undefined,
      async function* () {
        yield undefined
      },
    ]) {
      const { gateway, source } = await world({ list: blocks(1) })
      Object.assign(source, { pages })
      expect(await gateway.sync()).toMatchObject({ status: 'failed', error: { at: 'scripted' } })
      await gateway.stop()
    }
  })
})
