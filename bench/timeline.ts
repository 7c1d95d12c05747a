// The work of one frame of the timeline of /blocks, in a real Chromium: 100,000 blocks in 50 lanes, seen whole, and while they are zoomed
// and panned. A frame may take 16.7 ms at 60 a second.
//   npm run bench:timeline [-- blocks]          needs chromium on the PATH

import { createApp, pages } from 'blockgate/http'
import { nodeHost } from 'blockgate/runtime/node'
import { candidate, type FakeHost, testId } from 'blockgate/testing'
import { listen } from '../src/runtime/server/listen.ts'
import { startChromium } from '../test/support/chromium.ts'
import { world } from '../test/support/world.ts'

const BLOCKS = Number(process.argv[2] ?? 100_000)
const [LANES, HOURS] = [50, 3_600_000]

const list = Array.from({ length: BLOCKS }, (_, i) => {
  const [lane, at] = [i % LANES, Math.floor(i / LANES)]
  const isLong = at % 12 === 0
  const minTime = Date.UTC(2026, 0, 1) + at * 2 * HOURS
  return candidate({
    ulid: testId(i + 1),
    minTime,
    maxTime: minTime + (isLong ? 24 : 2) * HOURS,
    labels: { cluster: `c${lane}` },
    compaction: { level: isLong ? 3 : 1, sources: [] },
  })
})
const log = { info() {}, warn: console.error, error: console.error }
const { gateway, config, host } = await world({ list, host: nodeHost({ log }) as FakeHost, concurrency: 64 })
await gateway.sync()
const app = createApp({ gateway, config, host, version: 'bench', pages })
const server = await listen(app, { host: '127.0.0.1', port: 0 })
const browser = await startChromium()
try {
  const page = await browser.page()
  const size = { width: 1600, height: 1000, deviceScaleFactor: 1, mobile: false }
  await page.send('Emulation.setDeviceMetricsOverride', size)
  const begun = performance.now()
  await page.open(`${server.url}/blocks`)
  await page.evaluate(`new Promise(done => {
    const look = () => document.querySelector('.timeline').dataset.loaded === '${BLOCKS}' ? done() : setTimeout(look, 50)
    look()
  })`)
  console.log(`${BLOCKS} blocks loaded after ${Math.round(performance.now() - begun)} ms`)
  const frames = (key: string, count: number) =>
    page.evaluate<number[]>(`(async () => {
      const canvas = document.querySelector('canvas')
      const all = []
      for (let i = 0; i < ${count}; i++) {
        canvas.dispatchEvent(new KeyboardEvent('keydown', { key: '${key}' }))
        await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))
        const [one] = performance.getEntriesByName('timeline')
        if (one) all.push(one.duration)
      }
      return all
    })()`)
  const steps: readonly (readonly [string, string, number])[] = [
    ['seen whole', '0', 20],
    ['panned down', 'ArrowDown', 20],
    ['zoomed in', '+', 10],
    ['panned', 'ArrowRight', 40],
  ]
  for (const [name, key, count] of steps) {
    const all = (await frames(key, count)).sort((a, b) => a - b)
    const [median = 0, most = 0] = [all[all.length >> 1], all.at(-1)]
    console.log(
      `${name.padEnd(12)} ${all.length} frames: median ${median.toFixed(1)} ms, longest ${most.toFixed(1)} ms`,
    )
  }
} finally {
  await browser.close()
  await server.close(0)
  await gateway.stop()
}
