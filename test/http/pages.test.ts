import { candidate, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { blocks, scriptedSink } from '../support/world.ts'
import { type AppWorld, appWorld } from './app-world.ts'

const HOSTILE = `<img src=x onerror=alert(1)>"'&`
const ESCAPED = '&lt;img src=x onerror=alert(1)&gt;'
const LINKS = ['/blocks', '/ring', '/api/v1/blocks', '/api/v1/openapi.json', '/metrics', '/-/ready']

async function synced(options: Parameters<typeof appWorld>[0] = {}): Promise<AppWorld> {
  const made = await appWorld({ list: blocks(1, 2, 3, 4, 5), ...options })
  await made.gateway.sync()
  return made
}

describe('the first page', () => {
  it('says what this gateway is, its pipeline in order, its states, its runs, and where to go on', async () => {
    const { app, text } = await synced()
    expect((await app.request('/')).headers.get('content-type')).toMatch(/^text\/html/)
    const page = await text('/')
    for (const part of [
      '<h1>me</h1>',
      '<dd>1.2.3</dd>',
      '<a class="tile serving" href="/blocks?state=serving"><b>5</b>serving</a>',
      '<td>manual</td><td class="done">done</td>',
      ...LINKS.map(link => `href="${link}"`),
    ]) {
      expect(page).toContain(part)
    }
    const at = ['scripted<small>', 'owned<small>', 'scripted-sink<small>'].map(stage => page.indexOf(stage))
    expect(at.every((place, i) => place > (at[i - 1] ?? 0))).toBe(true)
  })

  it('is there before the first run, and says why a run failed', async () => {
    const { text, gateway, source } = await appWorld({ list: blocks(1) })
    expect(await text('/')).toContain('no run has ended yet')
    source.error = new Error('the bucket is gone')
    await gateway.sync()
    expect(await text('/')).toContain('listing-failed: the bucket is gone')
  })
})

it('no page loads anything from elsewhere, or holds a script, a style or a handler', async () => {
  const { app, text } = await synced()
  for (const path of ['/', '/blocks', `/blocks/${testId(1)}`]) {
    const page = await text(path)
    expect(page).not.toMatch(/<script|<style|style=|\son\w+=|javascript:|https?:\/\//i)
    for (const [, link] of page.matchAll(/(?:href|src)="([^"]*)"/g)) {
      expect([link, (await app.request(link?.replaceAll('&amp;', '&') ?? '')).status]).toEqual([link, 200])
    }
  }
})

it('what comes from a bucket or a plugin is escaped on every page, and in errors, which are JSON', async () => {
  const block = candidate({ ulid: testId(1), labels: { [HOSTILE]: HOSTILE } })
  const sink = scriptedSink()
  sink.fail(1, ...Array.from({ length: 4 }, () => new Error(HOSTILE)))
  const { app, text, gateway, host, source } = await appWorld({ list: [block], sink })
  source.partial = [{ id: testId(2), reason: HOSTILE, keep: false }]
  const run = gateway.sync()
  await host.advance(120_000)
  await run
  const pages = await Promise.all(['/blocks', `/blocks/${testId(1)}`, `/blocks/${testId(2)}`].map(text))
  source.error = new Error(HOSTILE)
  await gateway.sync()
  for (const page of [...pages, await text('/')]) {
    expect(page).toContain(ESCAPED)
    expect(page).not.toContain('<img')
  }
  const { status, headers } = await app.request(`/blocks/${encodeURIComponent(HOSTILE)}`)
  expect([status, headers.get('content-type')]).toEqual([400, 'application/json'])
})

describe('/blocks', () => {
  it('filters, keeps what was chosen, and pages', async () => {
    const { text } = await synced()
    const idsOf = (page: string) => [...page.matchAll(/<a href="\/blocks\/(\w+)">/g)].map(([, id]) => id)
    const page = await text('/blocks?state=serving&reason=added&limit=2')
    expect(page).toContain('<option value="serving" selected>')
    expect(idsOf(page)).toEqual([testId(1), testId(2)])
    const more = /<a href="([^"]*)">More<\/a>/.exec(page)?.[1]?.replaceAll('&amp;', '&') ?? ''
    expect(more).toContain('state=serving&reason=added')
    expect(idsOf(await text(more))).toEqual([testId(3), testId(4)])
    expect(await text('/blocks?state=failed&reason=')).toContain('no such block')
  })

  it('shows times that no calendar has', async () => {
    const { text } = await synced({ list: [candidate({ ulid: testId(1), maxTime: Number.MAX_SAFE_INTEGER })] })
    expect(await text(`/blocks/${testId(1)}`)).toContain(String(Number.MAX_SAFE_INTEGER))
  })
})
