/** Decoding chunks, and writing them into a response; beside Prometheus' own code, where Go is at hand. One core. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ProtoWriter } from '../../src/query/remote-read/proto-writer.ts'
import { writeFrame } from '../../src/query/remote-read/streamed.ts'
import { PartCursor } from '../../src/query/runs.ts'
import { chunksOf } from '../../src/query/segments.ts'
import { StoredSeries } from '../../src/query/stored-series.ts'
import { readChunk } from '../../src/tsdb/chunk.ts'
import { crc32c } from '../../src/tsdb/crc32c.ts'
import { decodeHistogram } from '../../src/tsdb/histogram.ts'
import { FloatSamples } from '../../src/tsdb/samples.ts'
import { decodeXor } from '../../src/tsdb/xor.ts'
import { addXor, WasmSamples } from '../../src/tsdb/xor-fast.ts'
import { encodeHistogram } from '../../test/support/chunk-encoder.ts'
import { openMetrics } from '../../test/support/openmetrics.ts'
import { type Row, round } from '../table.ts'

const ROUNDS = 5
/** A measurement takes so long at least, ms of CPU. */
const LEAST = 300

/** Calls a second, the best of some rounds: what others do on the machine only makes it slower. */
function rateOf(run: () => void): number {
  const cpu = () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  }
  let best = 0
  // Two rounds first, in which V8 compiles what is hot.
  for (let round = -2; round < ROUNDS; round++) {
    const since = cpu()
    let calls = 0
    do {
      run()
      calls++
    } while (cpu() - since < LEAST)
    if (round >= 0) best = Math.max(best, (calls * 1000) / (cpu() - since))
  }
  return best
}

interface Chunks {
  readonly name: string
  /** A folder of segment files. */
  readonly folder: string
}

function chunksIn({ folder }: Chunks): readonly { readonly encoding: number; readonly data: Uint8Array }[] {
  return readdirSync(folder).flatMap(name => {
    const bytes = new Uint8Array(readFileSync(join(folder, name)))
    const found: { encoding: number; data: Uint8Array }[] = []
    for (let at = 8; at < bytes.length; ) {
      const chunk = readChunk(bytes, at, name)
      found.push(chunk)
      at += chunk.size
    }
    return found
  })
}

/** Histograms as an application has them: ten buckets on each side, of which three or four grow between two scrapes. */
function histograms(folder: string, isFloat: boolean): Chunks {
  const shape = {
    isFloat,
    resetHeader: 0,
    schema: 3,
    zeroThreshold: 0,
    positive: [{ offset: 2, length: 10 }],
    negative: [{ offset: -3, length: 10 }],
    customValues: [],
  }
  const bits = (value: number) => new DataView(Float64Array.of(value).buffer).getBigUint64(0, true)
  const parts: Uint8Array[] = [Uint8Array.of(0x85, 0xbd, 0x40, 0xdd, 1, 0, 0, 0)]
  for (let chunk = 0; chunk < 300; chunk++) {
    const counts = Array.from({ length: 20 }, (_, i) => i * chunk)
    const samples = Array.from({ length: 120 }, (_, i) => {
      for (let k = 0; k < 20; k++) if ((k + i + chunk) % 6 === 0) counts[k] = (counts[k] as number) + ((i * k) % 40)
      const count = counts.reduce((sum, each) => sum + each, 0)
      const buckets = isFloat
        ? counts.map(bits)
        : counts.map((each, k) => BigInt(k % 10 === 0 ? each : each - (counts[k - 1] as number)))
      const whole = (value: number) => (isFloat ? bits(value) : BigInt(value))
      const time = BigInt(1_700_006_400_000 + 15_000 * i + ((i * chunk) % 7))
      return { time, count: whole(count), zeroCount: whole(0), sum: bits(count * 1.25), buckets }
    })
    const data = encodeHistogram(shape, samples)
    const length = data.length >= 128 ? [(data.length & 127) | 128, data.length >>> 7] : [data.length]
    const body = Uint8Array.of(isFloat ? 3 : 2, ...data)
    const crc = crc32c(body)
    parts.push(Uint8Array.of(...length), body, Uint8Array.of(crc >>> 24, crc >>> 16, crc >>> 8, crc))
  }
  mkdirSync(folder)
  writeFileSync(join(folder, '000001'), Buffer.concat(parts))
  return { name: isFloat ? 'float histograms' : 'histograms', folder }
}

/** Samples a second by Prometheus' code; undefined where there is no Go. */
function goRate(program: string | undefined, { folder }: Chunks): number | undefined {
  if (program === undefined) return undefined
  return JSON.parse(execFileSync(program, [folder], { encoding: 'utf8' })).rate
}

function buildGo(root: string): string | undefined {
  const go = ['go', '/usr/local/go/bin/go'].find(name => spawnSync(name, ['version']).status === 0)
  const program = join(root, 'decode')
  const cwd = join(import.meta.dirname, '../go')
  const built = go === undefined ? undefined : spawnSync(go, ['build', '-o', program, '.'], { cwd, stdio: 'inherit' })
  if (built?.status === 0 && existsSync(program)) return program
  console.log('Go, or a module that the program in bench/go needs, is not at hand: its column is left out')
  return undefined
}

function floatChunks(root: string): Chunks {
  const [text, blocks] = [join(root, 'text'), join(root, 'blocks')]
  const options = { series: 1000, start: 1_700_006_400, hours: 2, keepHours: 2, seed: 1 }
  writeFileSync(text, openMetrics(options).join(''))
  execFileSync('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', '-q', text, blocks])
  const block = readdirSync(blocks).find(name => name.length === 26) as string
  return { name: 'floats (XOR)', folder: join(blocks, block, 'chunks') }
}

export async function decode(root: string): Promise<readonly Row[]> {
  const program = buildGo(root)
  const floats = floatChunks(root)
  const rows: Row[] = []
  const add = (of: Chunks, by: string, samples: number, decodeAll: () => void, theirs: number | undefined) => {
    const rate = samples * rateOf(decodeAll)
    rows.push({
      chunks: of.name,
      by,
      'million samples/s': round(rate / 1e6, 1),
      'Go, million samples/s': theirs === undefined ? '' : round(theirs / 1e6, 1),
      'blockgate ÷ Go': theirs === undefined ? '' : round(rate / theirs, 2),
    })
  }
  const chunks = chunksIn(floats)
  const plain = new FloatSamples()
  let samples = 0
  for (const { data } of chunks) samples += decodeXor(data, plain)
  const decodeInto = (into: FloatSamples) => () => {
    for (const { data } of chunks) {
      into.length = 0
      addXor(data, into)
    }
  }
  add(floats, 'JavaScript', samples, decodeInto(new FloatSamples()), goRate(program, floats))
  const fast = WasmSamples.open()
  if (fast) add(floats, 'WebAssembly', samples, decodeInto(fast), goRate(program, floats))
  for (const isFloat of [false, true]) {
    const of = histograms(join(root, isFloat ? 'floats' : 'integers'), isFloat)
    const all = chunksIn(of)
    const decodeAll = () => {
      for (const { data } of all) decodeHistogram(data, { isFloat, hasStarts: false })
    }
    add(of, 'JavaScript', 120 * all.length, decodeAll, goRate(program, of))
  }
  for (const isStored of [false, true]) {
    rows.push({
      chunks: `a series of 12 raw chunks into a response${isStored ? ', whose checksums are compared on the way' : ''}`,
      by: `${round(seriesTime(floats, isStored), 2)} µs`,
      'million samples/s': '',
      'Go, million samples/s': '',
      'blockgate ÷ Go': '',
    })
  }
  return rows
}

/** µs that the frame of a series with 12 chunks takes: of chunks that were read and checked, or as they stand in the file. */
function seriesTime({ folder }: Chunks, isStored: boolean): number {
  const bytes = new Uint8Array(readFileSync(join(folder, '000001')))
  const offsets: number[] = []
  for (let at = 8; at < bytes.length; at += readChunk(bytes, at, folder).size) offsets.push(at)
  const cursor = new PartCursor([{ offset: 0, end: bytes.length, bytes }], folder)
  const files = new Map([[0, { what: folder, cursor }]])
  const all = Array.from({ length: Math.floor(offsets.length / 12) }, (_, i) => {
    const labels = [
      ['__name__', 'http_requests_total'],
      ['instance', `10.0.0.${i}:9090`],
      ['job', 'api'],
      ['method', 'GET'],
    ] as const
    const chunks = offsets.slice(12 * i, 12 * i + 12).flatMap((offset, k) => {
      const from = 1_700_006_400_000 + 1_800_000 * k
      return [from, from + 1_785_000, offset]
    })
    const series = { ref: i, labels, chunks, deleted: undefined }
    return isStored ? new StoredSeries(labels, series, files) : { labels, chunks: chunksOf(series, files) }
  })
  const out = new ProtoWriter(8 * 1024 * 1024)
  const rate = rateOf(() => {
    out.length = 0
    for (const series of all) writeFrame(out, series, 0)
  })
  return 1e6 / (rate * all.length)
}
