import type { StateStore } from 'blockgate'
import { memoryState, runContext, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { type Harness, harness, metaJson } from './scan-harness.ts'

const [ID1, ID2, ID3] = [testId(1), testId(2, 1), testId(3, 2)]
const mark = (id: string, time: number) => JSON.stringify({ id, version: 1, deletion_time: time })
const gets = (h: Harness) => h.calls.filter(call => call.startsWith('get'))

/** Counts what a state store is asked. */
function counted(state: StateStore = memoryState()) {
  const asked: string[] = []
  const store: StateStore = {
    async get(key) {
      return await state.get(key)
    },
    async set(key, value) {
      asked.push(`set ${key}`)
      await state.set(key, value)
    },
    async delete(key) {
      asked.push(`delete ${key}`)
      await state.delete(key)
    },
  }
  return { asked, store }
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
  await h.put(`${ID1}/deletion-mark.json`, mark(ID1, 5))
  await h.block(ID2, { version: 20 })
  await h.block(ID3)
  await h.delete(`${ID3}/index`)
  return h
}

it('a run after which nothing changed makes one LIST, no GET, and writes no document', async () => {
  const { asked, store } = counted()
  const h = await mixed(store)
  const first = await h.run()
  expect(gets(h)).toHaveLength(4)
  expect(asked).toEqual(['set metas', 'set metas-0'])
  h.calls.length = 0
  asked.length = 0
  const second = await h.run()
  expect(h.calls).toEqual(['list '])
  expect(asked).toEqual([])
  expect(second).toEqual(first)
  expect(second.pages[0]?.blocks[0]?.meta).toBe(first.pages[0]?.blocks[0]?.meta)
})

it('a restart makes no GET either, and gives the same blocks', async () => {
  const h = await mixed()
  const first = await h.run()
  const again = await h.restarted()
  const second = await again.run()
  expect(again.calls).toEqual(['list '])
  expect(second).toEqual(first)
  const labels = second.pages[0]?.blocks[0]?.meta.labels ?? {}
  expect(Object.getPrototypeOf(labels)).toBeNull()
  expect(Object.keys(labels)).toEqual(['__proto__', 'a'])
})

it('reads exactly the object whose etag or size changed', async () => {
  const h = await mixed()
  await h.run()
  h.calls.length = 0
  await h.put(`${ID1}/deletion-mark.json`, mark(ID1, 6))
  expect((await h.run()).pages[0]?.blocks[0]?.deletionTime).toBe(6000)
  expect(gets(h)).toEqual([`get ${ID1}/deletion-mark.json`])
  h.calls.length = 0
  await h.put(`${ID2}/meta.json`, metaJson(ID2))
  expect((await h.run()).ids).toEqual([ID1, ID2])
  expect(gets(h)).toEqual([`get ${ID2}/meta.json`])
  h.calls.length = 0
  await h.put(`${ID3}/index`, 'index')
  expect((await h.run()).ids).toEqual([ID1, ID2, ID3])
  expect(gets(h)).toEqual([`get ${ID3}/meta.json`])
  h.calls.length = 0
  await h.put(`${ID1}/meta.json`, metaJson(ID1))
  await h.put(`${ID3}/tombstones`, 'one file more')
  expect((await h.run()).pages[0]?.blocks.map(block => block.deletionTime)).toEqual([6000, undefined, undefined])
  expect(gets(h)).toEqual([`get ${ID1}/meta.json`, `get ${ID3}/meta.json`])
})

it('reads an object again whose etag is the same and whose size is not', async () => {
  const h = await harness()
  await h.block(ID1)
  await h.put(`${ID1}/deletion-mark.json`, mark(ID1, 5))
  await h.run()
  const list = h.services.bucket.list.bind(h.services.bucket)
  h.services.bucket.list = async (prefix, options) => {
    const page = await list(prefix, options)
    return { ...page, objects: page.objects.map(o => (o.key.endsWith('.json') ? { ...o, size: o.size + 1 } : o)) }
  }
  h.calls.length = 0
  await h.run()
  expect(gets(h)).toEqual([`get ${ID1}/meta.json`, `get ${ID1}/deletion-mark.json`])
})

it('remembers the version that it read, where meta.json was replaced between the listing and the GET', async () => {
  const h = await harness()
  await h.block(ID1)
  h.before = async call => {
    if (call === `get ${ID1}/meta.json`) await h.put(`${ID1}/meta.json`, metaJson(ID1, { maxTime: 7_200_001 }))
  }
  await h.run()
  h.before = () => {}
  h.calls.length = 0
  expect((await h.run()).pages[0]?.blocks[0]?.meta.maxTime).toBe(7_200_001)
  expect(gets(h)).toEqual([])
})

it('does not remember what could not be read', async () => {
  const h = await harness()
  await h.block(ID1)
  await h.put(`${ID1}/deletion-mark.json`, mark(ID1, 5))
  let down = true
  h.before = call => {
    if (down && call.includes('mark')) throw new Error('503')
  }
  await h.run()
  down = false
  expect((await h.run()).pages[0]?.blocks[0]?.deletionTime).toBe(5000)
})

it('holds equal label sets, sources and file names once', async () => {
  const h = await harness()
  await h.block(ID1)
  await h.block(ID2)
  const [a, b] = (await h.run()).pages[0]?.blocks ?? []
  expect(a?.meta.labels).toBe(b?.meta.labels)
  const [c, d] = (await (await h.restarted()).run()).pages[0]?.blocks ?? []
  expect(c?.meta.labels).toBe(d?.meta.labels)
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
  h.calls.length = 0
  await h.block(ID1)
  await h.put(`${ID1}/deletion-mark.json`, mark(ID1, 5))
  await h.run()
  expect(gets(h)).toEqual([`get ${ID1}/meta.json`, `get ${ID1}/deletion-mark.json`])
})

it('a document of which no block is left is deleted', async () => {
  const { asked, store } = counted()
  const h = await harness({}, { state: store })
  await h.block(ID1)
  await h.run()
  await h.delete(`${ID1}/meta.json`)
  asked.length = 0
  await h.run()
  expect(asked).toEqual(['delete metas-0'])
})

const damages: readonly (readonly [name: string, document: unknown])[] = [
  ['not an object', 'x'],
  ['of another format', { format: 1, blocks: [] }],
  ['with a block that is no block', { format: 2, blocks: [{ id: 'x' }] }],
]
for (const [name, document] of damages) {
  it(`a damaged cache document is ignored and its blocks are read again: ${name}`, async () => {
    const state = memoryState()
    const h = await mixed(state)
    const first = await h.run()
    await state.set('metas-0', document)
    const again = await h.restarted()
    expect(await again.run()).toEqual(first)
    expect(gets(again)).toHaveLength(4)
    expect(again.host.lines).toMatchObject([{ level: 'warn', fields: { key: 'metas-0' } }])
    expect(await (await h.restarted()).run()).toEqual(first)
  })
}

it('no field of a cache document is taken on trust', async () => {
  const state = memoryState()
  const h = await mixed(state)
  await h.run()
  const good = JSON.stringify(await state.get('metas-0'))
  const bad: readonly (readonly [string, string])[] = [
    [`"id":"${ID1}"`, '"id":"../../etc"'],
    ['"path":"index"', '"path":"../index"'],
    ['"size":5,', '"size":"5",'],
    ['"a":"b"', '"a":1'],
    ['"variant":"', '"variant":1,"x":"'],
    ['"maxTime":7200000', '"maxTime":null'],
    [`"${ID2}"]`, '"nope"]'],
  ]
  for (const [from, to] of bad) {
    expect(good).toContain(from)
    await state.set('metas-0', JSON.parse(good.replace(from, to)))
    const again = await h.restarted()
    await again.run()
    expect(gets(again)).toHaveLength(4)
  }
})

it('goes on without a state store that fails, and writes what is left over at the next run', async () => {
  let down = true
  const { asked, store } = counted()
  const state: StateStore = {
    async get(key) {
      if (down) throw new Error('disk')
      return await store.get(key)
    },
    async set(key, value) {
      if (down) throw new Error('disk')
      await store.set(key, value)
    },
    delete: store.delete,
  }
  const h = await mixed(state)
  expect(await h.run()).toMatchObject({ ids: [ID1], complete: true })
  expect(h.host.lines.filter(line => line.level === 'warn' && line.fields.error === 'disk')).toHaveLength(2)
  down = false
  await h.run()
  expect(asked).toEqual(['set metas', 'set metas-0'])
})

it('writes nothing after an abort, and the rest at stop()', async () => {
  const { asked, store } = counted()
  const h = await mixed(store)
  const controller = new AbortController()
  const it = h.source.pages(runContext({ signal: controller.signal }))
  await it.next()
  controller.abort(new Error('stop'))
  await expect(it.next()).rejects.toThrow('stop')
  expect(asked).toEqual([])
  await h.source.stop?.(AbortSignal.abort())
  expect(asked).toEqual([])
  await h.source.stop?.(new AbortController().signal)
  expect(asked).toHaveLength(2)
})

describe('documents of many blocks', () => {
  const BLOCKS = 1100
  async function many(state: StateStore): Promise<Harness> {
    const h = await harness({}, { state, pageSize: 300 })
    for (let i = 0; i < BLOCKS; i++) await h.block(testId(i + 1))
    return h
  }
  const documents = (asked: readonly string[]) => asked.filter(call => call.startsWith('set metas-'))

  it('a first look writes each document once, when it is full, and what is left at its end', async () => {
    const { asked, store } = counted()
    const h = await many(store)
    const it = h.source.pages(runContext())
    let before = 0
    for (let step = await it.next(); !step.done; step = await it.next()) {
      // What a kill loses here is less than one document and one page.
      const blocks = step.value.blocks.length
      before += blocks
      expect(before - documents(asked).length * 250).toBeLessThan(250 + blocks)
    }
    expect(asked).toEqual(['set metas', ...[0, 1, 2, 3, 4].map(n => `set metas-${n}`)])
  })

  it('no document has more than 250 blocks', async () => {
    const state = memoryState()
    await (await many(state)).run()
    for (let n = 0; n < 5; n++) {
      const { blocks } = (await state.get(`metas-${n}`)) as { blocks: unknown[] }
      expect(blocks).toHaveLength(n < 4 ? 250 : 100)
    }
  })

  it('a process that is killed in the middle has lost at most a document and a page', async () => {
    const state = memoryState()
    const h = await many(state)
    const it = h.source.pages(runContext())
    for (let page = 0; page < 9; page++) await it.next()
    const read = gets(h).length
    const again = await h.restarted()
    expect((await again.run()).ids).toHaveLength(BLOCKS)
    expect(gets(again).length).toBeLessThan(BLOCKS - read + 250 + 100)
    const third = await h.restarted()
    await third.run()
    expect(gets(third)).toEqual([])
  })

  it('later only the documents of blocks that changed are written', async () => {
    const { asked, store } = counted()
    const h = await many(store)
    await h.run()
    asked.length = 0
    await h.put(`${testId(3)}/meta.json`, metaJson(testId(3), { maxTime: 9 }))
    await h.put(`${testId(600)}/meta.json`, metaJson(testId(600), { maxTime: 9 }))
    await h.block(testId(BLOCKS + 1))
    await h.run()
    expect(asked).toEqual(['set metas-0', 'set metas-2', 'set metas-4'])
    const again = await h.restarted()
    expect(await again.run()).toMatchObject({ complete: true })
    expect(gets(again)).toEqual([])
  })

  it('a change of every block writes each document about once', async () => {
    const { asked, store } = counted()
    const h = await many(store)
    await h.run()
    asked.length = 0
    for (let i = 1; i <= BLOCKS; i++) await h.put(`${testId(i)}/meta.json`, metaJson(testId(i), { maxTime: 9 }))
    await h.run()
    expect(documents(asked).length).toBeLessThanOrEqual(2 * 5)
    const again = await h.restarted()
    await again.run()
    expect(gets(again)).toEqual([])
  })

  it('new blocks take the room of those that are gone', async () => {
    const state = memoryState()
    const h = await many(state)
    await h.run()
    for (let i = 1; i <= 900; i++) await h.delete(`${testId(i)}/meta.json`)
    await h.run()
    for (let i = 2001; i <= 2600; i++) await h.block(testId(i))
    await h.run()
    expect(await state.get('metas-5')).toBeUndefined()
    const again = await h.restarted()
    expect((await again.run()).ids).toHaveLength(200 + 600)
    expect(gets(again)).toEqual([])
  })

  it('a document that is missing costs its own blocks, not those behind it', async () => {
    const state = memoryState()
    const h = await many(state)
    await h.run()
    await state.delete('metas-1')
    const again = await h.restarted()
    await again.run()
    expect(gets(again)).toHaveLength(250)
    const third = await h.restarted()
    await third.run()
    expect(gets(third)).toEqual([])
  })

  it('an index that is lost costs one look, and no block is in two documents for long', async () => {
    const state = memoryState()
    const h = await many(state)
    await h.run()
    await state.set('metas', 'damaged')
    for (let i = 1; i <= 300; i++) await h.delete(`${testId(i)}/meta.json`)
    const again = await h.restarted()
    await again.run()
    expect(gets(again)).toHaveLength(BLOCKS - 300)
    const third = await h.restarted()
    expect((await third.run()).ids).toHaveLength(BLOCKS - 300)
    expect(gets(third)).toEqual([])
    let stored = 0
    for (let n = 0; n < 6; n++)
      stored += ((await state.get(`metas-${n}`)) as { blocks: [] } | undefined)?.blocks.length ?? 0
    expect(stored).toBe(BLOCKS - 300)
  })
})

it('writes what it read where its consumer stops early', async () => {
  const { asked, store } = counted()
  const h = await mixed(store)
  const it = h.source.pages(runContext())
  await it.next()
  await it.return({ complete: false })
  expect(asked).toHaveLength(2)
})
