// Remote read against Prometheus: its own answers on the same blocks.
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
