/** Responses of remote read, decoded by a slow reader of protobuf that shares no code with what writes them. */
import { crc32c, decodeHistogram, decodeXor, FloatSamples } from 'blockgate/tsdb'
import { decodedHistogramText, floatText, histogramText, type ReadSeries } from './naive-reader.ts'

interface Field {
  readonly number: number
  /** Of types 0 and 1. */
  readonly value: bigint
  readonly bytes: Uint8Array
}

/** @throws Error where the bytes are no message */
export function fieldsOf(bytes: Uint8Array): readonly Field[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const fields: Field[] = []
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++]
      if (byte === undefined) break
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
    throw new Error('a varint must end')
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const [number, type] = [tag >>> 3, tag & 7]
    if (type === 0) fields.push({ number, value: varint(), bytes: new Uint8Array() })
    else if (type === 1) {
      fields.push({ number, value: view.getBigUint64(at, true), bytes: new Uint8Array() })
      at += 8
    } else if (type === 2) {
      const length = Number(varint())
      if (at + length > bytes.length) throw new Error('a field must end within its message')
      fields.push({ number, value: 0n, bytes: bytes.subarray(at, at + length) })
      at += length
    } else throw new Error(`the type of a field must be 0, 1 or 2: it is ${type}`)
  }
  return fields
}

const text = new TextDecoder('utf-8', { fatal: true })

function labelsOf(fields: readonly Field[]): ReadSeries['labels'] {
  return fields
    .filter(({ number }) => number === 1)
    .map(({ bytes }) => {
      const [name, value] = [1, 2].map(n => text.decode(fieldsOf(bytes).find(({ number }) => number === n)?.bytes))
      return [name ?? '', value ?? '']
    })
}

/** The results of a `ReadResponse`, one a query. */
export function samplesIn(response: Uint8Array): readonly (readonly ReadSeries[])[] {
  return fieldsOf(response).map(result =>
    fieldsOf(result.bytes).map(({ bytes }) => {
      const fields = fieldsOf(bytes)
      return {
        labels: labelsOf(fields),
        floats: fields.filter(({ number }) => number === 2).map(sample => sampleText(fieldsOf(sample.bytes))),
        histograms: fields.filter(({ number }) => number === 4).map(each => messageText(fieldsOf(each.bytes))),
      }
    }),
  )
}

function sampleText(fields: readonly Field[]): string {
  const of = (n: number) => fields.find(({ number }) => number === n)?.value ?? 0n
  return floatText(BigInt.asIntN(64, of(2)), of(1))
}

function messageText(fields: readonly Field[]): string {
  const value = (n: number) => fields.find(({ number }) => number === n)?.value ?? 0n
  const has = (n: number) => fields.some(({ number }) => number === n)
  const packed = (n: number) => fields.filter(({ number }) => number === n).map(({ bytes }) => bytes)
  const spans = (n: number) =>
    packed(n).map(bytes => {
      const of = (number: number) => fieldsOf(bytes).find(each => each.number === number)?.value ?? 0n
      return { offset: unzigzag(of(1)), length: Number(of(2)) }
    })
  const buckets = (deltas: number, counts: number) => [
    ...packed(deltas).flatMap(bytes => varintsOf(bytes).map(unzigzag)),
    ...packed(counts).flatMap(doublesOf),
  ]
  const isFloat = has(2)
  return histogramText({
    isFloat,
    time: BigInt.asIntN(64, value(15)),
    sum: value(3),
    count: isFloat ? doubleOf(value(2)) : Number(value(1)),
    zeroCount: isFloat ? doubleOf(value(7)) : Number(value(6)),
    schema: unzigzag(value(4)),
    zeroThreshold: doubleOf(value(5)),
    positive: spans(11),
    negative: spans(8),
    positiveBuckets: buckets(12, 13),
    negativeBuckets: buckets(9, 10),
    customValues: packed(16).flatMap(doublesOf),
  })
}

/** The series of a stream of one query, with the samples of their chunks within the times. */
export function streamedIn(body: Uint8Array, from: number, to: number): readonly ReadSeries[] {
  return chunkedIn(body).map(({ labels, chunks }) => ({ labels, ...samplesOf(chunks, from, to) }))
}

/** The series of a stream, each with its chunks: first and last time, encoding, and how many samples. */
export function spansOf(body: Uint8Array): readonly string[] {
  return chunkedIn(body).map(({ labels, chunks }) => {
    const spans = chunks.map(({ bytes }) => {
      const fields = fieldsOf(bytes)
      const data = fields.find(({ number }) => number === 4)?.bytes ?? []
      return [...fields.slice(0, 3).map(({ value }) => value), 256 * (data[0] ?? 0) + (data[1] ?? 0)].join(' ')
    })
    return `${JSON.stringify(labels)}: ${spans.join()}`
  })
}

function chunkedIn(body: Uint8Array) {
  const series: { labels: ReadSeries['labels']; chunks: readonly Field[] }[] = []
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  for (let at = 0; at < body.length; ) {
    let size = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = body[at++] ?? 0
      size += (byte & 127) * scale
      if (byte < 128) break
    }
    const message = body.subarray(at + 4, at + 4 + size)
    if (crc32c(message) !== view.getUint32(at)) throw new Error(`the CRC of the frame at ${at} must be right`)
    at += 4 + size
    for (const { bytes } of fieldsOf(message).filter(({ number }) => number === 1)) {
      const fields = fieldsOf(bytes)
      series.push({ labels: labelsOf(fields), chunks: fields.filter(({ number }) => number === 2) })
    }
  }
  return series
}

function samplesOf(chunks: readonly Field[], from: number, to: number) {
  const found: Record<'floats' | 'histograms', string[]> = { floats: [], histograms: [] }
  let last = Number.NEGATIVE_INFINITY
  for (const { bytes } of chunks) {
    const fields = fieldsOf(bytes)
    const int = (n: number) => Number(BigInt.asIntN(64, fields.find(({ number }) => number === n)?.value ?? 0n))
    const [first, end, encoding] = [int(1), int(2), int(3)]
    if (first <= last) throw new Error(`chunks must not overlap: one ends at ${last}, the next begins at ${first}`)
    last = end
    const data = fields.find(({ number }) => number === 4)?.bytes ?? new Uint8Array()
    const put = (into: string[], time: number, sample: string) => {
      if (time < first || time > end) throw new Error(`a sample at ${time} must be within ${first} and ${end}`)
      if (time >= from && time <= to) into.push(sample)
    }
    if (encoding === 1) {
      const floats = new FloatSamples()
      decodeXor(data, floats)
      for (let i = 0; i < floats.length; i++) {
        const bits = (BigInt(floats.halves[2 * i + 1] ?? 0) << 32n) | BigInt(floats.halves[2 * i] ?? 0)
        put(found.floats, floats.times[i] ?? 0, floatText(floats.times[i] ?? 0, bits))
      }
    } else {
      const of = decodeHistogram(data, { isFloat: encoding === 3, hasStarts: false })
      for (let i = 0; i < of.length; i++) put(found.histograms, of.times[i] ?? 0, decodedHistogramText(of, i))
    }
  }
  return found
}

function varintsOf(bytes: Uint8Array): readonly bigint[] {
  const values: bigint[] = []
  let [value, shift] = [0n, 0n]
  for (const byte of bytes) {
    value |= BigInt(byte & 127) << shift
    shift += 7n
    if (byte >= 128) continue
    values.push(value)
    value = 0n
    shift = 0n
  }
  return values
}

function doublesOf(bytes: Uint8Array): readonly number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Array.from({ length: bytes.length / 8 }, (_, i) => view.getFloat64(8 * i, true))
}

function doubleOf(bits: bigint): number {
  const view = new DataView(new ArrayBuffer(8))
  view.setBigUint64(0, bits)
  return view.getFloat64(0)
}

function unzigzag(value: bigint): number {
  return Number((value >> 1n) ^ -(value & 1n))
}
