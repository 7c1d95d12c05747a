// Blocks of every kind: each series and sample as Prometheus reads it, by both kinds of response, and as promtool dumps it.
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { directory } from 'blockgate/plugins/sink/directory'
import { indexHeaders } from 'blockgate/plugins/sink/index-headers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { samplesIn, spansOf, streamedIn } from './answers.ts'
import { addOverlapping, addScraped, addTombstoned } from './blocks/kinds.ts'
import { addWritten } from './blocks/written.ts'
import { dumpedIn, numbersOf } from './dump.ts'
import type { ReadSeries } from './naive-reader.ts'
import { type Matcher, read, request, uncompress } from './requests.ts'
import { addOpenMetrics, queryWorld, serve, type World } from './world.ts'

const ALL: readonly Matcher[] = [[2, '__name__', '.+']]
const SAMPLES = [0]
const STREAMED = [1]
const HOUR = 3_600_000
const ALL_TIME = [0, 2 ** 52] as const

/** Chunks are streamed as they are stored; others are encoded anew, which may be done in more than one way. */
const AS_STORED = { asStored: true, cuts: true }
const ANEW = { asStored: false, cuts: true }
/** Of a series of which something was deleted, 2.42 also reads samples before the time that is asked for. */
const DELETED = { asStored: false, cuts: false }

describe.each([
  ['of a backfill', addOpenMetrics, AS_STORED],
  ['of remote write, compacted, with histograms', addWritten, AS_STORED],
  ['of which some was deleted', addTombstoned, DELETED],
  ['that overlap', addOverlapping, ANEW],
  ['of a real scrape', addScraped, AS_STORED],
])('blocks %s', (_, add, { asStored, cuts }) => {
  let world: World
  let headers: { readonly url: string; stop(): Promise<void> }
  let from: number
  let to: number
  beforeAll(async () => {
    world = await queryWorld(directory(), add)
    headers = await serve(join(world.root, 'headers'), world.bucket, indexHeaders())
    const { data } = await (await fetch(`${world.oracle.url}/api/v1/status/tsdb`)).json()
    expect(data.headStats.numSeries, 'all is in blocks').toBe(0)
    ;[from, to] = timesOf(world.bucket)
  })
  afterAll(async () => {
    await headers?.stop()
    await world?.stop()
  })

  const answered = new Map<string, Promise<readonly ReadSeries[]>>()
  /** Our samples, asked for once: Prometheus' samples, its stream and promtool's dump are all compared with them. */
  const oursOf = (url: string, a: number, b: number) => {
    const key = `${url} ${a} ${b}`
    const known = answered.get(key) ?? samplesOf(url, a, b)
    answered.set(key, known)
    return known
  }

  /** All of the time, and parts that begin and end within blocks and chunks. */
  const windows = (): readonly (readonly [number, number])[] => [
    ALL_TIME,
    [from + 1, from + (to - from) / 7],
    [from + (to - from) * 0.4, from + (to - from) * 0.6],
    [from + HOUR + 13_000, from + HOUR + 700_000],
    [to, to],
  ]
  const rounded = () => windows().map(([a, b]) => [Math.floor(a), Math.floor(b)] as const)

  it('has the samples that Prometheus reads', async () => {
    for (const [a, b] of cuts ? rounded() : [ALL_TIME]) {
      const theirs = await samplesOf(world.oracle.url, a, b)
      for (const { url } of [world, headers]) {
        const ours = await oursOf(url, a, b)
        expect(differenceOf(ours.map(asIn242), theirs), `${a} to ${b}`).toBeUndefined()
      }
    }
  })

  it('has the samples of the chunks that Prometheus streams', async () => {
    // All of them, also for a part of the time: 2.42 breaks off where it has to cut a chunk with a stale histogram.
    const { bytes } = await read(world.oracle.url, request(ALL, ...ALL_TIME, STREAMED))
    for (const [a, b] of rounded()) {
      const theirs = streamedIn(bytes, a, b).filter(isAny)
      for (const { url } of [world, headers]) {
        expect(differenceOf((await oursOf(url, a, b)).filter(isAny), theirs)).toBeUndefined()
        expect(differenceOf((await streamOf(url, a, b)).filter(isAny), theirs)).toBeUndefined()
      }
    }
  })

  it('streams the chunks that Prometheus streams', async () => {
    const body = request(ALL, ...ALL_TIME, STREAMED)
    const theirs = await read(world.oracle.url, body)
    expect(theirs.bytes.length).toBeGreaterThan(10_000)
    for (const { url } of [world, headers]) {
      const ours = await read(url, body)
      expect([ours.status, ours.type]).toEqual([200, theirs.type])
      if (asStored) expect(Buffer.from(ours.bytes).equals(Buffer.from(theirs.bytes))).toBe(true)
      expect(spansOf(ours.bytes)).toEqual(spansOf(theirs.bytes))
    }
  })

  it('has the floats that promtool dumps', async () => {
    const copy = join(world.root, 'dumped')
    cpSync(world.bucket, copy, { recursive: true })
    mkdirSync(join(copy, 'wal'))
    const { stdout } = await promisify(execFile)('promtool', ['tsdb', 'dump', copy], { maxBuffer: 2 ** 30 })
    const dumped = dumpedIn(stdout)
    expect(dumped.length).toBeGreaterThan(20)
    const ours = (await oursOf(world.url, ...ALL_TIME)).filter(({ floats }) => floats.length > 0)
    const numbers = ours.map(({ labels, floats }) => ({ labels, floats: numbersOf(floats), histograms: [] }))
    expect(differenceOf(numbers, dumped)).toBeUndefined()
  })
})

/** The first time of all blocks, and the last, which is exclusive. */
function timesOf(bucket: string): [number, number] {
  const metas = readdirSync(bucket).map(name => JSON.parse(readFileSync(join(bucket, name, 'meta.json'), 'utf8')))
  return [Math.min(...metas.map(({ minTime }) => minTime)), Math.max(...metas.map(({ maxTime }) => maxTime))]
}

async function samplesOf(url: string, from: number, to: number): Promise<readonly ReadSeries[]> {
  const { status, bytes } = await read(url, request(ALL, from, to, SAMPLES))
  expect(status, new TextDecoder().decode(bytes)).toBe(200)
  return samplesIn(uncompress(bytes))[0] ?? []
}

async function streamOf(url: string, from: number, to: number): Promise<readonly ReadSeries[]> {
  const { status, bytes } = await read(url, request(ALL, from, to, STREAMED))
  expect(status, new TextDecoder().decode(bytes)).toBe(200)
  return streamedIn(bytes, from, to)
}

/** As Prometheus 2.42 answers with samples: histograms are left out, and a zero has no sign. */
function asIn242({ labels, floats }: ReadSeries): ReadSeries {
  return { labels, floats: floats.map(each => each.replace(/ 8000000000000000$/, ' 0')), histograms: [] }
}

/** The first difference: a whole comparison of so many samples takes minutes to show one. */
function differenceOf(ours: readonly ReadSeries[], theirs: readonly ReadSeries[]): unknown {
  for (let i = 0; i < Math.max(ours.length, theirs.length); i++) {
    const [a, b] = [ours[i], theirs[i]]
    if (JSON.stringify(a?.labels) !== JSON.stringify(b?.labels)) return { ours: a?.labels, theirs: b?.labels }
    for (const kind of ['floats', 'histograms'] as const) {
      const [mine, yours] = [a?.[kind] ?? [], b?.[kind] ?? []]
      for (let j = 0; j < Math.max(mine.length, yours.length); j++)
        if (mine[j] !== yours[j]) return { labels: a?.labels, sample: j, ours: mine[j], theirs: yours[j] }
    }
  }
  return undefined
}

function isAny({ floats, histograms }: ReadSeries): boolean {
  return floats.length + histograms.length > 0
}
