// Remote read against Prometheus: its own answers on the same blocks, and the PromQL that it works out over ours.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { owned } from 'blockgate'
import { directory } from 'blockgate/plugins/sink/directory'
import { indexHeaders } from 'blockgate/plugins/sink/index-headers'
import { memory } from 'blockgate/plugins/sink/memory'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Matcher, read, request as requestOf, uncompress } from './requests.ts'
import { HOURS, queryWorld, START, serve, type World } from './world.ts'

let world: World
let headers: World
beforeAll(async () => {
  world = await queryWorld(directory())
  headers = await queryWorld(indexHeaders())
})
afterAll(() => Promise.all([world.stop(), headers.stop()]))

const [FROM, TO] = [START * 1000, (START + HOURS * 3600) * 1000]
const request = (matchers: readonly Matcher[], from = FROM, to = TO, accepted: readonly number[] = []) =>
  requestOf(matchers, from, to, accepted)

const SELECTIONS: readonly (readonly [string, readonly Matcher[]])[] = [
  ['one metric', [[0, '__name__', 'up']]],
  ['all that have a name', [[2, '__name__', '.+']]],
  ['alternatives', [[2, '__name__', 'up|odd_labels|sparse']]],
  [
    'a label that is not there',
    [
      [0, '__name__', 'up'],
      [0, 'nolabel', ''],
    ],
  ],
  [
    'not one value',
    [
      [2, '__name__', '.+'],
      [1, 'job', 'api'],
    ],
  ],
  [
    'a class of characters',
    [
      [2, '__name__', '.+'],
      [2, 'job', '[a-c].*'],
    ],
  ],
  [
    'none of a pattern',
    [
      [2, '__name__', '.+'],
      [3, 'job', 'a.*|w.*'],
    ],
  ],
  [
    'what has no job',
    [
      [2, '__name__', '.+'],
      [0, 'job', ''],
    ],
  ],
  [
    'what has one',
    [
      [2, '__name__', '.+'],
      [1, 'job', ''],
    ],
  ],
  ['a prefix', [[2, '__name__', 'http.*']]],
  ['nothing', [[0, '__name__', 'nope']]],
  ['only what is left out', [[1, '__name__', 'up']]],
  ['flags of RE2', [[2, '__name__', '(?i)UP']]],
  ['no matcher', []],
]

describe.each(SELECTIONS)('%s', (_, matchers) => {
  it.each([
    ['whole', FROM, TO],
    ['within a block', FROM + 1_234_567, FROM + 2_345_678],
    ['across both', FROM + 7_100_000, FROM + 7_300_000],
    ['one instant', FROM + 900_000, FROM + 900_000],
    ['before all', 0, FROM - 1],
  ])('samples of %s are those of Prometheus, byte for byte', async (__, from, to) => {
    const body = request(matchers, from, to)
    const theirs = await read(world.oracle.url, body)
    for (const { url } of [world, headers]) {
      const ours = await read(url, body)
      expect([ours.status, ours.type]).toEqual([200, theirs.type])
      expect(Buffer.from(uncompress(ours.bytes)).equals(Buffer.from(uncompress(theirs.bytes)))).toBe(true)
    }
  })

  it('streams the chunks that Prometheus streams', async () => {
    const body = request(matchers, FROM, TO, [1, 0])
    const theirs = await read(world.oracle.url, body)
    for (const { url } of [world, headers]) {
      const ours = await read(url, body)
      expect([ours.status, ours.type]).toEqual([200, theirs.type])
      expect(Buffer.from(ours.bytes).equals(Buffer.from(theirs.bytes))).toBe(true)
    }
  })
})

const QUERIES = [
  'up',
  'sum by (job) (up)',
  'count({__name__=~".+"})',
  'rate(http_requests_total[5m])',
  'sum(rate(http_requests_total[10m])) by (code)',
  'histogram_quantile(0.9, sum by (le) (rate(http_request_duration_seconds_bucket[10m])))',
  'odd_labels',
  'absent(nope)',
  'up offset 30m',
  'max_over_time(up[1h])',
  'sparse',
  'topk(3, http_requests_total)',
  'changes(up[30m])',
  '{job=~"a.*|web",__name__!="up"}',
  'count_values("v", up)',
  'label_replace(up, "x", "$1", "instance", "(.*):.*")',
]

describe('a Prometheus that reads from the gateway', () => {
  it.each(QUERIES)('%s: answers as one that has the blocks', async query => {
    const range = `query_range?query=${encodeURIComponent(query)}&start=${START}&end=${START + HOURS * 3600}&step=60`
    const instant = `query?query=${encodeURIComponent(query)}&time=${START + 5000}`
    for (const path of [range, instant]) {
      const [ours, theirs] = await Promise.all(
        [world.client, world.oracle].map(async ({ url }) => (await fetch(`${url}/api/v1/${path}`)).json()),
      )
      expect(theirs.status).toBe('success')
      expect(sorted(ours.data.result)).toEqual(sorted(theirs.data.result))
    }
  })
})

/** An instant vector has no order. */
function sorted(result: readonly { readonly metric: object }[]): readonly unknown[] {
  return result.toSorted((a, b) => (JSON.stringify(a.metric) < JSON.stringify(b.metric) ? -1 : 1))
}

it('a gateway that has not all blocks of the time refuses, and names those that it has not', async () => {
  const root = mkdtempSync(join(tmpdir(), 'blockgate-test-'))
  const shard = await serve(
    root,
    world.bucket,
    directory(),
    owned(block => block.minTime === FROM),
  )
  try {
    const both = await read(shard.url, request([[0, '__name__', 'up']]))
    expect([both.status, new TextDecoder().decode(both.bytes)]).toEqual([
      503,
      expect.stringMatching(/1 blocks of this time are not loaded here.*\(not-owner\)/),
    ])
    const first = await read(shard.url, request([[0, '__name__', 'up']], FROM, FROM + 3_600_000))
    expect([first.status, first.bytes.length > 100]).toEqual([200, true])
  } finally {
    await shard.stop()
    rmSync(root, { recursive: true, force: true })
  }
})

it('a sink that keeps no data answers 501', async () => {
  const root = mkdtempSync(join(tmpdir(), 'blockgate-test-'))
  const empty = await serve(root, world.bucket, memory())
  try {
    expect((await read(empty.url, request([[0, 'a', 'b']]))).status).toBe(501)
  } finally {
    await empty.stop()
    rmSync(root, { recursive: true, force: true })
  }
})

describe('what is refused', () => {
  it.each([
    ['bytes that are no snappy block', Uint8Array.of(9, 9, 9), 400, 'must be a snappy block'],
    ['a size that nobody has room for', Uint8Array.of(255, 255, 255, 255, 15), 400, 'a request must have at most'],
    ['a pattern that is none', request([[2, 'a', '(']]), 400, 'be a regular expression of RE2'],
    ['a type of matcher that is none', request([[7, 'a', 'b']]), 400, 'type must be 0 to 3'],
    ['response types that we have not', request([[0, 'a', 'b']], 0, 1, [9]), 400, 'accepted_response_types'],
  ])('%s', async (_, body, status, message) => {
    const { status: got, bytes } = await read(world.url, body)
    expect([got, new TextDecoder().decode(bytes)]).toEqual([status, expect.stringContaining(message)])
  })
})
