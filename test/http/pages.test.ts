import { candidate, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { blocks, scriptedSink } from '../support/world.ts'
import { appWorld } from './app-world.ts'

const HOSTILE = `<img src=x onerror=alert(1)>"'&`
const ESCAPED = '&lt;img src=x onerror=alert(1)&gt;'

describe('the first page', () => {
  it('says what this gateway is, its pipeline in order, its states, its runs, and where to go on', async () => {
    const { app, gateway } = await appWorld({ list: blocks(1, 2) })
    await gateway.sync()
    const response = await app.request('/')
    const page = await response.text()
    expect(response.headers.get('content-type')).toMatch(/^text\/html/)
    expect(page).toContain('<h1>me</h1>')
    expect(page).toContain('<dd>1.2.3</dd>')
    const at = ['scripted<small>', 'owned<small>', 'scripted-sink<small>'].map(stage => page.indexOf(stage))
    expect(at.every((place, i) => place > (at[i - 1] ?? 0))).toBe(true)
    expect(page).toContain('<a class="tile serving" href="/blocks?state=serving"><b>2</b>serving</a>')
    expect(page).toContain('<td>manual</td><td class="done">done</td>')
    for (const link of ['/blocks', '/ring', '/api/v1/blocks', '/api/v1/openapi.json', '/metrics', '/-/ready']) {
      expect(page).toContain(`href="${link}"`)
    }
  })

  it('is there before the first run, and says why a run failed', async () => {
    const { app, gateway, source } = await appWorld()
    expect(await (await app.request('/')).text()).toContain('no run has ended yet')
    source.list = blocks(1)
    source.error = new Error('the bucket is gone')
    await gateway.sync()
    expect(await (await app.request('/')).text()).toContain('listing-failed: the bucket is gone')
  })

  it('loads nothing from elsewhere, and holds no script, no style and no handler', async () => {
    const { app, gateway } = await appWorld({ list: blocks(1) })
    await gateway.sync()
    for (const path of ['/', '/blocks', `/blocks/${testId(1)}`]) {
      const page = await (await app.request(path)).text()
      expect(page).not.toMatch(/<script|<style|style=|\son\w+=|javascript:|https?:\/\//i)
      for (const [, link] of page.matchAll(/(?:href|src)="([^"]*)"/g)) {
        const { status } = await app.request(link?.replaceAll('&amp;', '&') ?? '')
        expect([link, status]).toEqual([link, 200])
      }
    }
  })
})

describe('what comes from a bucket or a plugin', () => {
  it('is escaped on every page', async () => {
    const block = candidate({ ulid: testId(1), labels: { [HOSTILE]: HOSTILE } })
    const sink = scriptedSink()
    sink.fail(1, ...Array.from({ length: 4 }, () => new Error(HOSTILE)))
    const { app, gateway, host, source } = await appWorld({ list: [block], sink })
    source.partial = [{ id: testId(2), reason: HOSTILE, keep: false }]
    const run = gateway.sync()
    await host.advance(120_000)
    await run
    const list = await (await app.request('/blocks')).text()
    const one = await (await app.request(`/blocks/${testId(1)}`)).text()
    const partial = await (await app.request(`/blocks/${testId(2)}`)).text()
    source.error = new Error(HOSTILE)
    await gateway.sync()
    const home = await (await app.request('/')).text()
    for (const page of [list, one, partial, home]) {
      expect(page).toContain(ESCAPED)
      expect(page).not.toContain('<img')
    }
  })

  it('is escaped in errors, which are JSON', async () => {
    const { app } = await appWorld()
    const response = await app.request(`/blocks/${encodeURIComponent(HOSTILE)}`)
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toBe('application/json')
  })
})

describe('/blocks', () => {
  it('filters, keeps what was chosen, and pages', async () => {
    const list = blocks(...Array.from({ length: 5 }, (_, i) => i + 1))
    const { app, gateway } = await appWorld({ list })
    await gateway.sync()
    const page = await (await app.request('/blocks?state=serving&reason=added&limit=2')).text()
    expect(page).toContain('<option value="serving" selected>')
    expect([...page.matchAll(/<a href="\/blocks\/(\w+)">/g)].map(([, id]) => id)).toEqual([testId(1), testId(2)])
    const more = /<a href="([^"]*)">More<\/a>/.exec(page)?.[1]?.replaceAll('&amp;', '&') ?? ''
    expect(more).toContain('state=serving&reason=added')
    const next = await (await app.request(more)).text()
    expect([...next.matchAll(/<a href="\/blocks\/(\w+)">/g)].map(([, id]) => id)).toEqual([testId(3), testId(4)])
    expect(await (await app.request('/blocks?state=failed&reason=')).text()).toContain('no such block')
  })

  it('shows times that no calendar has', async () => {
    const far = candidate({ ulid: testId(1), minTime: 0, maxTime: Number.MAX_SAFE_INTEGER })
    const { app, gateway } = await appWorld({ list: [far] })
    await gateway.sync()
    expect(await (await app.request(`/blocks/${testId(1)}`)).text()).toContain(String(Number.MAX_SAFE_INTEGER))
  })
})
