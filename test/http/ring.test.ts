import {
  type BlockId,
  type BlockStage,
  type Operator,
  type Owner,
  OwnershipUnavailable,
  type RingMember,
  skip,
} from 'blockgate'
import { testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import type { BlockDetails, Ring } from '../../src/http/schema/answers.ts'
import { member, owner, STATS } from '../support/ring.ts'
import { blocks, numberOf, type ScriptedOwnership, scriptedOwnership } from '../support/world.ts'
import { appWorld } from './app-world.ts'

const HOSTILE = `<img src=x onerror=alert(1)>"'&`
const away = new OwnershipUnavailable('redis is away')

/** As a plugin whose store is in this process alone: that is no reason to keep its own pages from it. */
function withRing(members: readonly RingMember[], { frozen = false, error }: { frozen?: boolean; error?: Error } = {}) {
  const operator: Partial<Operator> = {
    unavailable: 'it lives in one process',
    async ring() {
      if (error) throw error
      return { epoch: 7, cause: 'gw-1 joined', storeId: 's', frozen, members }
    },
  }
  return appWorld({ ownership: Object.assign(scriptedOwnership([1]), { operator: operator as Operator }) })
}

describe('GET /api/v1/ring', () => {
  it('tells the epoch, why it moved, whether all is frozen, and each member with what it said of itself', async () => {
    const { json } = await withRing([
      member('gw-1', { zone: 'a', address: 'h:1', stats: STATS }),
      member('gw-2', { state: 'down' }),
    ])
    const told = { heartbeatAge: 1_500, placed: true, draining: false, fingerprint: 'r' }
    const up = { id: 'gw-1', zone: 'a', address: 'h:1', state: 'active', ready: true, ...told, stats: STATS }
    const down = { id: 'gw-2', zone: null, address: null, state: 'down', ready: false, ...told, stats: null }
    const body = { epoch: 7, cause: 'gw-1 joined', frozen: false, members: [up, down] }
    expect(await json<Ring>('/api/v1/ring')).toEqual({ status: 200, body })
  })

  it.each([
    ['404 where the plugin has no members', appWorld, 404, 'no-ring', 'the ownership plugin everything has no members'],
    ['503 where its store is away', () => withRing([], { error: away }), 503, 'ownership-unavailable', 'redis is away'],
    [
      '500 where it is broken',
      () => withRing([], { error: new Error('x') }),
      500,
      'internal',
      'the request failed; the log says why',
    ],
    [
      '500 where a member is no member',
      () => withRing([member('', { heartbeatAge: -1 })]),
      500,
      'internal',
      'the request failed; the log says why',
    ],
  ])('answers %s', async (_, made, status, code, message) => {
    expect(await (await made()).json('/api/v1/ring')).toEqual({ status, body: { error: { code, message } } })
  })
})

describe('the owners of a block', () => {
  const owners = [
    owner('gw-2', { live: false, serves: false }),
    owner(HOSTILE, { rank: 1 }),
    owner('gw-3', { rank: 2, target: false, serves: false }),
  ]
  const details = async (ownership?: ScriptedOwnership, n = 1) => {
    const made = await appWorld({ list: blocks(1), ...(ownership && { ownership }) })
    made.source.partial = [{ id: testId(2), reason: 'no-meta-json', keep: false }]
    await made.gateway.sync()
    const { body } = await made.json<BlockDetails>(`/api/v1/blocks/${testId(n)}`)
    const page = await made.text(`/blocks/${testId(n)}`)
    return { owners: body.owners, ownersUnknown: body.ownersUnknown, page }
  }
  const withOwners = (all: readonly Owner[]) => {
    const plugin = scriptedOwnership()
    return Object.assign(plugin, { handover: { ...plugin.handover, owners: () => all } })
  }

  it('are told by rank, each with whether it is live and serves; on the page they are escaped', async () => {
    const { page, ...told } = await details(withOwners(owners))
    expect(told).toEqual({ owners, ownersUnknown: null })
    expect(page).toContain('<td class="n">1</td><td class="mono">gw-2</td><td>yes</td><td>no</td><td>no</td>')
    expect(page).toContain('<td class="n">3</td><td class="mono">gw-3</td><td>no</td><td>yes</td><td>no</td>')
    expect(page).toContain('&lt;img')
    expect(page).not.toContain('<img')
  })

  it.each([
    ['nobody can', undefined, 1, 'the ownership plugin everything says who owns a block only at the add'],
    ['the block is broken', withOwners(owners), 2, 'the block was never seen whole'],
    [
      'the store is away',
      Object.assign(scriptedOwnership([1]), { unavailable: true }),
      1,
      'who owns the block cannot be known now',
    ],
  ])('are null, with the reason, where they cannot be known: %s', async (_, ownership, n, ownersUnknown) => {
    const told = await details(ownership, n)
    expect(told).toEqual({ owners: null, ownersUnknown, page: expect.stringContaining(ownersUnknown) })
  })
})

describe('/ring', () => {
  const page = async (...args: Parameters<typeof withRing>) => (await withRing(...args)).text('/ring')

  it('shows each member with its numbers, what all must know, and where the JSON is', async () => {
    const stats = { ...STATS, assigned: 5 }
    const leaving = {
      fingerprint: 'b',
      state: 'leaving',
      draining: true,
      heartbeatAge: Number.MAX_SAFE_INTEGER,
    } as const
    const members = [member('gw-1', { stats, fingerprint: 'a' }), member('gw-2', leaving)]
    const text = await page(members, { frozen: true })
    for (const part of ['<dt>epoch</dt><dd>7</dd>', 'yes: nothing changes hands', 'differs: nothing is released']) {
      expect(text).toContain(part)
    }
    expect([...text.matchAll(/<td class="n\b[^"]*">([^<]*)<\/td>/g)].map(([, cell]) => cell)).toEqual([
      ...['1.5 s', '5', '4', '3', '2', '1', '12.3 kB'],
      ...['none', '–', '–', '–', '–', '–', '–'],
    ])
    expect(text).toContain('<td class="leaving">leaving</td><td>yes</td>')
    expect(text).toContain('href="/api/v1/ring"')
    expect(text).not.toMatch(/<script(?! src=)|<style|style=|\son\w+=|javascript:|https?:\/\//i)
  })

  it('says how even the sizes of those that are up are', async () => {
    const of = (id: string, bytes: number) => member(id, { stats: { ...STATS, bytes } })
    const text = await page([of('gw-1', 300), of('gw-2', 500), member('gw-3', { state: 'down' })])
    expect(text).toContain('<dt>size of members</dt><dd>the most is 1.25 times the mean</dd>')
    expect(await page([of('gw-1', 300)])).not.toContain('size of members')
  })

  it('says nothing of a config that differs only from that of a member that is down', async () => {
    const text = await page([member('gw-1'), member('gw-2', { fingerprint: 'old', state: 'down' })])
    expect(text).not.toContain('differs')
    expect(text).toContain('<dt>frozen</dt><dd>no</dd>')
  })

  it('escapes all that a member says of itself', async () => {
    const text = await page([member(HOSTILE, { zone: HOSTILE, address: HOSTILE })])
    expect(text.match(/&lt;img/g)).toHaveLength(3)
    expect(text).not.toContain('<img')
  })

  it('says why there is nothing to show', async () => {
    expect(await (await appWorld()).text('/ring')).toContain('the ownership plugin everything has no members')
    const { app } = await withRing([], { error: away })
    const response = await app.request('/ring')
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('redis is away')])
    expect(await page([])).toContain('there is no member')
  })
})

it('slots are told with who holds them, and those that nobody holds', async () => {
  const holders = [
    ...[0, 1, 2, 5].map(slot => ({ slot, rank: 0, holder: 'gw-1' })),
    { slot: 3, rank: 0, holder: HOSTILE },
    { slot: 4, rank: 0, holder: '' },
  ]
  const operator: Partial<Operator> = {
    ring: async () => ({ epoch: 7, cause: '', storeId: 's', frozen: false, members: [] }),
    slots: () => ({ count: 8, holders }),
  }
  const { json, text } = await appWorld({
    ownership: Object.assign(scriptedOwnership([1]), { operator: operator as Operator }),
  })
  expect((await json<Ring>('/api/v1/ring')).body.slots).toEqual({ count: 8, holders })
  const page = await text('/ring')
  expect(page).toContain('5 of 8 slots are held. Blocks of the others have no owner')
  expect(page).toContain('<td class="mono">gw-1</td><td class="n">4</td><td class="long">0–2, 5</td>')
  expect(page).toContain('<td class="mono">given up</td><td class="n">1</td><td class="long">4</td>')
  expect(page).not.toContain('<img')
})

describe('what moves', () => {
  const rows = (page: string, name: string) => {
    const [, body = ''] = new RegExp(`aria-label="${name}".*?<tbody>(.*?)</tbody>`, 's').exec(page) ?? []
    return [...body.matchAll(/<tr>(.*?)<\/tr>/g)].map(([, row = '']) =>
      row
        .replace(/<[^>]+>/g, ' ')
        .trim()
        .replace(/ +/g, ' '),
    )
  }
  const paged = async (ownersOf: (n: number) => readonly Owner[], stages: readonly BlockStage[] = []) => {
    const ownership = scriptedOwnership([1, 2, 3])
    const operator: Partial<Operator> = {
      async ring() {
        return { epoch: 7, cause: '', storeId: 's', frozen: false, members: [member('me'), member('b')] }
      },
    }
    const handover = { ...ownership.handover, owners: ({ ulid }: { ulid: BlockId }) => ownersOf(numberOf(ulid)) }
    const plugin = Object.assign(ownership, { operator: operator as Operator, handover })
    const { gateway, text } = await appWorld({ list: blocks(1, 2, 3, 4), stages, ownership: plugin })
    await gateway.sync()
    return await text('/ring')
  }

  it('is what an owner that is up does not serve yet, from those who serve it and are no owners', async () => {
    const page = await paged(n => [
      owner('me', { serves: n < 3, target: n === 1 }),
      owner('b', { rank: 1, serves: false, target: n > 1, live: n !== 4 }),
    ])
    expect(rows(page, 'What moves now')).toEqual(['me b 1', 'the bucket: nobody serves them b 1'])
  })

  it('and what would move if one left: its blocks to the next by rank that is up, and those that nobody else serves', async () => {
    const page = await paged(n => [
      owner('me', { serves: true }),
      owner('gone', { rank: 1, live: false, target: false, serves: false }),
      owner('b', { rank: 1, target: n === 1, serves: n === 1 }),
      owner('c', { rank: 2, target: false, serves: false, live: n !== 3 }),
      owner('down', { rank: 3, live: false }),
    ])
    expect(rows(page, 'What would move')).toEqual(['b 1 0 c: 1', 'me this gateway 4 3 b: 3, c: 1'])
  })

  it('is nothing where each owner serves what is its own, and nobody takes over where nobody is left', async () => {
    const page = await paged(() => [owner('me')])
    expect(rows(page, 'What moves now')).toEqual(['nothing: each owner serves what is its own'])
    expect(rows(page, 'What would move')).toEqual(['me this gateway 4 4 nobody: no other member is up: 4'])
  })

  it('leaves out blocks that no gateway is to hold, for a filter stopped them', async () => {
    const odd: BlockStage = {
      kind: 'block',
      name: 'odd',
      handle: async (block, next) => (numberOf(block.id) > 2 ? skip('too-odd') : next()),
    }
    const page = await paged(() => [owner('me')], [odd])
    expect(rows(page, 'What would move')).toEqual(['me this gateway 2 2 nobody: no other member is up: 2'])
  })

  it('is not told while owners are not known', async () => {
    const page = await paged(() => {
      throw away
    })
    expect(page).toContain('<h2>Moves</h2><p class="quiet">redis is away</p>')
  })
})
