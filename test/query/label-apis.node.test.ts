// The label APIs against those of Prometheus on the same blocks.
import { directory } from 'blockgate/plugins/sink/directory'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addWritten } from './blocks/written.ts'
import { HOURS, queryWorld, START, type World } from './world.ts'

let world: World
/** Blocks of remote write: some series end within a block, names of labels are of any script, native histograms are among them. */
let written: World
beforeAll(async () => {
  world = await queryWorld(directory())
  written = await queryWorld(directory(), addWritten)
})
afterAll(async () => {
  await written?.stop()
  await world?.stop()
})

const END = START + HOURS * 3600
const matches = (...selectors: readonly string[]) =>
  selectors.map(each => `match[]=${encodeURIComponent(each)}`).join('&')
const TIMES = [`start=${START}&end=${END}`, `start=${START + 600}&end=${START + 1200}`, 'start=0&end=1', '']
const SELECTORS: readonly (readonly string[])[] = [
  ['up'],
  ['{job="api"}'],
  ['up{job=~"a.*|web"}', 'sparse'],
  ['{__name__=~".+",job!=""}'],
  ['{__name__=~"http.*",code!~"2.."}'],
  ["odd_labels{v='ünï'}"],
  ['nope'],
  ['http_requests_total{code="200",method=`GET`,}'],
]
const LABELS = ['job', 'instance', '__name__', 'v', 'le', 'nope']

async function both(path: string, init?: RequestInit, of: World = world) {
  return await Promise.all(
    [of.url, of.oracle.url].map(async url => {
      const response = await fetch(`${url}/api/v1/${path}`, init)
      const { status, data, errorType } = await response.json()
      return { code: response.status, status, data: Array.isArray(data) ? sorted(data) : data, errorType }
    }),
  )
}

/** Series come in no order that is promised. */
function sorted(data: readonly unknown[]): readonly string[] {
  return data
    .map(each => (typeof each === 'string' ? each : JSON.stringify(Object.entries(each as object).sort())))
    .sort()
}

describe.each(TIMES)('at %j', time => {
  it.each(SELECTORS)('series and labels of %s', async (...selectors) => {
    for (const path of ['series', 'labels', 'label/job/values', 'label/__name__/values']) {
      const [ours, theirs] = await both(`${path}?${matches(...selectors)}&${time}`)
      expect(ours, path).toEqual(theirs)
    }
  })

  it.each(LABELS)('all values of %s, and all names', async name => {
    for (const path of ['labels', `label/${name}/values`]) {
      const [ours, theirs] = await both(`${path}?${time}`)
      expect(ours, path).toEqual(theirs)
    }
  })
})

describe.each([
  ['all of the time', { start: String(START), end: String(START + 12 * 3600) }],
  ['a part of a block', { start: String(START + 600.25), end: String(START + 900) }],
  ['no time', {}],
])('blocks of remote write, %s', (_, time) => {
  it.each([
    ['up', 'once'],
    ['{__name__=~"h.*"}'],
    ['build_info{version="v2"}'],
    ['odd{v!~"[a-z]+"}'],
    ['utf8_names'],
    ['{le=~".+",job="db"}', '{code!="",job="db"}'],
    ['{__name__=~".+",instance!~"10.0.0.*"}'],
    ['{empty=" "}', '{nope="x"}'],
    ['sparse', 'sparse'],
  ])('asked by a form and by a URL: %s', async (...selectors) => {
    const asked = new URLSearchParams([...selectors.map(each => ['match[]', each]), ...Object.entries(time)])
    for (const path of ['series', 'labels']) {
      const [ours, theirs] = await both(path, { method: 'POST', body: asked }, written)
      expect(ours, path).toEqual(theirs)
    }
    for (const path of ['series', 'labels', ...LABELS.map(name => `label/${name}/values`)]) {
      const [ours, theirs] = await both(`${path}?${asked}`, undefined, written)
      expect(ours, path).toEqual(theirs)
    }
  })
})

it('takes a form, and times as RFC 3339', async () => {
  const form = new URLSearchParams([
    ['match[]', 'up'],
    ['start', new Date(START * 1000).toISOString()],
    ['end', String(END)],
  ])
  for (const path of ['series', 'labels']) {
    const [ours, theirs] = await both(path, { method: 'POST', body: form })
    expect(ours, path).toEqual(theirs)
  }
})

it.each([
  'series',
  `series?${matches('{')}`,
  `series?${matches('up{job="a"')}`,
  `series?${matches('up{job=a}')}`,
  `series?${matches('{job=""}')}`,
  `series?${matches('{}')}`,
  `series?${matches('up[5m]')}`,
  `series?${matches('{a=~"("}')}`,
  `labels?${matches('up')}&start=x`,
  'label/a-b/values',
])('refuses %s as Prometheus does', async path => {
  const [ours, theirs] = await both(path)
  expect(ours).toEqual(theirs)
})

it('limits what it gives, and says as which Prometheus it speaks', async () => {
  const { data } = await (await fetch(`${world.url}/api/v1/labels?limit=2`)).json()
  expect(data).toHaveLength(2)
  const build = await (await fetch(`${world.url}/api/v1/status/buildinfo`)).json()
  expect(build).toMatchObject({ status: 'success', data: { version: expect.stringMatching(/^2\.42/) } })
})

it('takes at most 1,000 selectors', async () => {
  const ask = (count: number) => fetch(`${world.url}/api/v1/labels`, { method: 'POST', body: selectors(count) })
  const selectors = (count: number) => new URLSearchParams(Array.from({ length: count }, () => ['match[]', 'missing']))
  const most = await ask(1_000)
  expect([most.status, await most.json()]).toEqual([200, { status: 'success', data: [] }])
  const more = await ask(1_001)
  expect([more.status, (await more.json()).error]).toEqual([400, expect.stringContaining('at most 1000 match[]')])
})
