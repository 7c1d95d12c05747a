import type { StateStore } from 'blockgate'
import { memoryState, runContext, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { type Harness, harness, metaJson } from './scan-harness.ts'

const [ID1, ID2, ID3] = [testId(1), testId(2, 1), testId(3, 2)]

/** A state store that notes what is written, and fails while it is `down`. */
function counted() {
  const state = memoryState()
  const asked: string[] = []
  const self = { asked, down: false, store: {} as StateStore }
  const assertUp = () => {
    if (self.down) throw new Error('disk')
  }
  self.store = {
    async get(key) {
      assertUp()
      return await state.get(key)
    },
    async set(key, value) {
      assertUp()
      asked.push(`set ${key}`)
      await state.set(key, value)
    },
    async delete(key) {
      asked.push(`delete ${key}`)
      await state.delete(key)
    },
  }
  return self
}

/** Three blocks: one marked and full of fields, one corrupt, one incomplete. */
async function mixed(state: StateStore = memoryState()): Promise<Harness> {
  const h = await harness({}, { state })
  await h.block(ID1, {
    compaction: { level: 2, sources: [ID1, ID2] },
    thanos: {
      labels: JSON.parse('{"__proto__":"x","a":"b"}'),
      files: [{ rel_path: 'index', size_bytes: 5, hash: { hashFunc: 'SHA256', value: 'ab'.repeat(32) } }],
      index_stats: { series_max_size: 1, chunk_max_size: 2 },
      upload_time: '2024-01-02T03:04:05Z',
      downsample: { resolution: 300_000 },
      extensions: { partition_info: { partition_id: 1, partition_count: 2 } },
    },
  })
  await h.mark(ID1, 5)
  await h.block(ID2, { version: 20 })
  await h.block(ID3)
  await h.delete(`${ID3}/index`)
  return h
}

it('a run after which nothing changed makes one LIST, no GET, and writes no document', async () => {
  const { asked, store } = counted()
  const h = await mixed(store)
  const first = await h.run()
  expect(first.gets).toHaveLength(4)
  expect(asked).toEqual(['set metas', 'set metas-0'])
  asked.length = 0
  const second = await h.run()
  expect(second).toEqual({ ...first, gets: [] })
  expect(asked).toEqual([])
  expect(second.blocks[0]?.meta).toBe(first.blocks[0]?.meta)
})

it('a restart makes no GET either, and gives the same blocks', async () => {
  const h = await mixed()
  const first = await h.run()
  const second = await (await h.restarted()).run()
  expect(second).toEqual({ ...first, gets: [] })
  const labels = second.blocks[0]?.meta.labels ?? {}
  expect(Object.getPrototypeOf(labels)).toBeNull()
  expect(Object.keys(labels)).toEqual(['__proto__', 'a'])
})

it('reads exactly the object whose etag or size changed', async () => {
  const h = await mixed()
  await h.run()
  await h.mark(ID1, 6)
  const marked = await h.run()
  expect([marked.blocks[0]?.deletionTime, marked.gets]).toEqual([6000, [`get ${ID1}/deletion-mark.json`]])
  await h.put(`${ID2}/meta.json`, metaJson(ID2))
  expect(await h.run()).toMatchObject({ ids: [ID1, ID2], gets: [`get ${ID2}/meta.json`] })
  await h.put(`${ID3}/index`, 'index')
  expect(await h.run()).toMatchObject({ ids: [ID1, ID2, ID3], gets: [`get ${ID3}/meta.json`] })
  await h.put(`${ID1}/meta.json`, metaJson(ID1))
  await h.put(`${ID3}/tombstones`, 'one file more')
  const last = await h.run()
  expect(last.blocks.map(block => block.deletionTime)).toEqual([6000, undefined, undefined])
  expect(last.gets).toEqual([`get ${ID1}/meta.json`, `get ${ID3}/meta.json`])
})

it('reads an object again whose etag is the same and whose size is not', async () => {
  const h = await harness()
  await h.block(ID1)
  await h.mark(ID1, 5)
  await h.run()
  const list = h.services.bucket.list.bind(h.services.bucket)
  h.services.bucket.list = async (prefix, options) => {
    const page = await list(prefix, options)
    return { ...page, objects: page.objects.map(o => (o.key.endsWith('.json') ? { ...o, size: o.size + 1 } : o)) }
  }
  expect((await h.run()).gets).toEqual([`get ${ID1}/meta.json`, `get ${ID1}/deletion-mark.json`])
})

it('remembers the version that it read, where meta.json was replaced between the listing and the GET', async () => {
  const h = await harness()
  await h.block(ID1)
  h.before = async call => {
    if (call === `get ${ID1}/meta.json`) await h.put(`${ID1}/meta.json`, metaJson(ID1, { maxTime: 7_200_001 }))
  }
  await h.run()
  h.before = () => {}
  expect(await h.run()).toMatchObject({ blocks: [{ meta: { maxTime: 7_200_001 } }], gets: [] })
})

it('holds equal label sets once, also after a restart', async () => {
  const h = await harness()
  await h.block(ID1)
  await h.block(ID2)
  for (const at of [h, await h.restarted()]) {
    const [a, b] = (await at.run()).blocks
    expect(a?.meta.labels).toBe(b?.meta.labels)
  }
})

it('forgets a block that is gone after a complete view, in memory and in its document', async () => {
  const { asked, store } = counted()
  const h = await mixed(store)
  await h.run()
  await h.delete(`${ID1}/meta.json`)
  await h.delete(`${ID1}/deletion-mark.json`)
  asked.length = 0
  await h.run()
  expect(asked).toEqual([`set metas-0`])
  expect(JSON.stringify(await store.get('metas-0'))).not.toContain(`"id":"${ID1}"`)
  await h.block(ID1)
  await h.mark(ID1, 5)
  expect((await h.run()).gets).toEqual([`get ${ID1}/meta.json`, `get ${ID1}/deletion-mark.json`])
})

it('deletes a document of which no block is left', async () => {
  const { asked, store } = counted()
  const h = await harness({}, { state: store })
  await h.block(ID1)
  await h.run()
  await h.delete(`${ID1}/meta.json`)
  asked.length = 0
  await h.run()
  expect(asked).toEqual(['delete metas-0'])
})

it.each<[from: string | RegExp, to: string]>([
  [/^.*$/s, '"x"'],
  ['"format":5', '"format":4'],
  [/"blocks":.*$/s, '"blocks":[{"id":"x"}]}'],
  [`"id":"${ID1}"`, '"id":"../../etc"'],
  ['"path":"index"', '"path":"../index"'],
  ['"size":5,', '"size":"5",'],
  ['"a":"b"', '"a":1'],
  ['"variant":"', '"variant":1,"x":"'],
  ['"maxTime":7200000', '"maxTime":null'],
  [`"${ID2}"]`, '"nope"]'],
])(
  'takes nothing in a cache document on trust: with %s as %s it is logged, and its blocks are read again',
  async (from, to) => {
    const state = memoryState()
    const h = await mixed(state)
    const first = await h.run()
    const text = JSON.stringify(await state.get('metas-0'))
    expect(text).toMatch(from)
    await state.set('metas-0', JSON.parse(text.replace(from, to)))
    const again = await h.restarted()
    expect(await again.run()).toEqual(first)
    expect(again.host.lines).toMatchObject([{ level: 'warn', fields: { key: 'metas-0' } }])
    expect(await (await h.restarted()).run()).toEqual({ ...first, gets: [] })
  },
)

it('goes on without a state store that fails, and writes what is left over at the next run', async () => {
  const state = counted()
  state.down = true
  const h = await mixed(state.store)
  expect(await h.run()).toMatchObject({ ids: [ID1], complete: true })
  expect(h.host.lines.filter(line => line.level === 'warn' && line.fields.error === 'disk')).toHaveLength(2)
  state.down = false
  await h.run()
  expect(state.asked).toEqual(['set metas', 'set metas-0'])
})

it('writes nothing after an abort, and the rest at stop()', async () => {
  const { asked, store } = counted()
  const h = await mixed(store)
  const controller = new AbortController()
  const it = h.source.pages(runContext({ signal: controller.signal }))
  await it.next()
  controller.abort(new Error('stop'))
  await expect(it.next()).rejects.toThrow('stop')
  await h.source.stop?.(AbortSignal.abort())
  expect(asked).toEqual([])
  await h.source.stop?.(new AbortController().signal)
  expect(asked).toHaveLength(2)
})

it('writes what it read where its consumer stops early', async () => {
  const { asked, store } = counted()
  const h = await mixed(store)
  const it = h.source.pages(runContext())
  await it.next()
  await it.return({ complete: false })
  expect(asked).toHaveLength(2)
})

describe('documents of many blocks', () => {
  const BLOCKS = 1100
  async function many() {
    const { asked, store } = counted()
    const h = await harness({}, { state: store, pageSize: 300 })
    for (let i = 0; i < BLOCKS; i++) await h.block(testId(i + 1))
    return { h, asked, state: store }
  }
  const change = (h: Harness, n: number) => h.put(`${testId(n)}/meta.json`, metaJson(testId(n), { maxTime: 9 }))
  const restartedRun = async (h: Harness) => await (await h.restarted()).run()

  it('a first run writes each document once, when it is full, and what is left at its end', async () => {
    const { h, asked, state } = await many()
    let before = 0
    for await (const { blocks } of h.source.pages(runContext())) {
      // What a kill loses here is less than one document and one page.
      before += blocks.length
      const written = asked.filter(call => call.startsWith('set metas-')).length
      expect(before - written * 250).toBeLessThan(250 + blocks.length)
    }
    expect(asked).toEqual(['set metas', ...[0, 1, 2, 3, 4].map(n => `set metas-${n}`)])
    for (let n = 0; n < 5; n++) {
      expect(await state.get(`metas-${n}`)).toMatchObject({ blocks: { length: n < 4 ? 250 : 100 } })
    }
  })

  it('a process that is killed in the middle has lost at most a document and a page', async () => {
    const { h } = await many()
    const it = h.source.pages(runContext())
    for (let page = 0; page < 9; page++) await it.next()
    const read = h.calls.filter(call => call.startsWith('get')).length
    const { ids, gets } = await restartedRun(h)
    expect(ids).toHaveLength(BLOCKS)
    expect(gets.length).toBeLessThan(BLOCKS - read + 250 + 100)
    expect((await restartedRun(h)).gets).toEqual([])
  })

  it('later only the documents of blocks that changed are written', async () => {
    const { h, asked } = await many()
    await h.run()
    asked.length = 0
    await change(h, 3)
    await change(h, 600)
    await h.block(testId(BLOCKS + 1))
    await h.run()
    expect(asked).toEqual(['set metas-0', 'set metas-2', 'set metas-4'])
    asked.length = 0
    await h.block(testId(BLOCKS + 2))
    expect(await restartedRun(h)).toMatchObject({ complete: true, gets: [`get ${testId(BLOCKS + 2)}/meta.json`] })
    expect(asked).toEqual(['set metas-4'])
  })

  it('a change of every block writes each document once', async () => {
    const { h, asked } = await many()
    await h.run()
    asked.length = 0
    for (let i = 1; i <= BLOCKS; i++) await change(h, i)
    await h.run()
    expect(asked).toEqual([0, 1, 2, 3, 4].map(n => `set metas-${n}`))
    expect((await restartedRun(h)).gets).toEqual([])
  })

  it('new blocks take the room of those that are gone', async () => {
    const { h, state } = await many()
    await h.run()
    for (let i = 1; i <= 900; i++) await h.delete(`${testId(i)}/meta.json`)
    await h.run()
    for (let i = 2001; i <= 2600; i++) await h.block(testId(i))
    await h.run()
    expect(await state.get('metas-5')).toBeUndefined()
    const { ids, gets } = await restartedRun(h)
    expect([ids.length, gets]).toEqual([200 + 600, []])
  })

  it('a document that is missing costs its own blocks, not those behind it', async () => {
    const { h, state } = await many()
    await h.run()
    await state.delete('metas-1')
    expect((await restartedRun(h)).gets).toHaveLength(250)
    expect((await restartedRun(h)).gets).toEqual([])
  })

  it('an index that is lost costs one run, and no block is in two documents for long', async () => {
    const { h, state } = await many()
    await h.run()
    await state.set('metas', 'damaged')
    for (let i = 1; i <= 300; i++) await h.delete(`${testId(i)}/meta.json`)
    const left = BLOCKS - 300
    expect((await restartedRun(h)).gets).toHaveLength(left)
    const { ids, gets } = await restartedRun(h)
    expect([ids.length, gets]).toEqual([left, []])
    const documents = await Promise.all([0, 1, 2, 3, 4, 5].map(n => state.get(`metas-${n}`)))
    const stored = documents.map(
      document => (document as { blocks: readonly unknown[] } | undefined)?.blocks.length ?? 0,
    )
    expect(stored.reduce((sum, count) => sum + count)).toBe(left)
  })
})
