import type { BlockStage, Candidate, SetStage } from 'blockgate'
import { settle, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { blocks, scriptedOwnership, type World, type WorldOptions, world } from '../support/world.ts'

const never = () => new Promise<never>(() => {})
const MINUTE = 60_000

function setStage(select: SetStage['select']): SetStage {
  return { kind: 'set', name: 'ordering', select }
}
const all = (list: readonly Candidate[]) => list.map(({ meta }) => ({ id: meta.ulid }))

interface Hang {
  readonly name: string
  /** What of the world hangs from now on. */
  readonly hang: (world: World) => void
  readonly options?: WorldOptions
  /** In the error of the run that fails; undefined where no run does. */
  readonly error: object | undefined
}

let ownership = scriptedOwnership()
const broken = (call: 'serve' | 'release') => () => {
  ownership.servedByOthers.add(1)
  if (call === 'release') ownership.lose(1)
  else ownership.gain(3)
  Object.assign(ownership.handover ?? {}, { [call]: never })
}

let select: SetStage['select'] = all
const HANGS: readonly Hang[] = [
  {
    name: 'pages()',
    hang: ({ source }) => Object.assign(source, { pages: () => ({ next: never, return: never }) }),
    error: { code: 'stage-stuck', at: 'scripted', rawMessage: 'pages() must answer within 300000 ms' },
  },
  {
    name: 'a page of pages() after the first',
    hang: ({ source }) =>
      Object.assign(source, {
        async *pages() {
          yield { blocks: blocks(1), partial: [], resume: undefined }
          await never()
        },
      }),
    error: { code: 'stage-stuck', at: 'scripted' },
  },
  {
    name: 'select()',
    options: { stages: [setStage((...args) => select(...args))] },
    hang: () => {
      select = never
    },
    error: { code: 'stage-stuck', at: 'ordering', rawMessage: 'select() must answer within 300000 ms' },
  },
  { name: 'serve() of the claims', hang: broken('serve'), error: { code: 'stage-stuck' } },
  { name: 'release()', hang: broken('release'), error: undefined },
  {
    name: 'drop()',
    hang: ({ sink, source }) => {
      sink.drop = never
      source.list = blocks(1)
    },
    error: undefined,
  },
]

async function hanging({ hang, options }: Hang): Promise<World> {
  select = all
  ownership = scriptedOwnership([1, 2])
  const made = await world({ list: blocks(1, 2), every: '1m', ownership, ...options })
  await made.gateway.start()
  hang(made)
  made.source.list = made.source.list.length === 1 ? made.source.list : blocks(1, 2, 3)
  return made
}

describe('an answer that never comes', () => {
  for (const wrong of HANGS) {
    it(`${wrong.name}: the run ends, names it, and the next one comes`, async () => {
      const { host, results, gateway } = await hanging(wrong)
      await host.advance(3 * MINUTE)
      const before = results.length
      await host.advance(20 * MINUTE)
      expect(results.length).toBeGreaterThan(before + 1)
      if (wrong.error) expect(results.find(r => r.error)?.error).toMatchObject(wrong.error)
      else
        expect(host.lines.filter(l => String(l.fields.error).includes('must answer within')).length).toBeGreaterThan(0)
      const stop = gateway.stop()
      await host.advance(40_000)
      await stop
      expect(host.pendingTimers).toBe(0)
    })

    it(`${wrong.name}: a stop is not kept from its end`, async () => {
      const { host, gateway, results } = await hanging(wrong)
      await host.advance(3 * MINUTE)
      expect(gateway.progress).toBeDefined()
      const stop = gateway.stop()
      await host.advance(40_000)
      await stop
      expect(host.pendingTimers).toBe(0)
      expect(results.at(-1)?.status).toBe('stopped')
    })
  }

  it('changes nothing when it comes after all', async () => {
    const late = Promise.withResolvers<void>()
    select = async (...args) => {
      await late.promise
      return all(args[0]).map(({ id }) => ({ id, skip: 'late' }))
    }
    const { gateway, host, results, sink } = await world({
      list: blocks(1),
      stages: [setStage((...args) => select(...args))],
      every: '1h',
    })
    const start = gateway.start()
    await host.advance(5 * MINUTE)
    expect((await start).status).toBe('failed')
    select = all
    await host.advance(2_000)
    late.resolve()
    await settle()
    expect(results.map(r => r.status)).toEqual(['failed', 'done'])
    expect(gateway.catalogue.get(testId(1))).toMatchObject({ state: 'serving' })
    expect(sink.numbers).toEqual([1])
    await gateway.stop()
  })

  it('of a second listing in a long run lets the run go on', async () => {
    const { gateway, host, sink, source } = await world({ list: blocks(1, 2), every: '1m', concurrency: 2 })
    const go = sink.gate(1)
    const start = gateway.start()
    await settle()
    Object.assign(source, { pages: () => ({ next: never, return: never }) })
    await host.advance(2 * MINUTE)
    go()
    await host.advance(5 * MINUTE)
    expect((await start).status).toBe('done')
    expect(sink.numbers).toEqual([2, 1])
    await host.advance(40_000)
    const stop = gateway.stop()
    await host.advance(40_000)
    await stop
  })

  it('a released block is not dropped once the run was given up', async () => {
    ownership = scriptedOwnership([1])
    const answer = Promise.withResolvers<'released'>()
    const { gateway, host, sink } = await world({ list: blocks(1), ownership })
    await gateway.start()
    Object.assign(ownership.handover ?? {}, { release: () => answer.promise })
    ownership.lose(1)
    await host.advance(1_000)
    const stop = gateway.stop()
    await host.advance(30_000)
    await stop
    answer.resolve('released')
    await settle()
    expect(sink.numbers).toEqual([1])
  })

  it('of a block stage and of a sink is named by the stop, too', async () => {
    const deaf: BlockStage = { kind: 'block', name: 'deaf', handle: never }
    const { gateway, host } = await world({ list: blocks(1), stages: [deaf] })
    const start = gateway.start()
    await settle()
    const stop = gateway.stop()
    await host.advance(35_000)
    await stop
    expect((await start).status).toBe('stopped')
    expect(host.lines.find(l => l.message === 'a stage never settled')?.fields).toEqual({
      block: testId(1),
      stage: 'deaf',
    })
    expect(host.pendingTimers).toBe(0)
  })
})
