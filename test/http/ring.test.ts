import { type Operator, type Owner, OwnershipUnavailable, type RingMember } from 'blockgate'
import { testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import type { BlockDetails, Ring } from '../../src/http/schema/answers.ts'
import { blocks, type ScriptedOwnership, scriptedOwnership } from '../support/world.ts'
import { appWorld, type Description } from './app-world.ts'
import { misfits } from './json-schema.ts'

const HOSTILE = `<img src=x onerror=alert(1)>"'&`
const stats = { assigned: 5, serving: 4, pendingHandOff: 3, lastCopy: 2, failed: 1, bytes: 12_300 }

function member(id: string, rest: Partial<RingMember> = {}): RingMember {
  return {
    id,
    zone: undefined,
    address: undefined,
    state: 'active',
    ready: rest.state !== 'down',
    heartbeatAge: 1_500,
    placed: true,
    draining: false,
    incarnation: 1,
    rules: 'r',
    stats: undefined,
    ...rest,
  }
}

/** As a plugin whose store is in this process alone: that is no reason to keep its own pages from it. */
function withRing(members: readonly RingMember[], { frozen = false, error }: { frozen?: boolean; error?: Error } = {}) {
  const operator: Partial<Operator> = {
    unavailable: 'it lives in one process',
    async ring() {
      if (error) throw error
      return { epoch: 7, cause: 'gw-1 joined', storeId: 's', frozen, members }
    },
  }
  return Object.assign(scriptedOwnership([1]), { operator: operator as Operator })
}

function withOwners(owners: readonly Owner[]): ScriptedOwnership {
  const plugin = scriptedOwnership()
  return Object.assign(plugin, { handover: { ...plugin.handover, owners: () => owners } })
}

describe('GET /api/v1/ring', () => {
  it('tells the epoch, why it moved, whether all is frozen, and each member with what it said of itself', async () => {
    const ownership = withRing([
      member('gw-1', { zone: 'a', address: 'h:1', stats }),
      member('gw-2', { state: 'down' }),
    ])
    const { json } = await appWorld({ ownership })
    const { status, body } = await json<Ring>('/api/v1/ring')
    expect([status, body]).toEqual([
      200,
      {
        epoch: 7,
        cause: 'gw-1 joined',
        frozen: false,
        members: [
          {
            id: 'gw-1',
            zone: 'a',
            address: 'h:1',
            state: 'active',
            ready: true,
            heartbeatAge: 1_500,
            placed: true,
            draining: false,
            rules: 'r',
            stats,
          },
          {
            id: 'gw-2',
            zone: null,
            address: null,
            state: 'down',
            ready: false,
            heartbeatAge: 1_500,
            placed: true,
            draining: false,
            rules: 'r',
            stats: null,
          },
        ],
      },
    ])
    const { body: description } = await json<Description>('/api/v1/openapi.json')
    const schema = description.paths['/api/v1/ring']?.get?.responses[200]?.content['application/json']?.schema
    expect(misfits(body, schema ?? {}, description)).toEqual([])
    expect(schema).toBeDefined()
  })

  it('answers 404 where the plugin has no members, 503 where its store is away, and 500 where it is broken', async () => {
    const answer = async (ownership?: ScriptedOwnership) =>
      await (await appWorld(ownership ? { ownership } : {})).json<unknown>('/api/v1/ring')
    expect(await answer()).toEqual({
      status: 404,
      body: { error: { code: 'no-ring', message: 'the ownership plugin everything has no members' } },
    })
    expect(await answer(withRing([], { error: new OwnershipUnavailable('redis is away') }))).toEqual({
      status: 503,
      body: { error: { code: 'ownership-unavailable', message: 'redis is away' } },
    })
    expect((await answer(withRing([], { error: new Error('x') }))).status).toBe(500)
  })
})

describe('the owners of a block', () => {
  const owners: readonly Owner[] = [
    { member: 'gw-2', rank: 0, target: true, live: false, serves: false },
    { member: HOSTILE, rank: 1, target: true, live: true, serves: true },
    { member: 'gw-3', rank: 2, target: false, live: true, serves: false },
  ]
  const details = async (ownership?: ScriptedOwnership, n = 1) => {
    const made = await appWorld({ list: blocks(1), ...(ownership && { ownership }) })
    made.source.partial = [{ id: testId(2), reason: 'no-meta-json', keep: false }]
    await made.gateway.sync()
    const { body } = await made.json<BlockDetails>(`/api/v1/blocks/${testId(n)}`)
    const { body: description } = await made.json<Description>('/api/v1/openapi.json')
    const { schemas } = (description as unknown as { components: { schemas: Record<string, object> } }).components
    expect(misfits(body, schemas.BlockDetails as never, description)).toEqual([])
    return { ...made, body }
  }

  it('are told by rank, each with whether it is live and serves', async () => {
    expect((await details(withOwners(owners))).body).toMatchObject({ owners, ownersUnknown: null })
  })

  it('are null, with the reason, where nobody can know them', async () => {
    expect((await details()).body).toMatchObject({
      owners: null,
      ownersUnknown: 'the ownership plugin everything says who owns a block only at the add',
    })
    expect((await details(withOwners(owners), 2)).body).toMatchObject({
      owners: null,
      ownersUnknown: 'the block was never seen whole',
    })
    const away = Object.assign(scriptedOwnership([1]), { unavailable: true })
    expect((await details(away)).body).toMatchObject({
      owners: null,
      ownersUnknown: 'who owns the block cannot be known now',
    })
  })

  it('stand on the page of the block, escaped', async () => {
    const { app } = await details(withOwners(owners))
    const page = await (await app.request(`/blocks/${testId(1)}`)).text()
    expect(page).toContain('<td class="n">1</td><td class="mono">gw-2</td><td>yes</td><td>no</td><td>no</td>')
    expect(page).toContain('<td class="n">3</td><td class="mono">gw-3</td><td>no</td><td>yes</td><td>no</td>')
    expect(page).toContain('&lt;img')
    expect(page).not.toContain('<img')
    const { app: other } = await details()
    expect(await (await other.request(`/blocks/${testId(1)}`)).text()).toContain('only at the add')
  })
})

describe('/ring', () => {
  const page = async (ownership?: ScriptedOwnership) => {
    const { app } = await appWorld(ownership ? { ownership } : {})
    const response = await app.request('/ring')
    return { response, text: await response.text() }
  }

  it('shows each member with its numbers, what all must know, and where the JSON is', async () => {
    const { response, text } = await page(
      withRing(
        [
          member('gw-1', { stats, rules: 'a' }),
          member('gw-2', { rules: 'b', state: 'leaving', draining: true, heartbeatAge: Number.MAX_SAFE_INTEGER }),
        ],
        {
          frozen: true,
        },
      ),
    )
    expect(response.headers.get('content-type')).toMatch(/^text\/html/)
    expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'; /)
    expect(text).toContain('<dt>epoch</dt><dd>7</dd>')
    expect(text).toContain('yes: nothing changes hands')
    expect(text).toContain('differs: nothing is released')
    expect([...text.matchAll(/<td class="n">([^<]*)<\/td>/g)].map(([, cell]) => cell)).toEqual([
      ...['1.5 s', '5', '4', '3', '2', '1', '12.3 kB'],
      ...['none', '–', '–', '–', '–', '–', '–'],
    ])
    expect(text).toContain('<td class="leaving">leaving</td><td>yes</td>')
    expect(text).toContain('href="/api/v1/ring"')
    expect(text).not.toMatch(/<script|<style|style=|\son\w+=|javascript:|https?:\/\//i)
  })

  it('says nothing of rules that differ only from those of a member that is down', async () => {
    const { text } = await page(withRing([member('gw-1'), member('gw-2', { rules: 'old', state: 'down' })]))
    expect(text).not.toContain('differ')
    expect(text).toContain('<dt>frozen</dt><dd>no</dd>')
  })

  it('escapes all that a member says of itself', async () => {
    const { text } = await page(withRing([member(HOSTILE, { zone: HOSTILE, address: HOSTILE })]))
    expect(text.match(/&lt;img/g)).toHaveLength(3)
    expect(text).not.toContain('<img')
  })

  it('says why there is nothing to show', async () => {
    expect((await page()).text).toContain('the ownership plugin everything has no members')
    const away = await page(withRing([], { error: new OwnershipUnavailable('redis is away') }))
    expect([away.response.status, away.text]).toEqual([200, expect.stringContaining('redis is away')])
    expect((await page(withRing([]))).text).toContain('there is no member')
  })
})
