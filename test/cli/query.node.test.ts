// What `blockgate query` gives, beside a Prometheus that has the same blocks; from the bucket, from a gateway, and from that Prometheus.
import { join } from 'node:path'
import { directory } from 'blockgate/plugins/sink/directory'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addWritten, WRITTEN } from '../query/blocks/written.ts'
import { queryWorld, type World } from '../query/world.ts'
import { blockgate } from '../support/cli.ts'
import { jsonLine, projectOf, withoutProgress } from './world.ts'

let world: World
let cwd: string
beforeAll(async () => {
  world = await queryWorld(directory(), addWritten)
  cwd = projectOf(`import { defineConfig } from 'blockgate'
import { fs } from 'blockgate/plugins/bucket/fs'
import { directory } from 'blockgate/plugins/sink/directory'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
export default defineConfig({ bucket: fs({ root: ${JSON.stringify(world.bucket)} }), pipeline: [scanBucket(), directory()] })
`).cwd
})
afterAll(() => world?.stop())

const [START, END] = [WRITTEN.from / 1000, Math.floor(WRITTEN.to / 1000)]
const MIDDLE = START + 6 * 3600

interface Asked {
  readonly match: string
  readonly start: number
  readonly end: number
  readonly step?: number
}

async function ours({ match, start, end, step }: Asked, ...more: readonly string[]) {
  const args = ['query', '--match', match, '--start', String(start), '--end', String(end), '--json', ...more]
  const { code, stdout, stderr } = await blockgate(step === undefined ? args : [...args, '--step', `${step}s`], { cwd })
  expect([code, withoutProgress(stderr)]).toEqual([0, ''])
  const { status, data } = jsonLine(stdout)
  expect([status, data.resultType]).toEqual(['success', 'matrix'])
  return sorted(data.result)
}

async function theirs({ match, start, end, step }: Asked) {
  const path =
    step === undefined
      ? `query?query=${encodeURIComponent(`${match}[${end - start}s]`)}&time=${end}`
      : `query_range?query=${encodeURIComponent(match)}&start=${start}&end=${end}&step=${step}`
  const { status, data, error } = await (await fetch(`${world.oracle.url}/api/v1/${path}`)).json()
  expect(status, error).toBe('success')
  return sorted(data.result)
}

function sorted(result: readonly { readonly metric: Readonly<Record<string, string>> }[]) {
  const keyed = result.map(each => [JSON.stringify(Object.entries(each.metric).toSorted()), each] as const)
  const series = keyed.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each)
  // The bounds of buckets are not exact: Prometheus has a table of them.
  return JSON.parse(JSON.stringify(series), (key, value) => {
    if (key !== 'buckets') return value
    return value.map(([rule, ...numbers]: [number, ...string[]]) => [rule, ...numbers.map(rounded)])
  })
}

const rounded = (text: string) => Number(Number(text).toPrecision(14))

/** Stale markers, odd numbers and labels, gaps, native histograms. */
const SELECTORS = [
  'up',
  '{__name__=~"temperature|once|sparse|utf8_names"}',
  'odd{kind!="k15"}',
  'build_info',
  'requests_total{code=~"4..|5..", job!="web"}',
  '{__name__=~"h.*_(counter|gauge)"}',
]

describe('blockgate query --json', () => {
  it.each(SELECTORS)('%s: has the samples that a range selector of PromQL has', async match => {
    const asked = { match, start: MIDDLE - 1800, end: MIDDLE + 1800 }
    const wanted = await theirs(asked)
    expect(wanted.length).toBeGreaterThan(0)
    expect(await ours(asked)).toEqual(wanted)
  })

  it.each(SELECTORS)('%s: with --step, has the points of a graph', async match => {
    const asked = { match, start: START, end: END, step: 337.5 }
    const wanted = await theirs(asked)
    expect(wanted.length).toBeGreaterThan(0)
    expect(await ours(asked)).toEqual(wanted)
  })

  it('looks back five minutes and no further', async () => {
    const points = new Set<number>()
    // A sample of `once` is at step 123; its age is 300 s at some of these, and 300.5 s at others.
    for (const shift of [0, 0.5, 1]) {
      const asked = { match: 'once', start: START + 123 * 60 + 295 + shift, end: START + 123 * 60 + 310, step: 5 }
      const wanted = await theirs(asked)
      expect(await ours(asked)).toEqual(wanted)
      points.add(JSON.stringify(wanted).split('],[').length)
    }
    expect(points.size).toBeGreaterThan(1)
  })

  it.each([undefined, 600])('asks a gateway, or a Prometheus, the same with --url (step %s)', async step => {
    const asked = { match: '{__name__=~"temperature|up|h_counter"}', start: START, end: END, ...(step && { step }) }
    const [wanted, gateway, prometheus] = await Promise.all([
      ours(asked),
      ours(asked, '--url', world.url),
      ours(asked, '--url', `${world.oracle.url}/api/v1/read`),
    ])
    expect(wanted.length).toBeGreaterThan(10)
    expect(gateway).toEqual(wanted)
    expect(prometheus).toEqual(wanted)
  })

  it('says what is wrong with the user name of --url, and does not repeat it', async () => {
    const { code, stderr } = await blockgate(['query', '--match', 'up', '--url', 'http://me:se%zzcret@127.0.0.1:1'], {
      cwd: world.root,
    })
    expect(code).toBe(2)
    expect(stderr).toContain('--url: a % in its user name or password must be written as %25')
    expect(stderr).not.toContain('cret')
  })

  it('needs no config with --url', async () => {
    const args = ['query', '--match', 'up', '--start', String(START), '--end', String(START), '--url', world.url]
    const { code, stdout } = await blockgate([...args, '--csv'], { cwd: join(world.root, 'oracle') })
    expect(code).toBe(0)
    expect(stdout.split('\r\n')).toHaveLength(1 + 5 + 1)
  })
})
