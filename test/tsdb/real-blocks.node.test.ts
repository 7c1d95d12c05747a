// The codecs against Prometheus' own reader, on the blocks of the quickstart: promtool tsdb dump writes every sample.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeXor, FloatSamples } from 'blockgate/tsdb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { wholeBlock } from '../support/whole-block.ts'

const BUCKET = join(import.meta.dirname, '../../examples/quickstart/bucket')
/** Those that Prometheus reads, too: one has no meta.json, and one has half of it. */
const BLOCKS = readdirSync(BUCKET).filter(name => {
  const meta = join(BUCKET, name, 'meta.json')
  return existsSync(meta) && readFileSync(meta, 'utf8').trimEnd().endsWith('}')
})

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'blockgate-test-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** `labels time value` of each sample, as bits. */
function dumped(block: string): readonly string[] {
  const db = join(folder, block)
  // It wants a WAL, and writes beside the block.
  mkdirSync(join(db, 'wal'), { recursive: true })
  cpSync(join(BUCKET, block), join(db, block), { recursive: true })
  const text = execFileSync('promtool', ['tsdb', 'dump', db], { encoding: 'utf8', maxBuffer: 2 ** 28 })
  return text
    .trimEnd()
    .split('\n')
    .map(line => {
      const [, labels = '', value = '', time = ''] = /^\{(.*)\} (\S+) (-?\d+)$/.exec(line) ?? []
      return `${labels} ${time} ${bitsOf(Number(value.replace('Inf', 'Infinity')))}`
    })
    .sort()
}

function bitsOf(value: number): string {
  return Number.isNaN(value) ? 'NaN' : new DataView(Float64Array.of(value).buffer).getBigUint64(0, true).toString(16)
}

describe.each(BLOCKS)('block %s', block => {
  it('has the samples that Prometheus reads, each in the times of its chunk', () => {
    const { series } = wholeBlock(join(BUCKET, block))
    const into = new FloatSamples()
    const read: string[] = []
    for (const { labels, chunks } of series) {
      const shown = labels.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(', ')
      for (const { from, to, chunk } of chunks) {
        const start = into.length
        expect(chunk.encoding).toBe(1)
        decodeXor(chunk.data, into)
        expect([into.times[start], into.times[into.length - 1]]).toEqual([from, to])
        for (let i = start; i < into.length; i++)
          read.push(`${shown} ${into.times[i]} ${bitsOf(into.values[i] as number)}`)
      }
    }
    expect(read.sort()).toEqual(dumped(block))
  })

  it('has the postings that its series say', () => {
    const { series, postings } = wholeBlock(join(BUCKET, block))
    const expected = new Map<string, number[]>([['\0', series.map(({ ref }) => ref)]])
    for (const { ref, labels } of series)
      for (const pair of labels) {
        const key = pair.join('\0')
        expected.set(key, [...(expected.get(key) ?? []), ref])
      }
    expect(new Map([...postings].map(([pair, refs]) => [pair, [...refs]]))).toEqual(expected)
  })
})
