import { type BlockStage, skip } from 'blockgate'
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
      '5 blocks in the view: <b>5</b> are held here, 0 were stopped on the way, 0 have no verdict yet',
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
    const page = await text('/')
    expect(page).toContain('listing-failed: the bucket is gone')
    expect(page).toMatch(/<p class="alarm" role="alert">the last run[^<]*the bucket is gone</)
    expect(page).toMatch(/<td class="failed">(?:failed|incomplete)<br>/)
    expect(page).toContain('<svg class="wrong"')
  })

  it('counts what each stage stopped, by reason, from one look: the numbers add up to the tiles', async () => {
    const sink = scriptedSink()
    sink.fail(5, ...Array.from({ length: 4 }, () => new Error('no')))
    const odd: BlockStage = {
      kind: 'block',
      name: 'odd-one',
      handle: async (block, next) => (block.id < testId(3) ? skip('too-odd') : next()),
    }
    const { text, gateway, host, source } = await appWorld({ list: blocks(1, 2, 3, 4, 5), stages: [odd], sink })
    source.partial = [{ id: testId(9), reason: 'no-meta-json', keep: false }]
    const run = gateway.sync()
    await host.advance(120_000)
    await run
    const page = await text('/')
    const cells = [
      ...page.matchAll(
        /<td class="stage">(\w[\w-]*)<small>[^<]*<\/small><\/td><td class="n">(\d+)<\/td>.*?<td class="n">(\d+)<\/td>/g,
      ),
    ]
    expect(cells.map(([, name, came, went]) => `${name} ${came} ${went}`)).toEqual([
      ...['scripted 6 5', 'odd-one 5 3', 'owned 3 3', 'scripted-sink 3 2'],
    ])
    expect(page).toContain(
      '<a class="why skipped" href="/blocks?state=skipped&amp;reason=too-odd">2 skipped: too-odd</a>',
    )
    expect(page).toContain('<a class="why failed" href="/blocks?state=failed&amp;reason=')
    expect(page).toContain('6 blocks in the view: <b>2</b> are held here, 4 were stopped on the way')
    for (const tile of ['<b>2</b>serving', '<b>2</b>skipped', '<b>1</b>failed', '<b>1</b>partial'])
      expect(page).toContain(tile)
  })

  it('tells of a run that goes on: how far it is, at what, and which load takes longest', async () => {
    const sink = scriptedSink()
    const open = sink.gate(2)
    const { text, gateway, host } = await appWorld({ list: blocks(1, 2), sink })
    const run = gateway.sync()
    await host.advance(4_000)
    const page = await text('/')
    expect(page).toContain('1 of 2 blocks have a verdict')
    expect(page).toContain('<b>1</b> are held here, 0 were stopped on the way, 1 have no verdict yet (1 of them load)')
    expect(page).toContain('<dt>time left</dt><dd>about 4.0 s</dd>')
    expect(page).toContain('<dt>it is at</dt><dd>1 loads; 0 blocks wait</dd>')
    expect(page).toContain(`<a class="mono" href="/blocks/${testId(2)}">${testId(2)}</a> for 4.0 s`)
    open()
    await run
    expect(await text('/')).toContain('No run goes on')
  })
})

it('no page loads anything from elsewhere, or holds a script, a style or a handler; scripts are files of our own', async () => {
  const { app, text } = await synced()
  for (const path of ['/', '/blocks', `/blocks/${testId(1)}`]) {
    const page = await text(path)
    expect(page).not.toMatch(
      /<script(?! src="\/\w+\.js" defer><\/script>)|<style|style=|\son\w+=|javascript:|https?:\/\//i,
    )
    for (const [, link] of page.matchAll(/(?:href|src)="([^"]*)"/g)) {
      expect([link, (await app.request(link?.replaceAll('&amp;', '&') ?? '')).status]).toEqual([link, 200])
    }
  }
})

it('what comes from a bucket or a plugin is escaped on every page, and in errors, which are JSON where nobody asks for a page', async () => {
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

describe('an error', () => {
  it.each([
    ['/nothing', 404, '<h1>404: not-found</h1>'],
    ['/blocks/x', 400, '<h1>400: invalid-request</h1>'],
    [`/blocks/${testId(9)}`, 404, 'is not in the view'],
    ['/blocks?state=odd', 400, 'state: must be one of'],
  ])('of %s is a page for a browser, and JSON for all others', async (path, status, part) => {
    const { app } = await synced()
    const page = await app.request(path, { headers: { accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' } })
    expect([page.status, page.headers.get('content-type')]).toEqual([status, 'text/html; charset=UTF-8'])
    expect(await page.text()).toContain(part)
    const raw = await app.request(path, { headers: { accept: '*/*' } })
    expect([raw.status, raw.headers.get('content-type')]).toEqual([status, 'application/json'])
  })

  it('of the API is JSON also for a browser', async () => {
    const { app } = await synced()
    const { headers } = await app.request('/api/v1/blocks/x', { headers: { accept: 'text/html' } })
    expect(headers.get('content-type')).toBe('application/json')
  })
})

it('each page has a title of its own, with the name of the gateway', async () => {
  const { text } = await synced()
  const titles = await Promise.all(
    ['/', '/blocks', '/ring', `/blocks/${testId(1)}`].map(async path => /<title>([^<]*)</.exec(await text(path))?.[1]),
  )
  expect(titles).toEqual(['Overview', 'Blocks', 'Ring', testId(1)].map(name => `${name} · me · blockgate`))
})
