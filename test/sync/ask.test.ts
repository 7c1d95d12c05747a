/** Rule 6 of dropping: when a person is asked. */
import type { StateStore } from 'blockgate'
import { memoryState, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { entry, refuse, sync, synced, upTo } from '../support/syncs.ts'
import { blocks, scriptedOwnership, world } from '../support/world.ts'

describe('rule 6: too many drops at once need a word', () => {
  const gone = async (total: number, lost: number) => {
    const made = await synced({ list: blocks(...upTo(total)) })
    await sync(made, upTo(total, lost + 1))
    return made
  }

  it('stops before dropping more than ten and a fifth, keeps everything, and asks', async () => {
    const made = await gone(40, 11)
    const result = await made.gateway.sync()
    expect(result).toMatchObject({ status: 'done', unconfirmed: 11 })
    expect(result.summary.blocks).toMatchObject({ dropped: 0, retained: 11 })
    expect(entry(made, 1)).toMatchObject({ state: 'serving', reason: 'drops-need-confirmation' })
    expect(await sync(made, undefined, true)).toEqual([11, 0])
    expect(made.sink.numbers).toHaveLength(29)
  })

  it.each([
    [11, 10, 10],
    [10, 10, 0],
    [1, 1, 0],
    [100, 20, 20],
    [100, 21, 0],
  ])('of %i loaded, %i gone: %i are dropped without asking', async (total, lost, dropped) => {
    expect((await sync(await gone(total, lost)))[0]).toBe(dropped)
  })

  it('does not count drops for ownership', async () => {
    const ownership = scriptedOwnership(upTo(40), { handover: false })
    const made = await synced({ list: blocks(...upTo(40)), ownership })
    ownership.lose(...upTo(30))
    expect(await sync(made)).toEqual([30, 0])
    expect(made.sink.numbers).toHaveLength(10)
  })
})

describe('rule 6: nothing of what was loaded is left', () => {
  it('an empty view asks at once and for as long as it lasts, and who answers drops at once', async () => {
    const made = await synced({ list: blocks(...upTo(5)) })
    for (let i = 0; i < 4; i++) expect(await sync(made, [])).toEqual([0, 5])
    expect(entry(made, 1)).toMatchObject({ state: 'serving', reason: 'drops-need-confirmation' })
    const [line] = made.host.lines.filter(l => l.level === 'warn')
    expect(line?.message).toContain('blockgate sync --confirm-drops')
    expect(line?.message).toContain('POST /api/v1/sync {"confirmDrops":true}')
    expect(line?.fields).toMatchObject({ blocks: 5, loaded: 5, seen: 0 })
    expect(await sync(made, [], true)).toEqual([5, 0])
    expect(made.sink.numbers).toEqual([])
  })

  it('asks also where a damaged copy was thrown away before the bucket was looked at', async () => {
    const made = await synced({ list: blocks(1, 2, 3) })
    Object.assign(made.sink, { damaged: () => new Set([testId(1)]) })
    expect(await sync(made, [])).toEqual([0, 2])
    expect(made.sink.numbers).toEqual([2, 3])
  })

  it('asks after a restart, when the first view is empty, and one answer is enough', async () => {
    const made = await world()
    made.sink.hold(...blocks(1, 2))
    expect(await sync(made)).toEqual([0, 2])
    expect(await sync(made, [], true)).toEqual([2, 0])
  })

  it('goes on asking for the blocks of the old bucket after a restart, when those of another one are loaded beside them', async () => {
    const state = memoryState()
    const before = await synced({ list: blocks(1, 2, 3), state })
    await sync(before, [4, 5, 6])
    await before.gateway.stop()
    const after = await world({ list: blocks(4, 5, 6), state, sink: before.sink })
    for (let i = 0; i < 3; i++) expect(await sync(after)).toEqual([0, 3])
    expect(await sync(after, undefined, true)).toEqual([3, 0])
    await after.gateway.stop()
    const last = await synced({ list: blocks(4, 5), state, sink: before.sink })
    expect(await sync(last)).toEqual([1, 0])
  })

  it('goes on without a state store that fails', async () => {
    const state: StateStore = { ...memoryState(), set: () => Promise.reject(new Error('disk')) }
    const made = await world({ state })
    made.sink.hold(...blocks(1))
    for (let i = 0; i < 2; i++) expect(await sync(made)).toEqual([0, 1])
    expect(made.host.lines.map(line => line.fields.error)).toContain('disk')
  })

  it('the first run may be the one that was confirmed', async () => {
    const made = await world({ list: blocks(3) })
    made.sink.hold(...blocks(1, 2))
    expect(await sync(made, [3], true)).toEqual([2, 0])
    expect(made.sink.numbers).toEqual([3])
  })

  it('a confirmation is of what was asked: what went since needs its second listing', async () => {
    const made = await synced({ list: blocks(1, 2) })
    expect(await sync(made, [])).toEqual([0, 2])
    expect(await sync(made, [2])).toEqual([0, 1])
    expect(await sync(made, [], true)).toEqual([1, 0])
    expect(made.sink.numbers).toEqual([2])
  })

  it('a confirmation is no second listing where only some blocks are absent', async () => {
    const made = await synced({ list: blocks(1, 2) })
    expect(await sync(made, [2], true)).toEqual([0, 0])
    expect(made.sink.numbers).toEqual([1, 2])
  })

  it('an incomplete view neither asks nor answers', async () => {
    const made = await synced({ list: blocks(1, 2) })
    const { source, sink } = made
    source.complete = false
    expect(await sync(made, [], true)).toEqual([0, 0])
    source.complete = true
    expect(await sync(made)).toEqual([0, 2])
    source.complete = false
    expect(await sync(made, [], true)).toEqual([0, 2])
    source.error = new Error('503')
    expect(await sync(made, [], true)).toEqual([0, 2])
    expect(sink.numbers).toEqual([1, 2])
  })

  it('another bucket asks for the old blocks, also after its own are loaded', async () => {
    const made = await synced({ list: blocks(1, 2, 3) })
    for (let i = 0; i < 4; i++) expect(await sync(made, [4, 5, 6])).toEqual([0, 3])
    expect(made.sink.numbers).toEqual(upTo(6))
    // The right bucket again: nobody is asked about its blocks any more, and the others are not all there is.
    expect(await sync(made, [1, 2, 3])).toEqual([0, 0])
    expect(await sync(made)).toEqual([3, 0])
    expect(made.sink.numbers).toEqual([1, 2, 3])
  })

  it('a filter that lets nothing through any more asks, also beside blocks that are new', async () => {
    let closed = false
    const made = await synced({ list: blocks(1, 2, 3), stages: [refuse(n => closed && n < 4, 'label-excluded')] })
    closed = true
    for (let i = 0; i < 3; i++) expect(await sync(made, upTo(4))).toEqual([0, 3])
    closed = false
    expect(await sync(made)).toEqual([0, 0])
    closed = true
    expect(await sync(made, undefined, true)).toEqual([3, 0])
    expect(made.sink.numbers).toEqual([4])
  })

  it('asks where claim() denies all that is loaded and there is no handover, in an ownership-change run, too', async () => {
    const ownership = scriptedOwnership([1, 2], { handover: false })
    const made = await world({ list: blocks(1, 2), ownership })
    await made.gateway.start()
    ownership.lose(1, 2)
    await made.host.advance(1_000)
    const run = { reason: 'ownership-change' }
    expect(made.results.at(-1)).toMatchObject({ summary: { run, blocks: { dropped: 0 } }, unconfirmed: 2 })
    expect(made.sink.numbers).toEqual([1, 2])
    ownership.gain(1)
    expect(await sync(made)).toEqual([0, 1])
    expect(await sync(made, undefined, true)).toEqual([1, 0])
  })

  it('what others have taken over goes on while a person is asked', async () => {
    const ownership = scriptedOwnership([1, 2])
    let excluded = false
    const old = refuse(n => excluded && n > 1, 'time-excluded')
    const made = await world({ list: blocks(...upTo(20)), stages: [old], ownership })
    made.sink.hold(...blocks(...upTo(20, 2)))
    await sync(made)
    excluded = true
    ownership.servedByOthers.add(1)
    ownership.lose(1)
    expect(await sync(made)).toEqual([1, 19])
    expect(made.sink.numbers).toEqual(upTo(20, 2))
  })
})

describe('rule 6: blocks whose own time is over', () => {
  const expires = (which: (n: number) => boolean) => refuse(which, 'marked-for-deletion', { expired: true })

  it.each([1, 3, 10])('%i go without a question, also where they are all that is loaded', async total => {
    let over = false
    const made = await synced({ list: blocks(...upTo(total)), stages: [expires(() => over)] })
    over = true
    expect(await sync(made)).toEqual([total, 0])
    expect(made.sink.numbers).toEqual([])
  })

  it('ask where they are many at once, until they are confirmed', async () => {
    let over = 0
    const made = await synced({ list: blocks(...upTo(40)), stages: [expires(n => n <= over)] })
    over = 11
    expect(await sync(made)).toEqual([0, 11])
    for (let i = 0; i < 2; i++) expect(await sync(made, upTo(100))).toEqual([0, 11])
    expect(await sync(made, undefined, true)).toEqual([11, 0])
  })

  it('do not answer for the others: where all of these are gone, they are asked about', async () => {
    let over = false
    const made = await synced({ list: blocks(1, 2, 3), stages: [expires(n => over && n === 1)] })
    over = true
    expect(await sync(made, [1])).toEqual([1, 2])
    expect(made.sink.numbers).toEqual([2, 3])
  })
})
