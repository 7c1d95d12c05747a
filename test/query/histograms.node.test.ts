// Native histograms of every kind that Prometheus 2.42 writes, against what it was given and what it answers.
import { directory } from 'blockgate/plugins/sink/directory'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { QueryResultWriter } from '../../src/query/remote-read/samples.ts'
import type { HistogramAt } from '../../src/query/samples.ts'
import { HISTOGRAMS, histogramsOf, START, STEP } from './blocks/series.ts'
import { AT_ONCE, addWritten, WRITTEN } from './blocks/written.ts'
import { type Matcher, read, request, uncompress } from './requests.ts'
import { queryWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await queryWorld(directory(), addWritten)
})
afterAll(() => world?.stop())

describe.each(HISTOGRAMS)('%s', (name, isFloat, isGauge) => {
  const matchers: readonly Matcher[] = [[0, '__name__', name]]

  // 2.42 leaves histograms out of samples: what it was given is the oracle. Its own JSON says that it understood it.
  it.each([
    ['of all that is in blocks', 0, (WRITTEN.to + 1 - START) / STEP],
    ['within a chunk', 20, 34],
  ])('has the samples that Prometheus was given, %s', async (_, from, to) => {
    const { bytes } = await read(world.url, request(matchers, START + from * STEP, START + to * STEP - 1))
    const given = new QueryResultWriter()
    for (let at = 0; at < to; at += AT_ONCE) given.series([], histogramsOf(isFloat, isGauge, at, at + AT_ONCE))
    const wanted = histogramsIn(given.done()).slice(from, to)
    const got = histogramsIn(fieldsOf(uncompress(bytes))[0]?.bytes ?? new Uint8Array())
    expect(got.map(text)).toEqual(wanted.map(text))
  })

  it('is what Prometheus was given', async () => {
    const at = 25
    const { data } = await (
      await fetch(`${world.oracle.url}/api/v1/query?query=${name}&time=${(START + at * STEP) / 1000}`)
    ).json()
    const { of, i } = histogramsOf(isFloat, isGauge, 0, AT_ONCE).histograms[at] as HistogramAt
    const [, { count, sum }] = data.result[0].histogram
    expect([Number(count), Number(sum)]).toEqual([of.counts[i], of.sums[i]])
  })

  it('streams its chunks as Prometheus does', async () => {
    const body = request(matchers, START, WRITTEN.to, [1])
    const [ours, theirs] = [await read(world.url, body), await read(world.oracle.url, body)]
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
