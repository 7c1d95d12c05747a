import { describe, expect, it } from 'vitest'
import { blocks, scriptedSink } from '../support/world.ts'
import { type AppWorld, appWorld } from './app-world.ts'
import { fits } from './described.ts'

const JSON_TYPE = { 'content-type': 'application/json' }
const TOKEN = 'correct-horse-battery'

async function problemOf(response: Response): Promise<unknown> {
  const body = (await response.json()) as { error: { code: string } }
  fits('/api/v1/sync', 'post', response.status, body)
  return [response.status, body.error.code]
}

describe('POST /api/v1/sync', () => {
  it('accepts a run from this machine, which then happens', async () => {
    const { post, host, results } = await appWorld({ list: blocks(1) })
    const response = await post('/api/v1/sync')
    const answer = await response.json()
    expect([response.status, answer]).toEqual([202, { accepted: { reason: 'manual', confirmDrops: false } }])
    await host.advance(0)
    expect(results.map(r => [r.status, r.summary.run.reason])).toEqual([['done', 'manual']])
    fits('/api/v1/sync', 'post', 202, answer)
  })

  it('hands confirmDrops on', async () => {
    const sink = scriptedSink()
    const list = blocks(...Array.from({ length: 12 }, (_, i) => i))
    sink.hold(...list)
    const { post, host, source, gateway } = await appWorld({ sink })
    source.list = []
    await gateway.sync()
    await gateway.sync()
    expect(sink.numbers).toHaveLength(12)
    const response = await post('/api/v1/sync', { body: '{"confirmDrops":true}', headers: JSON_TYPE })
    expect(await response.json()).toEqual({ accepted: { reason: 'manual', confirmDrops: true } })
    await host.advance(0)
    expect(sink.numbers).toEqual([])
  })

  it.each([
    ['{"confirmDrops":"yes"}', 'confirmDrops: must be true or false: current value is "yes"'],
    ['{"confirm":true}', 'confirm: must be one of the known options: confirmDrops: current value is true'],
    ['[]', 'the body must be a JSON object'],
    ['null', 'the body must be a JSON object'],
    ['{', 'the body must be JSON: it cannot be parsed'],
  ])('answers 400 to the body %s', async (body, message) => {
    const { post, results, host } = await appWorld()
    const response = await post('/api/v1/sync', { body, headers: JSON_TYPE })
    expect([response.status, await response.json()]).toEqual([400, { error: { code: 'invalid-request', message } }])
    await host.advance(0)
    expect(results).toEqual([])
  })

  it('answers 413 to a long body, and 415 to one that is not called JSON', async () => {
    const { post } = await appWorld()
    const long = JSON.stringify({ confirmDrops: true, x: 'x'.repeat(2_000) })
    expect((await post('/api/v1/sync', { body: long, headers: JSON_TYPE })).status).toBe(413)
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx']) {
      const response = await post('/api/v1/sync', { body: '{}', headers: { 'content-type': type } })
      expect([type, response.status]).toEqual([type, 415])
    }
  })

  it('answers 503 once the gateway stops', async () => {
    const { post, gateway } = await appWorld()
    await gateway.stop()
    expect(await problemOf(await post('/api/v1/sync'))).toEqual([503, 'stopped'])
  })
})

/** The answer, and how many runs there were then. */
async function refused(init: Parameters<AppWorld['post']>[1], options: Parameters<typeof appWorld>[0] = {}) {
  const { post, results, host } = await appWorld(options)
  const response = await post('/api/v1/sync', init)
  const problem = await problemOf(response)
  await host.advance(0)
  expect(results).toEqual([])
  return { response, problem }
}

describe('with a token', () => {
  it.each([
    ['none', {}],
    ['a wrong one', { authorization: `Bearer ${TOKEN}x` }],
    ['a part of it', { authorization: `Bearer ${TOKEN.slice(0, -1)}` }],
    ['an empty one', { authorization: 'Bearer ' }],
    ['another scheme', { authorization: `Basic ${TOKEN}` }],
  ])('answers 401 to %s, also from this machine', async (_, headers) => {
    const { response, problem } = await refused({ headers }, { token: TOKEN })
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="blockgate"')
    expect(problem).toEqual([401, 'unauthorized'])
  })

  it('takes it from anywhere', async () => {
    const { post } = await appWorld({ token: TOKEN })
    const headers = { authorization: `Bearer ${TOKEN}`, host: 'gateway.example.org' }
    expect((await post('/api/v1/sync', { headers, peer: '203.0.113.9' })).status).toBe(202)
  })

  it('leaves the reading routes open, and shows the token nowhere', async () => {
    const { app } = await appWorld({ token: TOKEN, list: blocks(1) })
    for (const path of ['/', '/blocks', '/metrics', '/api/v1/blocks', '/api/v1/runs', '/api/v1/openapi.json']) {
      const response = await app.request(path)
      expect(response.status).toBe(200)
      expect(await response.text()).not.toContain(TOKEN)
    }
  })
})

describe('with a token for reading', () => {
  const READ = 'read-horse-battery'
  const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

  it('nothing is told without it but whether it is healthy and ready, and it changes nothing', async () => {
    const { app, post } = await appWorld({ token: TOKEN, readToken: READ, list: blocks(1) })
    const paths = ['/', '/blocks', '/metrics', '/api/v1/blocks', '/api/v1/events', '/api/v1/none', '/style.css']
    for (const path of paths) {
      for (const init of [{}, bearer(`${READ}x`), { headers: { authorization: 'Basic YTpi' } }]) {
        const response = await app.request(path, init)
        expect([path, response.status, response.headers.get('www-authenticate')]).toEqual([
          path,
          401,
          'Bearer realm="blockgate"',
        ])
      }
    }
    for (const path of ['/', '/metrics', '/api/v1/blocks']) {
      for (const token of [READ, TOKEN]) expect((await app.request(path, bearer(token))).status).toBe(200)
    }
    expect((await app.request('/-/healthy')).status).toBe(200)
    expect((await app.request('/-/ready')).status).toBe(503)
    expect((await post('/api/v1/sync', bearer(READ))).status).toBe(401)
    expect((await post('/api/v1/sync', bearer(TOKEN))).status).toBe(202)
  })
})

describe('without a token', () => {
  it.each(['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1'])('allows a change from %s', async peer => {
    const { post } = await appWorld()
    expect((await post('/api/v1/sync', { peer })).status).toBe(202)
  })

  it.each(['10.0.0.1', '203.0.113.9', '::ffff:10.0.0.1', '2001:db8::1', '', '127.0.0.1.example.org'])(
    'refuses a change from %j',
    async peer => expect((await refused({ peer })).problem).toEqual([403, 'forbidden']),
  )

  it('refuses a change where the address of the sender is not known', async () => {
    const { app } = await appWorld()
    expect((await app.request('http://localhost/api/v1/sync', { method: 'POST' })).status).toBe(403)
  })

  it.each([
    ['a page of another origin', { origin: 'https://evil.example' }],
    ['a page that hides its origin', { origin: 'null' }],
    ['a page on another port of this machine', { origin: 'http://localhost:8080' }],
    ['a page of another site, as the browser says', { 'sec-fetch-site': 'cross-site' }],
    ['a page of a sibling host', { 'sec-fetch-site': 'same-site' }],
    ['a name that was made to lead here', { host: 'evil.example:10902', origin: 'http://evil.example:10902' }],
    ['a name that begins like ours', { host: 'localhost.evil.example:10902' }],
    ['a proxy', { 'x-forwarded-for': '127.0.0.1' }],
    ['a proxy that speaks the standard', { forwarded: 'for=127.0.0.1' }],
  ])('refuses a change from %s', async (_, headers) => {
    expect((await refused({ headers })).problem).toEqual([403, 'forbidden'])
  })

  it('allows a change from its own page', async () => {
    const { post } = await appWorld()
    const headers = { host: 'localhost:10902', origin: 'http://localhost:10902', 'sec-fetch-site': 'same-origin' }
    expect((await post('/api/v1/sync', { headers })).status).toBe(202)
  })
})
