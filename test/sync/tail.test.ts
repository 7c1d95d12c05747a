/** Runs that list new blocks alone. */
import type { SetStage } from 'blockgate'
import { BlockgateError, ErrorCode, skip } from 'blockgate'
import { dedup } from 'blockgate/plugins/filter/dedup'
import { candidate, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { everything, refuse, upTo } from '../support/syncs.ts'
import { blocks, numberOf, scriptedOwnership, told, type World, type WorldOptions, world } from '../support/world.ts'

/** A world after a listing of everything; from now on the source shows only what is new. */
async function listed(options: WorldOptions): Promise<World> {
  const made = await world(options)
  await made.gateway.sync()
  made.source.news = []
  made.sink.log.length = 0
  return made
}

/** A run as the interval brings it; `numbers` are new. */
async function look(made: World, ...numbers: readonly number[]) {
  made.source.news = blocks(...numbers)
  return await made.gateway.sync({ reason: 'interval' })
}

const how = (result: { summary: { run: { listed: string } } }) => result.summary.run.listed

/** A set stage that counts the blocks it is asked about, each time. */
function counting(asked: number[], inner: SetStage = everything): SetStage {
  return {
    ...inner,
    select(list, run) {
      asked.push(list.length)
      return inner.select(list, run)
    },
  }
}

/** A block that holds all of 1 to `of`. */
const parent = (n: number, of: number) =>
  candidate({
    ulid: testId(n),
    minTime: 7_200_000,
    maxTime: (of + 1) * 7_200_000,
    compaction: { level: 2, sources: upTo(of).map(n => testId(n)) },
    files: [{ path: 'index', size: n }],
  })

describe('a run that lists new blocks alone', () => {
  it('adds what is new, keeps all else, and says what it listed', async () => {
    const made = await listed({ list: blocks(1, 2) })
    const result = await look(made, 3)
    expect(told(result)).toEqual({ 1: 'unchanged', 2: 'unchanged', 3: 'added' })
    expect([how(result), result.summary.blocks.seen, made.source.looks, made.source.listings]).toEqual(['new', 3, 1, 1])
    expect(made.sink.numbers).toEqual([1, 2, 3])
  })

  it('is begun by the interval and by notifications; by hand, and where all is asked for, everything is listed', async () => {
    const made = await listed({ list: blocks(1) })
    const of = async (request: Parameters<typeof made.gateway.sync>[0]) => how(await made.gateway.sync(request))
    expect(await of({ reason: 'interval' })).toBe('new')
    expect(await of({ reason: 'notification' })).toBe('new')
    expect(await of({ reason: 'notification', all: true })).toBe('all')
    expect(await of({ reason: 'interval', confirmDrops: true })).toBe('all')
    expect(await of({})).toBe('all')
  })

  it('takes nothing for absent', async () => {
    const made = await listed({ list: blocks(1, 2) })
    made.source.list = blocks(2)
    for (const _ of upTo(3)) expect((await look(made)).summary.blocks).toMatchObject({ dropped: 0, retained: 0 })
    expect(made.gateway.catalogue.get(testId(1))?.state).toBe('serving')
  })

  it('comes only after a listing that was complete, and after no failure', async () => {
    const made = await listed({ list: blocks(1) })
    made.source.complete = false
    expect([how(await look(made)), how(await look(made))]).toEqual(['new', 'all'])
    made.source.complete = true
    expect([how(await look(made)), how(await look(made))]).toEqual(['all', 'new'])
    made.source.error = new Error('503')
    expect((await look(made)).status).toBe('failed')
    made.source.error = undefined
    expect(how(await look(made))).toBe('all')
  })

  it('does not come between the two listings that show that a block is gone', async () => {
    const made = await listed({ list: blocks(1, 2) })
    made.source.list = blocks(2)
    expect((await made.gateway.sync()).summary.blocks.retained).toBe(1)
    const result = await look(made)
    expect([how(result), result.summary.blocks.dropped]).toEqual(['all', 1])
    expect(how(await look(made))).toBe('new')
  })

  it('loads a block again that failed; where it is not there any more everything is listed, and it is forgotten', async () => {
    const made = await listed({ list: blocks(1) })
    const gone = () => new BlockgateError(ErrorCode.notFound, 'object "index" is missing')
    made.sink.fail(2, new BlockgateError(ErrorCode.corruptBlock, 'odd'), gone(), gone(), gone(), gone())
    expect(told(await look(made, 2))[2]).toMatch('failed')
    const tries = look(made)
    await made.host.advance(60_000)
    const again = await tries
    expect([how(again), told(again)[2]]).toEqual(['new', expect.stringMatching('failed')])
    const result = await look(made)
    expect([how(result), told(result)]).toEqual(['all', { 1: 'unchanged' }])
    expect(how(await look(made))).toBe('new')
  })

  it('asks no stage about a block whose verdict stands', async () => {
    const asked: number[] = []
    const barriers: number[] = []
    const never = refuse(n => asked.push(n) > 0 && n === 1, 'odd', { until: Number.POSITIVE_INFINITY })
    const made = await listed({ list: blocks(1, 2, 3), stages: [never, counting(barriers)] })
    asked.length = 0
    expect(told(await look(made))).toEqual({ 1: 'skipped filter odd', 2: 'unchanged', 3: 'unchanged' })
    expect([asked, barriers]).toEqual([[], [2]])
    // A set stage must see all blocks, so one that is new has all of them looked at.
    await look(made, 4)
    expect([asked, barriers]).toEqual([
      [4, 1, 2, 3],
      [2, 3],
    ])
  })

  it.each([[[] as SetStage[]], [[everything]]])(
    'asks again when time may have changed a verdict, and each time where a stage does not say when',
    async barrier => {
      const asked: number[] = []
      let from = 0
      const stage = {
        kind: 'block' as const,
        name: 'later',
        async handle({ id, run }: { id: string; run: { now: number } }, next: () => Promise<never>) {
          const n = numberOf(id as never)
          asked.push(n)
          if (n === 1 && run.now < from) return skip('too-fresh', { retain: true, until: from })
          return n === 2 ? skip('odd') : await next()
        },
      }
      const made = await world({ list: blocks(1, 2, 3), stages: [stage as never, ...barrier] })
      from = made.host.now() + 60_000
      await made.gateway.sync()
      asked.length = 0
      await look(made)
      expect(asked.filter(n => n !== 2)).toEqual(barrier.length > 0 ? [1, 3] : [])
      await made.host.advance(60_000)
      expect(told(await look(made))).toEqual({ 1: 'added', 2: 'skipped later odd', 3: 'unchanged' })
    },
  )

  it('has set stages judge all blocks when one is new: a compacted one takes the place of the others', async () => {
    const ownership = scriptedOwnership()
    ownership.servedByOthers.add(9)
    const made = await listed({ list: blocks(1, 2, 3), stages: [dedup()], ownership })
    made.source.news = [parent(9, 2)]
    const result = await made.gateway.sync({ reason: 'interval' })
    expect(told(result)).toMatchObject({ 3: 'unchanged', 9: 'added' })
    expect(made.sink.numbers).toEqual([3, 9])
    expect(told(await look(made))).toMatchObject({ 1: expect.stringMatching('dedup'), 3: 'unchanged', 9: 'unchanged' })
  })

  it('keeps the children until the parent is served, and asks again in each run', async () => {
    const ownership = scriptedOwnership()
    const made = await listed({ list: blocks(1, 2), stages: [dedup()], ownership })
    made.source.news = [parent(9, 2)]
    await made.gateway.sync({ reason: 'interval' })
    expect(made.sink.numbers).toEqual([1, 2, 9])
    ownership.servedByOthers.add(9)
    expect(how(await look(made))).toBe('new')
    expect(made.sink.numbers).toEqual([9])
  })

  it('passes what two set stages let go on to both, and what the first keeps back to none', async () => {
    const asked: number[] = []
    const made = await listed({
      list: blocks(1, 2, 3),
      stages: [dedup(), refuse(n => n === 3, 'odd', { until: Number.POSITIVE_INFINITY }), counting(asked)],
    })
    made.source.news = [parent(9, 2)]
    const result = await made.gateway.sync({ reason: 'interval' })
    expect(told(result)).toMatchObject({ 3: 'skipped filter odd', 9: 'added' })
    // 1 and 2 in the listing of all; 9 alone, now that it holds both.
    expect(asked).toEqual([2, 1])
  })

  it('looks at a block again that is not as it was, and has it once', async () => {
    for (const stages of [[], [everything]]) {
      const seen: (number | undefined)[] = []
      const marks = {
        kind: 'block' as const,
        name: 'marks',
        handle: async ({ deletionTime }: { deletionTime?: number }, next: () => Promise<never>) => {
          seen.push(deletionTime)
          return deletionTime === undefined ? await next() : skip('marked', { expired: true })
        },
      }
      const list = blocks(1, 2)
      const made = await listed({ list, stages: [marks as never, ...stages] })
      const [one] = list
      if (!one) throw new Error('no block')
      made.source.news = [{ ...one }]
      await made.gateway.sync({ reason: 'interval' })
      expect(seen.splice(0)).toEqual([undefined, undefined])
      made.source.news = [{ ...one, deletionTime: 1 }]
      expect((await made.gateway.sync({ reason: 'interval' })).summary.blocks).toMatchObject({ seen: 2, dropped: 1 })
      expect(seen[0]).toBe(1)
      made.source.news = [one]
      expect(told(await made.gateway.sync({ reason: 'interval' }))).toEqual({ 1: 'added', 2: 'unchanged' })
    }
  })

  it('loads what is not held any more, and asks again for what waits for an answer or for room', async () => {
    const ownership = scriptedOwnership()
    const made = await listed({ list: blocks(1, 2), ownership })
    await made.sink.drop(testId(1), new AbortController().signal)
    expect(told(await look(made))).toEqual({ 1: 'added', 2: 'unchanged' })
    ownership.unavailable = true
    expect(told(await look(made, 3))[3]).toMatch('ownership-unavailable')
    ownership.unavailable = false
    expect(told(await look(made))[3]).toBe('added')
  })

  it('asks an owner about what ownership changed, and about what is to be handed over', async () => {
    const ownership = scriptedOwnership([1, 2])
    const made = await listed({ list: blocks(1, 2, 3), ownership })
    ownership.log.length = 0
    await look(made)
    expect(ownership.log.filter(line => line.startsWith('claim'))).toEqual([])
    ownership.lose(2)
    ownership.gain(3)
    expect(told(await look(made))).toEqual({ 1: 'unchanged', 2: expect.stringMatching('not-owner'), 3: 'added' })
    expect(made.sink.numbers).toEqual([1, 2, 3])
    // The epoch goes on for a reason that is not this block's: it is released in the new one all the same.
    ownership.served(2)
    await look(made)
    expect(made.sink.numbers).toEqual([1, 3])
  })

  it('hands a block over in the epoch of now, also where the epoch went on for a reason that is not its own', async () => {
    const ownership = scriptedOwnership([1, 2])
    const made = await listed({ list: blocks(1, 2), ownership })
    ownership.lose(2)
    await look(made)
    ownership.tick(({ ulid }) => ulid === testId(1))
    ownership.servedByOthers.add(2)
    await look(made)
    expect(made.sink.numbers).toEqual([1])
  })

  it('asks a plugin that tells of no changes in each run whether a block is now its own', async () => {
    const mine = new Set([1])
    const { watch: _, ...plugin } = scriptedOwnership([1], { handover: false })
    const own = {
      ...plugin,
      claim: (block: never, signal: never) =>
        (mine.has(numberOf((block as { ulid: never }).ulid))
          ? scriptedOwnership(undefined, { handover: false })
          : plugin
        ).claim(block, signal),
    }
    const made = await listed({ list: blocks(1, 2), ownership: own as never })
    mine.add(2)
    expect(told(await look(made))).toEqual({ 1: 'unchanged', 2: 'added' })
  })
})
