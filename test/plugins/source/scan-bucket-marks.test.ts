import { testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { harness } from './scan-harness.ts'

const [ID1, ID2] = [testId(1), testId(2)]
const MARK = `${ID1}/deletion-mark.json`

describe('deletion marks', () => {
  const mark = (deletion_time?: unknown, more: object = {}) =>
    JSON.stringify({ id: ID1, version: 1, deletion_time, ...more })
  it.each([
    ['empty', '', 'must be JSON: it is empty'],
    ['cut', '{', 'must be JSON: it ends at byte 1'],
    ['another version', mark(1, { version: 2 }), 'version: must be 1: current value is 2'],
    ['of another block', mark(1, { id: ID2 }), `id: must be its folder ${ID1}: current value`],
    ['no time', mark(), 'deletion_time: must be given: current value is undefined'],
    ['a null time', mark(null), 'deletion_time: must be a number'],
    ['text', mark('5'), 'deletion_time: must be a number: current value is "5"'],
    ['before 1970', mark(-1), 'deletion_time: must be >= 1: current value is -1'],
    ['no time, as Go says it', mark(0), 'deletion_time: must be >= 1: current value is 0'],
    ['milliseconds', mark(1767225600000), 'deletion_time: must be in seconds: current value is 1767225600000'],
    [
      'the year 2036',
      mark(2085978496),
      'deletion_time: must not be in the future (2036-02-07T06:28:16.000Z): current value is 2085978496',
    ],
  ])('one that cannot be used keeps the block, is noted in every run, and is read once: %s', async (_, text, wrong) => {
    const h = await harness()
    await h.block(ID1)
    await h.mark(ID1, text)
    const notes = [expect.stringContaining(wrong)]
    const expected = { markers: ['deletion-mark.json'], deletionTime: undefined, notes }
    expect((await h.run()).blocks).toMatchObject([expected])
    for (const at of [h, await h.restarted()]) {
      expect(await at.run()).toMatchObject({ blocks: [expected], lists: ['list '], gets: [] })
    }
  })

  it('one of the near future is that of a clock that is wrong: it can be used', async () => {
    const h = await harness()
    await h.block(ID1)
    const time = h.host.now() + 3_600_000
    await h.mark(ID1, time / 1000)
    const [block] = (await h.run()).blocks
    expect([block?.deletionTime, block?.notes]).toEqual([time, undefined])
  })

  it('one that cannot be read now keeps the block, is noted, and is asked for again', async () => {
    const h = await harness()
    await h.block(ID1)
    await h.mark(ID1, 5)
    const fail = () => {
      h.before = call => {
        if (call === `get ${MARK}`) throw new Error('503')
      }
    }
    fail()
    const notesOf = async () => (await h.run()).blocks[0]?.notes
    expect(await notesOf()).toEqual(['deletion-mark.json cannot be read: 503: the block is kept'])
    h.before = async call => {
      if (call === `get ${MARK}`) await h.delete(MARK)
    }
    const gone = 'the listing shows deletion-mark.json, and a GET says that it is not there'
    expect(await notesOf()).toEqual([`deletion-mark.json cannot be read: ${gone}: the block is kept`])
    h.before = () => {}
    await h.mark(ID1, 5)
    expect((await h.run()).blocks).toMatchObject([{ deletionTime: 5000 }])
    // What is known of it is kept meanwhile, for a listing that lags behind.
    const { bucket } = h.services
    const old = await bucket.list('', { signal: new AbortController().signal })
    await h.mark(ID1, 66)
    fail()
    expect((await h.run()).blocks).toMatchObject([{ deletionTime: undefined }])
    bucket.list = async () => old
    expect(await h.run()).toMatchObject({ blocks: [{ deletionTime: 5000 }], gets: [] })
  })
})

describe('a block that is half deleted', () => {
  const DAY = 86_400_000
  const MISSING = 'must be in the listing: it is not there'
  const marked = async (age: number) => {
    const h = await harness()
    await h.block(ID1)
    await h.mark(ID1, (h.host.now() - age) / 1000)
    return h
  }

  it.each([
    ['meta.json', false, 'meta.json is gone'],
    ['index', true, `index: ${MISSING}`],
    ['chunks/000001', true, `chunks: ${MISSING}`],
  ])('without %s is marked-for-deletion, and no failure, where the mark is old', async (path, keep, why) => {
    const h = await marked(2 * DAY)
    await h.delete(`${ID1}/${path}`)
    const detail = `marked at 2025-12-30T00:00:00.000Z: ${why}`
    for (const at of [h, h, await h.restarted()]) {
      const { pages, ids, complete } = await at.run()
      expect([ids, complete]).toEqual([[], true])
      expect(pages[0]?.partial).toEqual([{ id: ID1, reason: 'marked-for-deletion', detail, keep }])
    }
    expect(h.calls.filter(call => call.includes('mark'))).toHaveLength(1)

    const young = await marked(DAY / 2)
    await young.delete(`${ID1}/${path}`)
    expect((await young.run()).partial).toEqual([`${ID1} ${keep ? 'incomplete' : 'no-meta-json'} ${keep}`])
  })

  it('whose meta.json is gone at the GET is one; whose meta.json cannot be read now is a failure still', async () => {
    const h = await marked(2 * DAY)
    h.before = call => {
      if (call === `get ${ID1}/meta.json`) throw new Error('503')
    }
    expect((await h.run()).partial).toEqual([`${ID1} unreadable true`])
    h.before = async call => {
      if (call === `get ${ID1}/meta.json`) await h.delete(`${ID1}/meta.json`)
    }
    expect((await h.run()).partial).toEqual([`${ID1} marked-for-deletion true`])
  })

  it('with a mark that does not excuse it, or cannot be used, is what it was, and tells of the mark', async () => {
    const h = await marked(DAY / 2)
    await h.delete(`${ID1}/index`)
    const young = 'marked for deletion at 2025-12-31T12:00:00.000Z'
    const empty = 'deletion-mark.json: must be JSON: it is empty'
    expect((await h.run()).errors).toEqual([`corrupt-block: index: ${MISSING}; ${young}`])
    await h.mark(ID1, '')
    expect((await h.run()).errors).toEqual([`corrupt-block: index: ${MISSING}; ${empty}`])
    await h.delete(`${ID1}/meta.json`)
    const [partial] = (await h.run()).pages[0]?.partial ?? []
    expect(partial).toEqual({ id: ID1, reason: 'no-meta-json', detail: empty, keep: false })
  })
})
