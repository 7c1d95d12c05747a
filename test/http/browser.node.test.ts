// Each page as somebody sees it, in a real Chromium: nothing for axe to complain of, nothing in the console, no wider than the screen, and
// like its picture in docs/pictures. `PICTURES=write vitest run --project node test/http/browser` takes these anew: look at them then.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BlockStage, type Operator, type Owner, skip } from 'blockgate'
import { createApp, pages } from 'blockgate/http'
import { candidate, testId } from 'blockgate/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type HttpServer, listen } from '../../src/runtime/server/listen.ts'
import { type Browser, type BrowserPage, startChromium } from '../support/chromium.ts'
import { member } from '../support/ring.ts'
import { numberOf, scriptedOwnership, scriptedSink, type World, world } from '../support/world.ts'

const ROOT = join(import.meta.dirname, '../..')
const PICTURES = join(ROOT, 'docs/pictures')
const AXE = readFileSync(join(ROOT, 'node_modules/axe-core/axe.min.js'), 'utf8')
const HOUR = 3_600_000
const GATEWAYS = ['gw-1', 'gw-2', 'gw-3']

const list = Array.from({ length: 84 }, (_, i) => {
  const [lane, at] = [i % 3, Math.floor(i / 3)]
  const isLong = at % 7 === 0
  const minTime = Date.UTC(2025, 11, 27) + (at + (lane === 1 && at > 15 ? 3 : 0)) * 4 * HOUR
  return candidate({
    ulid: testId(i + 1),
    minTime,
    maxTime: minTime + (isLong ? 24 : 4) * HOUR,
    labels: { cluster: ['eu', 'us', 'ap'][lane] as string, replica: 'a' },
    compaction: { level: isLong ? 3 : 1, sources: [] },
    files: [{ path: 'index', size: 1 }],
  })
})
const odd: BlockStage = {
  kind: 'block',
  name: 'time-range',
  handle: async (block, next) => (block.meta.minTime < Date.UTC(2025, 11, 28) ? skip('time-excluded') : next()),
}

function ownersOf(n: number): Owner[] {
  const order = [0, 1, 2].map(i => GATEWAYS[(n + i) % 3] as string)
  return order.map((one, rank) => {
    const serves = rank === 0 ? n % 9 !== 5 : rank === 1 && n % 9 === 5
    return { member: one, rank, target: rank === 0, serves, live: true }
  })
}

/** A gateway in the middle of a run: some blocks are served, one fails, two load, and others wait. Its time stands still. */
async function scene(): Promise<World> {
  const mine = list.map(({ meta }) => numberOf(meta.ulid)).filter(n => ownersOf(n)[0]?.member === 'gw-1')
  const plugin = scriptedOwnership(mine)
  const stats = { assigned: 24, serving: 22, pendingHandOff: 1, lastCopy: 0, failed: 0, bytes: 44_000_000_000 }
  const operator: Partial<Operator> = {
    unavailable: undefined,
    async ring() {
      const members = GATEWAYS.map((id, i) =>
        member(id, {
          zone: 'abc'[i],
          stats: { ...stats, serving: 22 - 5 * i, failed: i === 0 ? 1 : 0 },
          heartbeatAge: 900 + 100 * i,
        }),
      )
      return { epoch: 12, cause: 'gw-3 joined', storeId: 's', frozen: false, members }
    },
  }
  const handover = {
    ...plugin.handover,
    owners: ({ ulid }: { ulid: Parameters<typeof numberOf>[0] }) => ownersOf(numberOf(ulid)),
  }
  const sink = scriptedSink()
  sink.fail(36, ...Array.from({ length: 30 }, () => new Error('the index has a wrong checksum')))
  const made = await world({
    list: list.slice(0, 60),
    stages: [odd],
    ownership: Object.assign(plugin, { operator: operator as Operator, handover }),
    sink,
    id: 'gw-1',
  })
  made.source.partial = [{ id: testId(90), reason: 'no-meta-json', keep: false }]
  const first = made.gateway.sync()
  await made.host.advance(120_000)
  await first
  made.source.list = list
  for (const n of mine) if (n > 66) sink.gate(n)
  void made.gateway.sync()
  await made.host.advance(4_000)
  return made
}

let [server, browser, page] = [] as unknown as [HttpServer, Browser, BrowserPage]
beforeAll(async () => {
  const { gateway, config, host } = await scene()
  const app = createApp({ gateway, config, host, version: '1.2.3', pages, metrics: { text: async () => '' } })
  server = await listen(app, { host: '127.0.0.1', port: 0 })
  browser = await startChromium()
  page = await browser.page()
})
afterAll(async () => {
  await browser?.close()
  await server?.close(0)
})

async function show(path: string, width: number, scheme: 'light' | 'dark', height = 1_100): Promise<void> {
  await page.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false })
  await page.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] })
  await page.open(server.url + path)
  await page.evaluate(`new Promise(done => {
    const box = document.querySelector('.timeline')
    const look = () => (!box || box.dataset.loaded ? requestAnimationFrame(() => requestAnimationFrame(done)) : setTimeout(look, 10))
    look()
  })`)
}

/** From 0, the same, to 255: the most that a part of 16 by 16 pixels is off, and the mean. What fonts do differently is evened out. */
async function difference(one: Uint8Array, two: Uint8Array): Promise<{ readonly most: number; readonly mean: number }> {
  const urls = [one, two].map(bytes => `data:image/png;base64,${Buffer.from(bytes).toString('base64')}`)
  await page.open('about:blank')
  return await page.evaluate(`(async urls => {
    const parts = await Promise.all(urls.map(async url => {
      const image = new Image()
      image.src = url
      await image.decode()
      const canvas = new OffscreenCanvas(Math.ceil(image.width / 16), Math.ceil(image.height / 16))
      const ctx = canvas.getContext('2d')
      ctx.imageSmoothingQuality = 'high'
      ctx.drawImage(image, 0, 0, canvas.width, canvas.height)
      return { size: image.width + 'x' + image.height, data: ctx.getImageData(0, 0, canvas.width, canvas.height).data }
    }))
    if (parts[0].size !== parts[1].size) return { most: 255, mean: 255 }
    const off = [...parts[0].data].map((value, i) => Math.abs(value - parts[1].data[i]))
    return { most: Math.max(...off), mean: off.reduce((a, b) => a + b, 0) / off.length }
  })(${JSON.stringify(urls)})`)
}

const PAGES: readonly (readonly [name: string, path: string])[] = [
  ['overview', '/'],
  ['blocks', '/blocks?limit=20'],
  ['block', `/blocks/${testId(36)}`],
  ['ring', '/ring'],
  ['error', '/nothing'],
]

describe.each(PAGES)('the page %s', (name, path) => {
  it('has nothing for axe to complain of, dark and light, and is no wider than a small or a large screen', async () => {
    for (const [width, scheme] of [
      [1_280, 'light'],
      [420, 'dark'],
    ] as const) {
      await show(path, width, scheme)
      await page.evaluate(`${AXE};0`)
      const found = await page.evaluate<{ id: string; nodes: string[] }[]>(
        `axe.run().then(({ violations }) => violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html }) => html).slice(0, 3) })))`,
      )
      expect([name, scheme, found]).toEqual([name, scheme, []])
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
    }
    await show(path, 2_560, 'light')
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
  })
})

it.each(PAGES.slice(0, -1))('the page %s looks like its picture', async (name, path) => {
  await show(path, 1_280, 'light')
  const picture = await page.picture()
  const file = join(PICTURES, `page-${name}.png`)
  if (process.env.PICTURES === 'write') writeFileSync(file, picture)
  expect(existsSync(file)).toBe(true)
  const { most, mean } = await difference(picture, readFileSync(file))
  expect(mean).toBeLessThan(4)
  expect(most).toBeLessThan(110)
})

it('no page says anything in the console', () => {
  // The page of an error is loaded with its own status.
  expect(page.complaints.filter(line => !line.includes('/nothing'))).toEqual([])
})

it('a picture that lacks a part is told from one that has it', async () => {
  await show('/', 1_280, 'light')
  const whole = await page.picture()
  await page.evaluate(`document.querySelectorAll('section')[2].replaceChildren()`)
  const { most } = await difference(whole, await page.picture())
  expect(most).toBeGreaterThan(110)
})

it('the overview follows a run without being loaded again, and keeps the focus', async () => {
  await show('/', 1_280, 'light')
  await page.evaluate(
    `document.querySelector('.tile.serving').focus(); window.same = true; document.querySelector('h2').textContent = 'old'`,
  )
  // The status that every new client is told brings the page up to date.
  await page.evaluate(`new Promise(done => {
    const look = () => document.querySelector('h2').textContent === 'Now' ? done() : setTimeout(look, 10)
    document.dispatchEvent(new Event('visibilitychange'))
    look()
  })`)
  expect(await page.evaluate(`window.same && document.activeElement.className`)).toContain('tile')
})

it('a block of the timeline is found with the keys, is described, and leads to its page', async () => {
  await show('/blocks?label=cluster%3D%22eu%22', 1_280, 'light')
  const key = (name: string) =>
    page.evaluate(`document.querySelector('canvas').dispatchEvent(new KeyboardEvent('keydown', { key: '${name}' })), 0`)
  const about = () => page.evaluate<string>(`document.querySelector('.about-block').textContent`)
  expect(await page.evaluate(`document.querySelector('.timeline').dataset.loaded`)).toBe('28')
  for (const name of ['n', 'n', '+', '+']) await key(name)
  expect(await about()).toMatch(/^0[0-9A-Z]{25}: \w+, [\w-]+; 2025-12-\d\dT/)
  expect(await page.evaluate('location.hash')).toMatch(/^#t=\d+,\d+$/)
  const [id] = (await about()).split(':')
  const moved = page.evaluate(`new Promise(done => addEventListener('pagehide', done))`).catch(() => {})
  await key('Enter')
  await moved
  await page
    .evaluate(`new Promise(done => document.readyState === 'complete' ? done() : addEventListener('load', done))`)
    .catch(() => {})
  expect(await page.evaluate('location.pathname')).toBe(`/blocks/${id}`)
})
