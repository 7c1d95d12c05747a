import { type BlockStage, skip } from 'blockgate'
import { testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import type { BlockDetails, Blocks, Runs, Serving } from '../../src/http/schema/answers.ts'
import { blocks, scriptedOwnership, scriptedSink } from '../support/world.ts'
import { appWorld, type Description } from './app-world.ts'
import { misfits } from './json-schema.ts'

const mine = scriptedOwnership
const odd: BlockStage = {
  kind: 'block',
  name: 'odd-one',
  handle: async (block, next) => (block.id === testId(3) ? skip('too-odd') : await next()),
}

async function synced(options: Parameters<typeof appWorld>[0] = {}) {
  const made = await appWorld({ list: blocks(5, 3, 1, 4, 2), stages: [odd], ownership: mine([1, 2, 5]), ...options })
  await made.gateway.sync()
  return made
}

describe('/-/healthy and /-/ready', () => {
  it('says what is wrong with the last run of a gateway that is ready', async () => {
    const { app, gateway, source } = await appWorld()
    source.cause = '7 objects such as "a/x", and no block'
    await gateway.sync()
    expect(await (await app.request('/-/ready')).text()).toBe(
      'ready\nthe last run: 7 objects such as "a/x", and no block\n',
    )
    source.cause = new Error('503')
    source.complete = false
    await gateway.sync()
    expect(await (await app.request('/-/ready')).text()).toBe('ready\nthe last run: 503\n')
    const [run] = ((await (await app.request('/api/v1/runs')).json()) as { runs: readonly { error: unknown }[] }).runs
    expect(run?.error).toEqual({ code: 'listing-failed', message: '503' })
    const page = await (await app.request('/')).text()
    expect(page).toContain('<dd class="failed">the last run: 503</dd>')
    expect(page).toContain('<td class="waiting">done<br><small class="quiet">listing-failed: 503</small>')
    expect(page).not.toContain('class="done"')
    source.cause = undefined
    source.complete = true
    await gateway.sync()
    expect(await (await app.request('/-/ready')).text()).toBe('ready\n')
  })

  it('says that a person is asked, and how to answer: at /-/ready and on the first page', async () => {
    const { app, gateway, source, post } = await appWorld({ list: blocks(1, 2) })
    await gateway.sync()
    expect(await (await app.request('/-/ready')).text()).toBe('ready\n')
    source.list = []
    await gateway.sync()
    const ready = await app.request('/-/ready')
    const text = await ready.text()
    expect([ready.status, text]).toEqual([
      200,
      expect.stringMatching(/^ready\n2 loaded blocks would be dropped, and a person/),
    ])
    expect(text).toContain('POST /api/v1/sync {"confirmDrops":true}')
    expect(text).toContain('blockgate sync --confirm-drops')
    expect(await (await app.request('/')).text()).toContain('2 loaded blocks would be dropped, and a person is asked')
    await post('/api/v1/sync', { body: '{"confirmDrops":true}', headers: { 'content-type': 'application/json' } })
    await gateway.sync()
    expect(await (await app.request('/-/ready')).text()).toBe('ready\n')
    expect(await (await app.request('/')).text()).not.toContain('a person is asked')
  })

  it('is ready with what is held while the member store is away since the start, and says what is not known', async () => {
    const ownership = mine([1])
    ownership.unavailable = true
    ownership.standing = 'alone'
    const { app, gateway, sink } = await appWorld({ list: blocks(1, 2), ownership })
    await gateway.sync()
    const empty = await app.request('/-/ready')
    expect([empty.status, await empty.text()]).toEqual([503, expect.stringContaining('no block is held')])
    sink.hold(...blocks(1))
    const ready = await app.request('/-/ready')
    expect([ready.status, await ready.text()]).toEqual([
      200,
      expect.stringMatching(/^ready\nthe member store cannot be reached: .* not known/),
    ])
  })

  it('is healthy at once, and ready after the first run in which every block got a verdict', async () => {
    const { app, gateway } = await appWorld({ list: blocks(1) })
    expect((await app.request('/-/healthy')).status).toBe(200)
    const before = await app.request('/-/ready')
    expect([before.status, await before.json()]).toEqual([
      503,
      { error: { code: 'not-ready', message: 'the first run has not ended' } },
    ])
    await gateway.sync()
    expect((await app.request('/-/ready')).status).toBe(200)
    await gateway.stop()
    expect((await app.request('/-/ready')).status).toBe(503)
    expect((await app.request('/-/healthy')).status).toBe(200)
  })
})

describe('GET /api/v1/blocks', () => {
  it('lists every block of the view in the order of their ULIDs, each with a state and a reason', async () => {
    const { json } = await synced()
    const { status, body } = await json<Blocks>('/api/v1/blocks')
    expect(status).toBe(200)
    expect(body.blocks.map(b => [b.ulid, b.state, b.by, b.reason])).toEqual([
      [testId(1), 'serving', 'scripted-sink', 'added'],
      [testId(2), 'serving', 'scripted-sink', 'added'],
      [testId(3), 'skipped', 'odd-one', 'too-odd'],
      [testId(4), 'skipped', 'owned', 'not-owner'],
      [testId(5), 'serving', 'scripted-sink', 'added'],
    ])
    expect(body.blocks[0]).toMatchObject({ minTime: 7_200_000, maxTime: 14_400_000, labels: expect.any(Object) })
    expect(body.next).toBeNull()
  })

  it('has a block while it waits and loads, and one that is only seen in part', async () => {
    const sink = scriptedSink()
    const open = sink.gate(1)
    const { json, gateway, host, source } = await appWorld({ list: blocks(1, 2), sink, concurrency: 1 })
    source.partial = [{ id: testId(9), reason: 'no-meta-json', keep: false }]
    const run = gateway.sync()
    await host.advance(0)
    const { body } = await json<Blocks>('/api/v1/blocks')
    expect(body.blocks.slice(0, 2).map(b => [b.state, b.by, b.reason])).toEqual([
      ['loading', 'scripted-sink', 'loading'],
      ['pending', 'scripted', 'pending'],
    ])
    open()
    await run
    const last = (await json<Blocks>('/api/v1/blocks')).body.blocks.at(-1)
    expect(last).toMatchObject({
      ulid: testId(9),
      state: 'partial',
      reason: 'no-meta-json',
      minTime: null,
      labels: null,
    })
  })

  it('filters by state and by reason', async () => {
    const { json } = await synced()
    const ids = async (query: string) => (await json<Blocks>(`/api/v1/blocks?${query}`)).body.blocks.map(b => b.ulid)
    expect(await ids('state=skipped')).toEqual([testId(3), testId(4)])
    expect(await ids('reason=not-owner')).toEqual([testId(4)])
    expect(await ids('state=serving&reason=not-owner')).toEqual([])
    expect(await ids('reason=added')).toEqual([testId(1), testId(2), testId(5)])
  })

  it('pages with a cursor until every block was told once', async () => {
    const { json } = await synced()
    const seen: string[] = []
    let after = ''
    for (;;) {
      const { body } = await json<Blocks>(`/api/v1/blocks?limit=2${after}`)
      seen.push(...body.blocks.map(b => b.ulid))
      if (body.next === null) break
      after = `&after=${body.next}`
    }
    expect(seen).toEqual([1, 2, 3, 4, 5].map(n => testId(n)))
    expect((await json<Blocks>(`/api/v1/blocks?limit=5`)).body.next).toBeNull()
  })

  it('a page costs its own blocks, and not all there are', async () => {
    const numbers = Array.from({ length: 3_000 }, (_, i) => i + 1)
    const { json, gateway, app } = await appWorld({ list: blocks(...numbers), ownership: mine([]) })
    await gateway.sync()
    let looked = 0
    for (const entry of gateway.catalogue.all()) {
      const { id } = entry
      const get = () => {
        looked++
        return id
      }
      Object.defineProperty(entry, 'id', { get })
    }
    for (const path of ['/api/v1/blocks?limit=1', `/api/v1/blocks?limit=1&after=${testId(2_990)}`]) {
      looked = 0
      expect((await json<Blocks>(path)).body.blocks).toHaveLength(1)
      expect(looked).toBeLessThan(20)
    }
    looked = 0
    expect((await app.request('/blocks')).status).toBe(200)
    expect(looked).toBeLessThan(250)
  })

  it.each([
    [
      'state=happy',
      'state: must be one of pending, loading, serving, pending-hand-off, last-copy, skipped, failed, partial: current value is "happy"',
    ],
    ['limit=0', 'limit: must be a whole number from 1 to 10000: current value is "0"'],
    ['limit=10001', 'limit: must be a whole number from 1 to 10000: current value is "10001"'],
    ['limit=1e3', 'limit: must be a whole number from 1 to 10000: current value is "1e3"'],
    ['after=../x', 'after: must be a ULID: current value is "../x"'],
    ['reason=%3Cb%3E', 'reason: must be kebab-case of at most 64 characters: current value is "<b>"'],
    ['stat=x', 'stat: must be one of the known options: state, reason, limit, after: current value is "x"'],
    ['state=failed&state=failed', 'state must be given once: it is given 2 times'],
  ])('answers 400 to %s, and says what must be', async (query, message) => {
    const { json } = await appWorld()
    expect(await json<Blocks>(`/api/v1/blocks?${query}`)).toEqual({
      status: 400,
      body: { error: { code: 'invalid-request', message } },
    })
  })
})

describe('GET /api/v1/blocks/:ulid', () => {
  it('tells one block with its history', async () => {
    const ownership = mine([1])
    const { json, gateway, host } = await synced({ ownership, list: blocks(1, 2) })
    ownership.gain(2)
    await host.advance(5)
    await gateway.sync()
    const { body } = await json<BlockDetails>(`/api/v1/blocks/${testId(2)}`)
    expect(body).toMatchObject({ ulid: testId(2), state: 'serving', reason: 'added', held: { bytes: 1 }, level: 1 })
    expect(body.history.map(e => [e.kind, e.by, e.reason])).toEqual([
      ['skipped', 'owned', 'not-owner'],
      ['added', '', ''],
    ])
  })

  it('answers 404 for a block that is not in the view, 400 for what is no ULID', async () => {
    const { json } = await appWorld()
    expect(await json(`/api/v1/blocks/${testId(7)}`)).toEqual({
      status: 404,
      body: { error: { code: 'not-found', message: `block ${testId(7)} is not in the view` } },
    })
    expect((await json('/api/v1/blocks/x')).status).toBe(400)
  })
})

describe('GET /api/v1/serving', () => {
  it('tells what the sink holds in the order of the ULIDs, and whether the gateway is ready', async () => {
    const sink = scriptedSink()
    const open = sink.gate(5)
    const { json, gateway, host } = await appWorld({ list: blocks(4, 2, 5), sink })
    const serving = async () => (await json<Serving>('/api/v1/serving')).body
    expect(await serving()).toEqual({ ready: false, blocks: [] })
    const run = gateway.sync()
    await host.advance(0)
    expect(await serving()).toEqual({ ready: false, blocks: [testId(2), testId(4)] })
    open()
    await run
    expect(await serving()).toEqual({ ready: true, blocks: [testId(2), testId(4), testId(5)] })
    await gateway.stop()
    expect(await serving()).toEqual({ ready: false, blocks: [testId(2), testId(4), testId(5)] })
  })

  it('answers 304 as long as nothing has changed, and not one change longer', async () => {
    const { app, gateway, source } = await synced()
    const ask = (tag: string) => app.request('/api/v1/serving', { headers: { 'if-none-match': tag } })
    const tag = (await ask('')).headers.get('etag') ?? ''
    expect(tag).toMatch(/^"[0-9a-f]{40}"$/)
    const same = await ask(tag)
    expect([same.status, same.headers.get('etag'), await same.text()]).toEqual([304, tag, ''])
    source.list = blocks(2, 5)
    await gateway.sync()
    await gateway.sync()
    expect((await ask(tag)).status).toBe(200)
    const after = (await ask('')).headers.get('etag') ?? ''
    await gateway.stop()
    expect((await ask(after)).status).toBe(200)
  })
})

describe('GET /api/v1/runs', () => {
  it('tells the last runs, newest first, and the one that goes on', async () => {
    const sink = scriptedSink()
    const { json, gateway, host, source } = await appWorld({ list: blocks(1), sink })
    await gateway.sync()
    source.error = new Error('gone')
    await gateway.sync()
    source.error = undefined
    source.list = blocks(1, 2)
    const open = sink.gate(2)
    const third = gateway.sync()
    await host.advance(0)
    const { body } = await json<Runs>('/api/v1/runs')
    expect(body.runs.map(r => [r.status, r.error?.code, r.blocks.added])).toEqual([
      ['failed', 'listing-failed', 0],
      ['done', undefined, 1],
    ])
    expect(body.current).toMatchObject({ reason: 'manual', seen: 2, inFlight: 1 })
    open()
    await third
    expect((await json<Runs>('/api/v1/runs')).body.current).toBeNull()
  })
})

describe('the app', () => {
  it('answers what it does not know with 404, and a wrong method with 405, as JSON', async () => {
    const { app, json } = await appWorld()
    expect(await json('/api/v2/blocks')).toEqual({
      status: 404,
      body: { error: { code: 'not-found', message: 'there is nothing at /api/v2/blocks' } },
    })
    const wrong = await app.request('/api/v1/blocks', { method: 'DELETE' })
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect(await wrong.json()).toMatchObject({ error: { code: 'method-not-allowed' } })
    expect((await app.request('/api/v1/sync')).status).toBe(405)
  })

  it('answers HEAD like GET, without a body', async () => {
    const { app } = await appWorld()
    for (const path of ['/', '/-/healthy', '/metrics', '/api/v1/blocks']) {
      const response = await app.request(path, { method: 'HEAD' })
      expect([path, response.status, await response.text()]).toEqual([path, 200, ''])
    }
  })

  it('puts the security headers on every answer, also on errors', async () => {
    const { app } = await appWorld()
    for (const path of ['/', '/-/ready', '/metrics', '/api/v1/blocks', '/style.css', '/nothing', '/api/v1/blocks/x']) {
      const { headers } = await app.request(path)
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; /)
      expect(headers.get('content-security-policy')).not.toContain('unsafe')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('x-frame-options')).toBe('DENY')
      expect(headers.get('cache-control')).toBe('no-store')
    }
  })

  it('tells nothing of an error of its own but that there was one', async () => {
    const { app, gateway, host } = await appWorld()
    Object.defineProperty(gateway, 'readiness', {
      get() {
        throw new Error('hunter2')
      },
    })
    const response = await app.request('/-/ready')
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('hunter2')
    expect(host.lines.at(-1)).toMatchObject({ level: 'error', fields: { error: 'hunter2', path: '/-/ready' } })
  })

  it('serves the metrics as text of Prometheus', async () => {
    const response = await (await appWorld()).app.request('/metrics')
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(await response.text()).toBe('up 1\n')
  })
})

describe('the OpenAPI description', () => {
  const paths: readonly (readonly [path: string, url: string])[] = [
    ['/-/ready', '/-/ready'],
    ['/api/v1/blocks', '/api/v1/blocks'],
    ['/api/v1/blocks', '/api/v1/blocks?limit=2'],
    ['/api/v1/blocks', '/api/v1/blocks?limit=none'],
    ...[1, 3, 4, 6, 9].map(n => ['/api/v1/blocks/{ulid}', `/api/v1/blocks/${testId(n)}`] as const),
    ['/api/v1/blocks/{ulid}', '/api/v1/blocks/nothing'],
    ['/api/v1/blocks/{ulid}', `/api/v1/blocks/${testId(77)}`],
    ['/api/v1/ring', '/api/v1/ring'],
    ['/api/v1/serving', '/api/v1/serving'],
    ['/api/v1/runs', '/api/v1/runs'],
  ]

  it.each(paths)('fits the answer of %s at %s', async (path, url) => {
    const sink = scriptedSink()
    sink.fail(4, ...Array.from({ length: 4 }, () => new Error('no')))
    const { app, gateway, host, source, json } = await appWorld({ list: blocks(1, 3, 4), stages: [odd], sink })
    source.partial = [{ id: testId(9), reason: 'no-meta-json', keep: false }]
    const run = gateway.sync()
    await host.advance(120_000)
    await run
    source.error = new Error('gone')
    await gateway.sync()
    source.error = undefined
    source.list = blocks(1, 3, 4, 6)
    const open = sink.gate(6)
    const last = gateway.sync()
    await host.advance(0)
    const { body: description } = await json<Description>('/api/v1/openapi.json')
    const response = await app.request(url)
    const answer = description.paths[path]?.get?.responses[response.status]
    expect(answer).toBeDefined()
    const schema = answer?.content['application/json']?.schema
    if (schema) expect(misfits(await response.json(), schema, description)).toEqual([])
    else expect(response.headers.get('content-type')).toMatch(/^text\/plain/)
    open()
    await last
  })

  it('names every route of the API, and no other', async () => {
    const { app, json } = await appWorld()
    const pages = /^\/(?:blocks\b.*|ring)?$/
    const routes = app.routes.filter(r => r.method !== 'ALL' && !pages.test(r.path))
    const told = routes.map(r => `${r.method.toLowerCase()} ${r.path.replace(/:(\w+)/, '{$1}')}`)
    const { body } = await json<Description>('/api/v1/openapi.json')
    const described = Object.entries(body.paths).flatMap(([path, item]) =>
      Object.keys(item).map(method => `${method} ${path}`),
    )
    expect([...new Set(told)].filter(route => !/\.(?:css|svg)$/.test(route))).toEqual(described)
    expect(body.openapi).toBe('3.1.0')
  })
})
