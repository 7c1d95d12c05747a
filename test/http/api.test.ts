import { type BlockStage, type Interval, skip } from 'blockgate'
import { fakeHost, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import type { BlockDetails, Blocks, Runs, Serving } from '../../src/http/schema/answers.ts'
import { blocks, numberOf, scriptedOwnership, scriptedSink } from '../support/world.ts'
import { appWorld } from './app-world.ts'
import { fits, PATHS } from './described.ts'

const odd: BlockStage = {
  kind: 'block',
  name: 'odd-one',
  handle: async (block, next) => (block.id === testId(3) ? skip('too-odd') : await next()),
}

async function synced(options: Parameters<typeof appWorld>[0] = {}) {
  const ownership = scriptedOwnership([1, 2, 5])
  const made = await appWorld({ list: blocks(5, 3, 1, 4, 2), stages: [odd], ownership, ...options })
  await made.gateway.sync()
  return made
}

describe('/-/healthy and /-/ready', () => {
  it('says what is wrong with the last run of a gateway that is ready', async () => {
    const { json, text, gateway, source } = await appWorld()
    const ready = async (cause: unknown, complete: boolean) => {
      Object.assign(source, { cause, complete })
      await gateway.sync()
      return await text('/-/ready')
    }
    const cause = '7 objects such as "a/x", and no block'
    expect(await ready(cause, true)).toBe(`ready\nthe last run: ${cause}\n`)
    expect(await ready(new Error('503'), false)).toBe('ready\nthe last run: 503\n')
    const [run] = (await json<Runs>('/api/v1/runs')).body.runs
    expect(run?.error).toEqual({ code: 'listing-failed', message: '503' })
    const page = await text('/')
    expect(page).toContain('<p class="alarm" role="alert">the last run: 503</p>')
    expect(page).toContain('<td class="failed">incomplete<br><small class="quiet">listing-failed: 503</small>')
    expect(page).not.toContain('class="done"')
    expect(await ready(undefined, true)).toBe('ready\n')
  })

  it('says that a person is asked, and how to answer: at /-/ready and on the first page', async () => {
    const { app, text, gateway, source, post } = await appWorld({ list: blocks(1, 2) })
    await gateway.sync()
    expect(await text('/-/ready')).toBe('ready\n')
    source.list = []
    await gateway.sync()
    const asked = '2 loaded blocks would be dropped, and a person is asked'
    const ready = await text('/-/ready')
    expect([(await app.request('/-/ready')).status, ready]).toEqual([200, expect.stringContaining(`ready\n${asked}`)])
    expect(ready).toContain('POST /api/v1/sync {"confirmDrops":true}')
    expect(ready).toContain('blockgate sync --confirm-drops')
    expect(await text('/')).toContain(asked)
    await post('/api/v1/sync', { body: '{"confirmDrops":true}', headers: { 'content-type': 'application/json' } })
    await gateway.sync()
    expect(await text('/-/ready')).toBe('ready\n')
    expect(await text('/')).not.toContain('a person is asked')
  })

  it('is ready with what is held while the member store is away since the start, and says what is not known', async () => {
    const ownership = Object.assign(scriptedOwnership([1]), { unavailable: true, standing: 'alone' as const })
    const { app, text, gateway, sink } = await appWorld({ list: blocks(1, 2), ownership })
    await gateway.sync()
    expect((await app.request('/-/ready')).status).toBe(503)
    expect(await text('/-/ready')).toContain('no block is held')
    sink.hold(...blocks(1))
    expect((await app.request('/-/ready')).status).toBe(200)
    expect(await text('/-/ready')).toMatch(/^ready\nthe member store cannot be reached: .* not known/)
  })

  it('is healthy at once, and ready after the first run in which every block got a verdict', async () => {
    const { app, json, gateway } = await appWorld({ list: blocks(1) })
    const statuses = () => Promise.all(['/-/healthy', '/-/ready'].map(async path => (await app.request(path)).status))
    const error = { code: 'not-ready', message: 'the first run has not ended' }
    expect(await json('/-/ready')).toEqual({ status: 503, body: { error } })
    expect(await statuses()).toEqual([200, 503])
    await gateway.sync()
    expect(await statuses()).toEqual([200, 200])
    await gateway.stop()
    expect(await statuses()).toEqual([200, 503])
  })
})

describe('GET /api/v1/blocks', () => {
  it('lists every block of the view in the order of their ULIDs, each with a state and a reason', async () => {
    const { json } = await synced()
    const { status, body } = await json<Blocks>('/api/v1/blocks')
    expect(status).toBe(200)
    expect(body.blocks.map(b => [numberOf(b.ulid), b.state, b.by, b.reason])).toEqual([
      [1, 'serving', 'scripted-sink', 'added'],
      [2, 'serving', 'scripted-sink', 'added'],
      [3, 'skipped', 'odd-one', 'too-odd'],
      [4, 'skipped', 'owned', 'not-owner'],
      [5, 'serving', 'scripted-sink', 'added'],
    ])
    expect(body.blocks[0]).toMatchObject({ minTime: 7_200_000, maxTime: 14_400_000, labels: expect.any(Object) })
    expect(body.next).toBeNull()
  })

  it('has a block while it waits and loads, one that failed, and one that is only seen in part', async () => {
    const sink = scriptedSink()
    const open = sink.gate(1)
    sink.fail(3, ...Array.from({ length: 4 }, () => new Error('no')))
    // Without jitter every time is a whole number of ms, as on a real clock.
    const host = Object.assign(fakeHost(), { random: () => 0 })
    const { json, gateway, source } = await appWorld({ list: blocks(1, 2, 3), sink, concurrency: 1, host })
    source.partial = [{ id: testId(9), reason: 'no-meta-json', keep: false }]
    const run = gateway.sync()
    await host.advance(0)
    const { body } = await json<Blocks>('/api/v1/blocks')
    expect(body.blocks.slice(0, 2).map(b => [b.state, b.by, b.reason])).toEqual([
      ['loading', 'scripted-sink', 'loading'],
      ['pending', 'scripted', 'pending'],
    ])
    await json(`/api/v1/blocks/${testId(1)}`)
    open()
    await host.advance(120_000)
    await run
    const partial = { ulid: testId(9), state: 'partial', reason: 'no-meta-json', minTime: null, labels: null }
    expect((await json<Blocks>('/api/v1/blocks')).body.blocks.at(-1)).toMatchObject(partial)
    expect((await json(`/api/v1/blocks/${testId(3)}`)).body).toMatchObject({ state: 'failed', detail: 'no' })
    expect((await json(`/api/v1/blocks/${testId(9)}`)).body).toMatchObject({ state: 'partial', held: null })
    expect((await json<Runs>('/api/v1/runs')).body.runs[0]?.failures).toHaveLength(1)
  })

  it('filters by state and by reason', async () => {
    const { json } = await synced()
    const numbers = async (query: string) =>
      (await json<Blocks>(`/api/v1/blocks?${query}`)).body.blocks.map(b => numberOf(b.ulid))
    expect(await numbers('state=skipped')).toEqual([3, 4])
    expect(await numbers('reason=not-owner')).toEqual([4])
    expect(await numbers('state=serving&reason=not-owner')).toEqual([])
    expect(await numbers('reason=added&state=')).toEqual([1, 2, 5])
  })

  it('pages with a cursor until every block was told once', async () => {
    const { json } = await synced()
    const seen: number[] = []
    for (let after = ''; ; ) {
      const { body } = await json<Blocks>(`/api/v1/blocks?limit=2${after}`)
      seen.push(...body.blocks.map(b => numberOf(b.ulid)))
      if (body.next === null) break
      after = `&after=${body.next}`
    }
    expect(seen).toEqual([1, 2, 3, 4, 5])
    expect((await json<Blocks>('/api/v1/blocks?limit=5')).body.next).toBeNull()
  })

  it('a page costs its own blocks, and not all there are', async () => {
    const numbers = Array.from({ length: 3_000 }, (_, i) => i + 1)
    const { json, gateway, app } = await appWorld({ list: blocks(...numbers), ownership: scriptedOwnership([]) })
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

  const STATES = 'pending, loading, serving, pending-hand-off, last-copy, skipped, failed, partial'
  it.each<readonly [query: string, message: string]>([
    ['state=happy', `state: must be one of ${STATES}: current value is "happy"`],
    ...['0', '10001', '1e3'].map(text => {
      return [`limit=${text}`, `limit: must be a whole number from 1 to 10000: current value is "${text}"`] as const
    }),
    ['after=../x', 'after: must be a ULID: current value is "../x"'],
    ['reason=%3Cb%3E', 'reason: must be kebab-case of at most 64 characters: current value is "<b>"'],
    [
      'stat=x',
      'stat: must be one of the known options: state, reason, label, from, to, limit, after: current value is "x"',
    ],
    ['state=failed&state=failed', 'state must be given once: it is given 2 times'],
  ])('answers 400 to %s, and says what must be', async (query, message) => {
    const { json } = await appWorld()
    const body = { error: { code: 'invalid-request', message } }
    expect(await json<Blocks>(`/api/v1/blocks?${query}`)).toEqual({ status: 400, body })
  })
})

describe('GET /api/v1/blocks/:ulid', () => {
  it('tells one block with its history', async () => {
    const ownership = scriptedOwnership([1])
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
    const error = { code: 'not-found', message: `block ${testId(7)} is not in the view` }
    expect(await json(`/api/v1/blocks/${testId(7)}`)).toEqual({ status: 404, body: { error } })
    expect((await json('/api/v1/blocks/x')).status).toBe(400)
  })
})

describe('GET /api/v1/serving', () => {
  it('tells what the sink holds in the order of the ULIDs, and whether the gateway is ready', async () => {
    const sink = scriptedSink()
    const open = sink.gate(5)
    const { json, gateway, host } = await appWorld({ list: blocks(4, 2, 5), sink })
    const serving = async () => {
      const { ready, blocks } = (await json<Serving>('/api/v1/serving')).body
      return [ready, ...blocks.map(numberOf)]
    }
    expect(await serving()).toEqual([false])
    const run = gateway.sync()
    await host.advance(0)
    expect(await serving()).toEqual([false, 2, 4])
    open()
    await run
    expect(await serving()).toEqual([true, 2, 4, 5])
    await sink.drop(testId(2), new AbortController().signal)
    sink.hold(...blocks(6))
    expect(await serving()).toEqual([true, 4, 5, 6])
    await gateway.stop()
    expect(await serving()).toEqual([false, 4, 5, 6])
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

it('GET /api/v1/runs tells the last runs, newest first, and the one that goes on', async () => {
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

describe('the next listing', () => {
  const every: Interval = {
    name: 'half',
    longestMs: 60_000,
    create: () => ({ next: () => ({ ms: 30_000.4, why: 'rate' }) }),
  }

  it('is told with the interval and why it is that, also where somebody has asked for it', async () => {
    const { gateway, host, json, text, post } = await appWorld({ list: blocks(1), every })
    const next = async () => (await json<Runs>('/api/v1/runs')).body.next
    expect(await next()).toBeNull()
    await gateway.start()
    await host.advance(10_000)
    const interval = { ms: 30_000.4, why: 'rate' }
    expect(await next()).toEqual({ at: host.now() + 20_000, why: 'rate', interval })
    const headers = { 'content-type': 'application/json' }
    await post('/api/v1/notify', { body: JSON.stringify({ blocks: [testId(2)] }), headers })
    expect(await next()).toEqual({ at: host.now() + 2_000, why: 'notification', interval })
    const page = await text('/')
    expect(page).toContain('half, at most 1m')
    expect(page).toContain('30 s (rate)')
    expect(page).toMatch(/in 2\.0 s, at [-0-9T:.]+Z \(notification\)/)
    await gateway.stop()
    expect(await next()).toBeNull()
  })
})

describe('the app', () => {
  it('answers what it does not know with 404, and a wrong method with 405, as JSON', async () => {
    const { app, json } = await appWorld()
    const error = { code: 'not-found', message: 'there is nothing at /api/v2/blocks' }
    expect(await json('/api/v2/blocks')).toEqual({ status: 404, body: { error } })
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
    const policy =
      "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    for (const path of ['/', '/-/ready', '/metrics', '/api/v1/blocks', '/style.css', '/nothing', '/api/v1/blocks/x']) {
      const { headers } = await app.request(path)
      expect([path, ...headers]).toEqual(
        expect.arrayContaining([
          ['content-security-policy', policy],
          ['x-content-type-options', 'nosniff'],
          ['x-frame-options', 'DENY'],
          ['referrer-policy', 'no-referrer'],
          ['cross-origin-resource-policy', 'same-origin'],
          ['cross-origin-opener-policy', 'same-origin'],
          ['cache-control', 'no-store'],
        ]),
      )
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
    expect([response.status, await response.text()]).toEqual([500, expect.not.stringContaining('hunter2')])
    expect(host.lines.at(-1)).toMatchObject({ level: 'error', fields: { error: 'hunter2', path: '/-/ready' } })
  })

  it('serves the metrics as text of Prometheus', async () => {
    const response = await (await appWorld()).app.request('/metrics')
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(await response.text()).toBe('up 1\n')
  })

  it('describes every route of the API, and no other', async () => {
    const { app, json } = await appWorld()
    const pages = /^\/(?:blocks\b.*|ring)?$|\.(?:css|js|svg)$/
    const routes = app.routes.filter(r => r.method !== 'ALL' && !pages.test(r.path))
    const told = routes.map(r => `${r.method.toLowerCase()} ${r.path.replace(/:(\w+)/, '{$1}')}`)
    const described = Object.entries(PATHS).flatMap(([path, item]) =>
      Object.keys(item).map(method => `${method} ${path}`),
    )
    expect([...new Set(told)]).toEqual(described)
    // No answer may have a field that is not described.
    const failure = { error: { code: 'a', message: 'b', more: 1 } }
    expect(() => fits('/-/ready', 'get', 503, failure)).toThrow()
    expect((await json('/api/v1/openapi.json')).body).toMatchObject({ openapi: '3.1.0', info: { version: '1.2.3' } })
    for (const [path, { get }] of Object.entries(PATHS)) {
      if (!get || path.includes('{') || path === '/api/v1/events') continue
      const { headers } = await app.request(path)
      expect([path, headers.get('content-type')]).toEqual([
        path,
        expect.stringMatching(/^(?:text\/plain|application\/json)/),
      ])
    }
  })
})
