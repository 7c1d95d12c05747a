// Native histograms of every kind that Prometheus 2.42 writes: it is given them by remote write, cuts blocks of them, and answers.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { directory } from 'blockgate/plugins/sink/directory'
import { decodeHistogram } from 'blockgate/tsdb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { QueryResultWriter } from '../../src/query/remote-read/samples.ts'
import { type HistogramAt, SeriesSamples } from '../../src/query/samples.ts'
import { encodeHistogram, type HistogramShape, STALE } from '../support/chunk-encoder.ts'
import { type PrometheusServer, startPrometheus } from '../support/prometheus.ts'
import { compress, type Matcher, read, request, uncompress } from './requests.ts'
import { serve } from './world.ts'

const START = 1_700_006_400_000
const STEP = 60_000
/** More than the head keeps: the first blocks of two hours are cut. */
const STEPS = 9 * 60
const BLOCKS = 3

const bits = (value: number): bigint => new DataView(Float64Array.of(value).buffer).getBigUint64(0, true)

const SERIES: readonly (readonly [name: string, isFloat: boolean, isGauge: boolean])[] = [
  ['h_counter', false, false],
  ['h_gauge', false, true],
  ['hf_counter', true, false],
  ['hf_gauge', true, true],
]

/** `count` histograms from step `from` on: growing ones with a reset, or gauges; some stale markers. */
function samplesOf(isFloat: boolean, isGauge: boolean, from: number, count: number): SeriesSamples {
  const shape: HistogramShape = {
    isFloat,
    resetHeader: isGauge ? 3 : 0,
    schema: 2,
    zeroThreshold: 116,
    positive: [
      { offset: -1, length: 3 },
      { offset: 4, length: from > 300 ? 3 : 2 },
    ],
    negative: [{ offset: 0, length: 2 }],
    customValues: [],
  }
  const width = 5 + (from > 300 ? 1 : 0) + 2
  const samples = Array.from({ length: count }, (_, i) => {
    const n = from + i
    const grown = isGauge ? (n * 7) % 50 : n % 200
    const counts = Array.from({ length: width }, (_, j) => 1 + grown * (1 + (j % 3)))
    const zero = 2 + grown
    const total = counts.reduce((sum, each) => sum + each, zero)
    const number = (value: number) => (isFloat ? bits(value / 4) : BigInt(value))
    // Integers are stored as differences, of each sign apart.
    const positive = counts.slice(0, width - 2)
    const negative = counts.slice(width - 2)
    const differences = (list: readonly number[]) =>
      list.map((value, j) => value - (j === 0 ? 0 : (list[j - 1] as number)))
    const buckets = isFloat ? counts : [...differences(positive), ...differences(negative)]
    return {
      time: BigInt(START + n * STEP),
      count: number(total),
      zeroCount: number(zero),
      // 2.42 takes a stale marker of floats for one of integers, and loses what was sent with it.
      sum: n % 90 === 89 && !isFloat ? STALE : bits(total * 1.5),
      buckets: buckets.map(number),
    }
  })
  const of = decodeHistogram(encodeHistogram(shape, samples), { isFloat, hasStarts: false })
  const filled = new SeriesSamples()
  for (let i = 0; i < of.length; i++) filled.histograms.push({ of, i })
  return filled
}

let root: string
let oracle: PrometheusServer
let gateway: Awaited<ReturnType<typeof serve>>

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'blockgate-test-'))
  oracle = await startPrometheus(join(root, 'oracle'), '', [
    '--web.enable-remote-write-receiver',
    '--enable-feature=native-histograms',
  ])
  for (let from = 0; from < STEPS; from += 60) {
    const write = new QueryResultWriter()
    for (const [name, isFloat, isGauge] of SERIES)
      write.series([['__name__', name]], samplesOf(isFloat, isGauge, from, 60))
    const { status } = await fetch(`${oracle.url}/api/v1/write`, {
      method: 'POST',
      body: compress(write.done()) as BodyInit,
    })
    expect(status).toBe(204)
  }
  const data = join(root, 'oracle/data')
  const blocks = () => readdirSync(data).filter(name => name.length === 26)
  while (blocks().length < BLOCKS) await new Promise(resolve => setTimeout(resolve, 100))
  const bucket = join(root, 'bucket')
  mkdirSync(bucket)
  for (const name of blocks()) cpSync(join(data, name), join(bucket, name), { recursive: true })
  gateway = await serve(root, bucket, directory())
})
afterAll(async () => {
  await Promise.all([oracle?.stop(), gateway?.stop()])
  rmSync(root, { recursive: true, force: true })
})

describe.each(SERIES)('%s', (name, isFloat, isGauge) => {
  const matchers: readonly Matcher[] = [[0, '__name__', name]]

  // 2.42 leaves histograms out of samples: what it was given is the oracle. Its own JSON says that it understood it.
  it.each([
    ['of all that is in blocks', 0, (BLOCKS * 7_200_000) / STEP],
    ['within a chunk', 20, 34],
  ])('has the samples that Prometheus was given, %s', async (_, from, to) => {
    const { bytes } = await read(gateway.url, request(matchers, START + from * STEP, START + to * STEP - 1))
    const given = new QueryResultWriter()
    for (let at = 0; at < to; at += 60) given.series([], samplesOf(isFloat, isGauge, at, 60))
    const wanted = histogramsIn(given.done()).slice(from, to)
    const got = histogramsIn(fieldsOf(uncompress(bytes))[0]?.bytes ?? new Uint8Array())
    expect(got.map(text)).toEqual(wanted.map(text))
  })

  it('is what Prometheus was given', async () => {
    const at = 25
    const { data } = await (
      await fetch(`${oracle.url}/api/v1/query?query=${name}&time=${(START + at * STEP) / 1000}`)
    ).json()
    const { of, i } = samplesOf(isFloat, isGauge, 0, 60).histograms[at] as HistogramAt
    const [, { count, sum }] = data.result[0].histogram
    expect([Number(count), Number(sum)]).toEqual([of.counts[i], of.sums[i]])
  })

  it('streams its chunks as Prometheus does', async () => {
    const body = request(matchers, START, START + BLOCKS * 7_200_000 - 1, [1])
    const [ours, theirs] = [await read(gateway.url, body), await read(oracle.url, body)]
    expect(Buffer.from(ours.bytes).equals(Buffer.from(theirs.bytes))).toBe(true)
  })
})

interface Field {
  readonly tag: number
  readonly bytes: Uint8Array
  readonly from: number
  readonly to: number
}

/** The fields of a message: each with all of its bytes, and those of its value where it has a length. */
function fieldsOf(message: Uint8Array): readonly Field[] {
  const fields: Field[] = []
  let at = 0
  const uint = () => {
    for (let value = 0, scale = 1; ; scale *= 128) {
      const byte = message[at++] as number
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  while (at < message.length) {
    const from = at
    const tag = uint()
    const length = tag % 8 === 1 ? 8 : tag % 8 === 2 ? uint() : 0 * uint()
    fields.push({ tag, bytes: message.subarray(at, at + length), from, to: at + length })
    at += length
  }
  return fields
}

/** The histograms of the time series in a QueryResult, without what they say of resets, which depends on the chunk. */
function histogramsIn(result: Uint8Array): readonly Uint8Array[] {
  return fieldsOf(result).flatMap(series =>
    fieldsOf(series.bytes)
      .filter(({ tag }) => tag === 34)
      .map(({ bytes }) => {
        const kept = fieldsOf(bytes).filter(({ tag }) => tag !== 112)
        return Buffer.concat(kept.map(({ from, to }) => bytes.subarray(from, to)))
      }),
  )
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
