import { testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { harness, type Seen } from './scan-harness.ts'

const [ID1, ID2] = [testId(1), testId(2)]
const first = (seen: Seen) => seen.pages[0]?.blocks[0]

describe('deletion marks', () => {
  const marks: readonly (readonly [name: string, text: string, wrong: string])[] = [
    ['empty', '', 'must be JSON: it is empty'],
    ['cut', '{', 'must be JSON: it ends at byte 1'],
    ['another version', `{"id":"${ID1}","version":2,"deletion_time":1}`, 'version: must be 1: current value is 2'],
    [
      'of another block',
      `{"id":"${ID2}","version":1,"deletion_time":1}`,
      `id: must be its folder ${ID1}: current value`,
    ],
    ['no time', `{"id":"${ID1}","version":1}`, 'deletion_time: must be given: current value is undefined'],
    ['a null time', `{"id":"${ID1}","version":1,"deletion_time":null}`, 'deletion_time: must be a number'],
    [
      'text',
      `{"id":"${ID1}","version":1,"deletion_time":"5"}`,
      'deletion_time: must be a number: current value is "5"',
    ],
    [
      'before 1970',
      `{"id":"${ID1}","version":1,"deletion_time":-1}`,
      'deletion_time: must be >= 1: current value is -1',
    ],
    [
      'no time, as Go says it',
      `{"id":"${ID1}","version":1,"deletion_time":0}`,
      'deletion_time: must be >= 1: current value is 0',
    ],
    [
      'milliseconds',
      `{"id":"${ID1}","version":1,"deletion_time":1767225600000}`,
      'deletion_time: must be in seconds: current value is 1767225600000',
    ],
    [
      'the year 2036',
      `{"id":"${ID1}","version":1,"deletion_time":2085978496}`,
      'deletion_time: must not be in the future (2036-02-07T06:28:16.000Z): current value is 2085978496',
    ],
  ]
  for (const [name, text, wrong] of marks) {
    it(`keeps a block whose deletion mark cannot be used, says what is wrong in every run, and reads it once: ${name}`, async () => {
      const h = await harness()
      await h.block(ID1)
      await h.put(`${ID1}/deletion-mark.json`, text)
      const expected = {
        markers: ['deletion-mark.json'],
        deletionTime: undefined,
        notes: [expect.stringContaining(wrong)],
      }
      for (let i = 0; i < 2; i++) expect(first(await h.run())).toMatchObject(expected)
      expect(h.calls.filter(call => call.includes('mark'))).toHaveLength(1)
      const again = await h.restarted()
      expect(first(await again.run())).toMatchObject(expected)
      expect(again.calls).toEqual(['list '])
    })
  }

  it('a mark of the near future is that of a clock that is wrong: it can be used', async () => {
    const h = await harness()
    await h.block(ID1)
    const time = h.host.now() + 3_600_000
    await h.put(`${ID1}/deletion-mark.json`, JSON.stringify({ id: ID1, version: 1, deletion_time: time / 1000 }))
    expect(first(await h.run())).toMatchObject({ deletionTime: time })
    expect(first(await h.run())?.notes).toBeUndefined()
  })

  it('a mark that cannot be read now keeps the block, is told, and is asked for again', async () => {
    const h = await harness()
    await h.block(ID1)
    await h.put(`${ID1}/deletion-mark.json`, JSON.stringify({ id: ID1, version: 1, deletion_time: 5 }))
    h.before = call => {
      if (call.includes('mark')) throw new Error('503')
    }
    expect(first(await h.run())?.notes).toEqual(['deletion-mark.json cannot be read: 503: the block is kept'])
    h.before = async call => {
      if (call.includes('mark')) await h.delete(`${ID1}/deletion-mark.json`)
    }
    expect(first(await h.run())?.notes).toEqual([
      'deletion-mark.json cannot be read: the listing shows deletion-mark.json, and a GET says that it is not there: the block is kept',
    ])
    h.before = () => {}
    await h.put(`${ID1}/deletion-mark.json`, JSON.stringify({ id: ID1, version: 1, deletion_time: 5 }))
    expect(first(await h.run())).toMatchObject({ deletionTime: 5000 })
  })
})

describe('a block that is half deleted', () => {
  const DAY = 86_400_000
  const marked = async (age: number) => {
    const h = await harness()
    await h.block(ID1)
    const time = (h.host.now() - age) / 1000
    await h.put(`${ID1}/deletion-mark.json`, JSON.stringify({ id: ID1, version: 1, deletion_time: time }))
    return h
  }
  const cases: readonly (readonly [name: string, key: string, keep: boolean, why: string])[] = [
    ['meta.json', `${ID1}/meta.json`, false, 'meta.json is gone'],
    ['its index', `${ID1}/index`, true, 'index: must be in the listing: it is not there'],
    ['its chunks', `${ID1}/chunks/000001`, true, 'chunks: must be in the listing: it is not there'],
  ]
  for (const [name, key, keep, why] of cases) {
    it(`without ${name} is marked-for-deletion, and no failure, where the mark is old`, async () => {
      const h = await marked(2 * DAY)
      await h.delete(key)
      for (const at of [h, h, await h.restarted()]) {
        const seen = await at.run()
        expect(seen).toMatchObject({ ids: [], partial: [`${ID1} marked-for-deletion ${keep}`], complete: true })
        expect(seen.pages[0]?.partial).toEqual([
          { id: ID1, reason: 'marked-for-deletion', detail: `marked at 2025-12-30T00:00:00.000Z: ${why}`, keep },
        ])
      }
      expect(h.calls.filter(call => call.includes('mark'))).toHaveLength(1)
    })

    it(`without ${name} is what it was where the mark is young`, async () => {
      const h = await marked(DAY / 2)
      await h.delete(key)
      expect((await h.run()).partial).toEqual([`${ID1} ${keep ? 'incomplete' : 'no-meta-json'} ${keep}`])
    })
  }

  it('while it is looked at: meta.json is listed, and gone at the GET', async () => {
    const h = await marked(2 * DAY)
    h.before = async call => {
      if (call === `get ${ID1}/meta.json`) await h.delete(`${ID1}/meta.json`)
    }
    expect((await h.run()).partial).toEqual([`${ID1} marked-for-deletion true`])
  })

  it('a meta.json that cannot be read now is a failure still', async () => {
    const h = await marked(2 * DAY)
    h.before = call => {
      if (call === `get ${ID1}/meta.json`) throw new Error('503')
    }
    expect((await h.run()).partial).toEqual([`${ID1} unreadable true`])
  })

  it('with a mark that does not excuse it is what it was, and tells of the mark', async () => {
    const h = await marked(DAY / 2)
    await h.delete(`${ID1}/index`)
    const missing = 'index: must be in the listing: it is not there'
    const errorIn = async () => String((await h.run()).pages[0]?.partial[0]?.error)
    expect(await errorIn()).toBe(
      `BlockgateError: corrupt-block: ${missing}; marked for deletion at 2025-12-31T12:00:00.000Z`,
    )
    await h.put(`${ID1}/deletion-mark.json`, '')
    expect(await errorIn()).toBe(
      `BlockgateError: corrupt-block: ${missing}; deletion-mark.json: must be JSON: it is empty`,
    )
  })

  it('with a mark that cannot be used is what it was, and says so', async () => {
    const h = await marked(2 * DAY)
    await h.delete(`${ID1}/meta.json`)
    await h.put(`${ID1}/deletion-mark.json`, '')
    expect((await h.run()).pages[0]?.partial).toEqual([
      { id: ID1, reason: 'no-meta-json', detail: 'deletion-mark.json: must be JSON: it is empty', keep: false },
    ])
  })
})
