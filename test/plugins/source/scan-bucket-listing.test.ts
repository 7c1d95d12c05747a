import { BlockgateError, type BlockId, type Page } from 'blockgate'
import { runContext, settle, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { type Harness, harness } from './scan-harness.ts'

const ids = (count: number) => Array.from({ length: count }, (_, i) => testId(i + 1))
const idsOf = (pages: readonly Page[]) => pages.map(page => page.blocks.map(block => block.meta.ulid))
const listings = ['recursive', 'delimited'] as const

/** A block is three objects: chunks/000001, index, meta.json. */
async function filled(count: number, pageSize: number, listing: 'recursive' | 'delimited' = 'recursive') {
  const h = await harness({ listing }, { pageSize })
  const blocks = ids(count)
  for (const id of blocks) await h.block(id)
  return { h, blocks }
}

/** Requests of `h` whose name begins with `call` fail, from the `nth` on. */
function fail(h: Harness, call: string, error: Error = new Error('503'), nth = 1): void {
  let seen = 0
  h.before = asked => {
    if (asked.startsWith(call) && ++seen >= nth) throw error
  }
}

describe('scanBucket, row 11: requests', () => {
  it('makes one LIST for each page of the bucket, one GET for each new meta, and no other request', async () => {
    const { h, blocks } = await filled(6, 4)
    const { ids, lists, gets } = await h.run()
    expect([ids, lists]).toEqual([blocks, Array(5).fill('list ')])
    expect(gets.toSorted()).toEqual(blocks.map(id => `get ${id}/meta.json`))
    expect(h.calls).toHaveLength(5 + 6)
  })

  it('makes one LIST for the root and one for each block when the listing is delimited', async () => {
    const { h, blocks } = await filled(3, 1000, 'delimited')
    expect((await h.run()).lists).toEqual(['list ', ...blocks.map(id => `list ${id}/`)])
    expect(h.calls).toHaveLength(1 + 3 + 3)
  })

  it.each(listings)('lists no page behind the last name that a ULID can have: %s', async listing => {
    const { h, blocks } = await filled(2, 7, listing)
    for (let i = 0; i < 50; i++) await h.put(`debug${i}/x`, '')
    const seen = await h.run()
    expect(seen).toMatchObject({ ids: blocks, complete: true })
    expect(seen.lists.filter(call => call === 'list ')).toHaveLength(1)
  })

  it.each(listings)('has never more requests under way than its concurrency: %s', async listing => {
    const h = await harness({ listing, concurrency: 3 })
    for (const id of ids(10)) await h.block(id)
    let now = 0
    let most = 0
    h.before = async () => {
      most = Math.max(most, ++now)
      await settle()
      now--
    }
    expect((await h.run()).ids).toHaveLength(10)
    expect(most).toBe(3)
  })
})

describe('scanBucket, pages', () => {
  it('yields the blocks of a listing page before it asks for the next', async () => {
    const { h, blocks } = await filled(6, 4)
    const seen: (readonly BlockId[])[] = []
    for await (const page of h.source.pages(runContext())) {
      seen.push(page.blocks.map(block => block.meta.ulid))
      expect(h.calls.filter(call => call === 'list ')).toHaveLength(seen.length)
    }
    // 3 objects a block, 4 a page: a block that is cut by the end of a page comes with the page that ends it.
    expect(seen).toEqual([[blocks[0]], [blocks[1]], [blocks[2]], [blocks[3], blocks[4]], [blocks[5]]])
  })

  it('yields a delimited root page in parts, so that blocks stream', async () => {
    const { h } = await filled(400, 300, 'delimited')
    const { pages } = await h.run()
    expect(idsOf(pages).map(page => page.length)).toEqual([250, 50, 100])
  })

  it.each(listings.flatMap(listing => [1, 2, 3, 4, 5, 7, 100].map(pageSize => [listing, pageSize] as const)))(
    'give every block whole and once: %s, %i objects a page',
    async (listing, pageSize) => {
      const { h, blocks } = await filled(5, pageSize, listing)
      await h.put(`${testId(3)}/debug/x`, '')
      await h.put('0', 'before every block')
      expect(await h.run()).toMatchObject({ ids: blocks, partial: [], complete: true })
    },
  )
})

describe('scanBucket, row 8: a listing that fails', () => {
  it('is tried again after a while, and the view is complete where another try goes well', async () => {
    const { h, blocks } = await filled(3, 4)
    let failures = 2
    h.before = call => {
      if (call === 'list ' && failures-- > 0) throw new Error('reset')
    }
    const work = h.run()
    await settle()
    expect(h.calls).toHaveLength(1)
    await h.host.advance(60_000)
    expect(await work).toMatchObject({ ids: blocks, complete: true })
    expect(h.host.lines.map(line => line.level)).toEqual(['warn', 'warn'])
    expect(h.host.pendingTimers).toBe(0)
  })

  it('makes the view incomplete after three tries: what was seen whole stands, and the cut block is not offered', async () => {
    const { h, blocks } = await filled(6, 4)
    fail(h, 'list ', new Error('503'), 3)
    const seen = await h.patientRun()
    expect(seen).toMatchObject({ ids: blocks.slice(0, 2), partial: [], complete: false })
    expect(seen.lists).toHaveLength(2 + 3)
    const fields = { code: 'listing-failed', error: 'cannot list "": 503' }
    expect(h.host.lines.at(-1)).toMatchObject({ level: 'error', fields })
  })

  it('is not tried again where another try cannot help', async () => {
    const { h } = await filled(1, 4)
    fail(h, '', new BlockgateError('unsupported', 'no listing here'))
    expect(await h.run()).toMatchObject({ complete: false, lists: ['list '] })
  })

  it('is not what it takes an error for that comes from elsewhere', async () => {
    const { h } = await filled(6, 4)
    const it = h.source.pages(runContext())
    await it.next()
    await expect(it.throw(new Error('of the consumer'))).rejects.toThrow('of the consumer')
  })

  it('gives nothing where no page can be listed, and keeps the cached metas', async () => {
    const { h, blocks } = await filled(3, 4)
    await h.run()
    fail(h, '')
    const seen = await h.patientRun()
    expect(seen).toMatchObject({ pages: [], complete: false, lists: ['list ', 'list ', 'list '], gets: [] })
    h.before = () => {}
    expect(await h.run()).toMatchObject({ ids: blocks, gets: [] })
  })

  it('of one folder, in a delimited listing, is the trouble of that block alone', async () => {
    const { h, blocks } = await filled(3, 1000, 'delimited')
    await h.run()
    fail(h, `list ${blocks[1]}/`)
    const seen = await h.patientRun()
    const partial = [`${blocks[1]} unreadable true`]
    expect(seen).toMatchObject({ ids: [blocks[0], blocks[2]], partial, complete: true })
    expect(seen.lists.filter(call => call === `list ${blocks[1]}/`)).toHaveLength(3)
    h.before = () => {}
    expect(await h.run()).toMatchObject({ ids: blocks, gets: [] })
  })

  it.each(listings)(
    'that is not in key order makes the view incomplete, and no block comes twice: %s',
    async listing => {
      const { h, blocks } = await filled(2, 1000, listing)
      const list = h.services.bucket.list.bind(h.services.bucket)
      h.services.bucket.list = async (prefix, options) => {
        const page = await list(prefix, options)
        if (prefix !== '') return page
        return { ...page, objects: page.objects.toReversed(), prefixes: [...page.prefixes, ...page.prefixes] }
      }
      const seen = await h.run()
      expect(seen.complete).toBe(false)
      expect(new Set(seen.ids).size).toBe(seen.ids.length)
      const error = `a listing must be in key order: ${blocks[0]} comes after ${blocks[1]}`
      expect(h.host.lines.at(-1)?.fields).toMatchObject({ error })
    },
  )
})

describe('scanBucket, abort', () => {
  const reason = new Error('the run ends')

  it.each([
    ['recursive', 'list '],
    ['recursive', `get ${testId(2)}/meta.json`],
    ['recursive', `get ${testId(1)}/deletion-mark.json`],
    ['delimited', `list ${testId(2)}/`],
  ] as const)('%s: rejects with the reason of the signal, and asks for nothing more, at %s', async (listing, at) => {
    const h = await harness({ listing, concurrency: 1 })
    for (const id of ids(3)) await h.block(id)
    await h.mark(testId(1), 5)
    const controller = new AbortController()
    h.before = call => {
      if (call !== at) return
      controller.abort(reason)
      throw new Error('the client says it in its own way')
    }
    await expect(h.run({ signal: controller.signal })).rejects.toBe(reason)
    expect(h.calls.at(-1)).toBe(at)
    expect(h.host.lines).toEqual([])
  })

  it('rejects with the reason while it waits for another try', async () => {
    const { h } = await filled(1, 4)
    fail(h, '')
    const controller = new AbortController()
    const rejected = expect(h.run({ signal: controller.signal })).rejects.toBe(reason)
    await settle()
    controller.abort(reason)
    await rejected
    expect(h.calls).toHaveLength(1)
    expect(h.host.pendingTimers).toBe(0)
  })

  it('asks for nothing more between two pages', async () => {
    const { h, blocks } = await filled(6, 4)
    const controller = new AbortController()
    const it = h.source.pages(runContext({ signal: controller.signal }))
    expect(idsOf([(await it.next()).value as Page])).toEqual([[blocks[0]]])
    controller.abort(reason)
    h.calls.length = 0
    await expect(it.next()).rejects.toBe(reason)
    expect(h.calls).toEqual([])
  })
})
