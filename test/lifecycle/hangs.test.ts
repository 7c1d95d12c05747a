import type { BlockStage, Candidate, SetStage } from 'blockgate'
import { settle, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { blocks, scriptedOwnership, type World, world } from '../support/world.ts'

const never = () => new Promise<never>(() => {})
const MINUTE = 60_000

const setStage = (select: SetStage['select']): SetStage => ({ kind: 'set', name: 'ordering', select })
const all = (list: readonly Candidate[]) => list.map(({ meta }) => ({ id: meta.ulid }))

let ownership = scriptedOwnership()
let select: SetStage['select'] = all
const stage = (stage: string, call: string) => ({
  code: 'stage-stuck',
  at: stage,
  rawMessage: `${call} timed out after 300 s (option stageTimeout)`,
})
const answerless = () => ({ next: never, return: never })

/** What hangs from now on, and the error of the run that fails for it; undefined where no run does. */
const HANGS: readonly (readonly [what: string, error: object | undefined, hang: (world: World) => void])[] = [
  ['pages()', stage('scripted', 'pages()'), ({ source }) => Object.assign(source, { pages: answerless })],
  [
    'a page of pages() after the first',
    stage('scripted', 'pages()'),
    ({ source }) =>
      Object.assign(source, {
        async *pages() {
          yield { blocks: blocks(1), partial: [] }
          await never()
        },
      }),
  ],
  ['select()', stage('ordering', 'select()'), () => (select = never)],
  [
    'serve()',
    { code: 'stage-stuck' },
    () => {
      ownership.gain(3)
      Object.assign(ownership.handover ?? {}, { serve: never })
    },
  ],
  [
    'release()',
    undefined,
    () => {
      ownership.servedByOthers.add(1)
      ownership.lose(1)
      Object.assign(ownership.handover ?? {}, { release: never })
    },
  ],
  [
    'drop()',
    undefined,
    ({ sink, source }) => {
      sink.drop = never
      source.list = blocks(1)
    },
  ],
]

async function hanging(hang: (world: World) => void): Promise<World> {
  select = all
  ownership = scriptedOwnership([1, 2])
  const stages = [setStage((...args) => select(...args))]
  const made = await world({ list: blocks(1, 2), every: '1m', ownership, stages })
  await made.gateway.start()
  hang(made)
  made.source.list = made.source.list.length === 1 ? made.source.list : blocks(1, 2, 3)
  return made
}

describe('an answer that never comes', () => {
  it.each(HANGS)('%s: the run ends, names it, and the next one comes', async (_, error, hang) => {
    const { host, results, gateway } = await hanging(hang)
    await host.advance(3 * MINUTE)
    const before = results.length
    await host.advance(20 * MINUTE)
    expect(results.length).toBeGreaterThan(before + 1)
    if (error) expect(results.find(r => r.error)?.error).toMatchObject(error)
    else expect(host.lines.some(l => String(l.fields.error).includes('timed out after'))).toBe(true)
    await stopped(gateway, host)
  })

  it.each(HANGS)('%s: a stop is not kept from its end', async (_, _error, hang) => {
    const { host, gateway, results } = await hanging(hang)
    await host.advance(3 * MINUTE)
    expect(gateway.progress).toBeDefined()
    await stopped(gateway, host)
    expect(results.at(-1)?.status).toBe('stopped')
  })

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
    Object.assign(source, { pages: answerless })
    await host.advance(2 * MINUTE)
    go()
    await host.advance(5 * MINUTE)
    expect((await start).status).toBe('done')
    expect(sink.numbers).toEqual([2, 1])
    await host.advance(40_000)
    await stopped(gateway, host)
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

  it('of a block stage keeps the block from being tried again only until it comes after all', async () => {
    const late = Promise.withResolvers<void>()
    const deaf: BlockStage = { kind: 'block', name: 'deaf', handle: (_, next) => late.promise.then(() => next()) }
    const { gateway, host, sink } = await world({ list: blocks(1), stages: [deaf], blockTimeout: '10s' })
    const run = gateway.sync()
    await host.advance(MINUTE)
    expect((await run).summary.failures).toMatchObject([{ by: 'deaf', code: 'stage-stuck' }])
    late.resolve()
    await settle()
    expect(sink.numbers).toEqual([])
    await gateway.sync()
    expect(sink.numbers).toEqual([1])
  })

  it('of a block stage and of a sink is named by the stop, too', async () => {
    const deaf: BlockStage = { kind: 'block', name: 'deaf', handle: never }
    const { gateway, host } = await world({ list: blocks(1), stages: [deaf] })
    const start = gateway.start()
    await settle()
    await stopped(gateway, host)
    expect((await start).status).toBe('stopped')
    const told = host.lines.find(l => l.message === 'a stage never ended')
    expect(told?.fields).toEqual({ block: testId(1), stage: 'deaf' })
  })
})

/** Stops the gateway, which must end within its grace and leave no timer. */
async function stopped(gateway: World['gateway'], host: World['host']): Promise<void> {
  const stop = gateway.stop()
  await host.advance(40_000)
  await stop
  expect(host.pendingTimers).toBe(0)
}
