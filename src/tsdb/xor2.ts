/**
 * Chunks of floats with start timestamps: encoding 4, XOR2, of Prometheus 3.11 and later. `be16 count | u8 header`, then bits. The
 * prefix of a sample says of time and value together what changed; a stale marker is a code of its own, and changes no value that
 * later ones are XORed with. Source: `tsdb/chunkenc/xor2.go` of prometheus.
 */
import { corrupt } from './binary.ts'
import { BitReader, int64 } from './bits.ts'
import { type FloatSamples, STALE_HIGH, STALE_LOW } from './samples.ts'
import { chunkCount } from './xor.ts'
import { XorValue } from './xor-value.ts'

const WHAT = 'XOR2 chunk'

/** The start timestamps of a chunk: the time at which a counter began, 0 where it is not known. */
export class StartTimes {
  readonly #known: boolean
  readonly #changeOn: number
  #time = 0
  #delta = 0

  /** @param header bit 7: the first is known; bits 0 to 6: the sample from which on they change, 0 for none */
  constructor(header: number) {
    this.#known = header >= 128
    this.#changeOn = header & 127
  }

  /** Of sample `i` of time `time`, whose predecessor has time `before`. */
  read(reader: BitReader, i: number, time: number, before: number): number {
    if (i === 0) this.#time = this.#known ? time - reader.varint(`${WHAT}: start time`) : 0
    else if (this.#changeOn > 0 && i >= this.#changeOn) {
      const change = reader.varbitInt(`${WHAT}: start time`)
      this.#delta = i === this.#changeOn ? change : this.#delta + change
      this.#time = before - this.#delta
    }
    return this.#time
  }
}

/**
 * Puts the samples of a chunk's data behind those of `into`, and their start timestamps into `starts`, where it is given. @returns how many there were
 * @throws BlockgateError `corrupt-block`; `into` has the length it had then
 */
export function decodeXor2(data: Uint8Array, into: FloatSamples, starts?: number[]): number {
  const count = chunkCount(data, 3, WHAT)
  if (count === 0) return 0
  into.reserve(count)
  const { times, halves } = into
  const reader = new BitReader(data, 3)
  const start = new StartTimes(data[2] as number)
  // What later values are XORed with: never a stale marker.
  const state = new XorValue()
  let time = 0
  let delta = 0
  for (let i = 0; i < count; i++) {
    const before = time
    let isStale = false
    if (i === 0) {
      time = reader.varint(`${WHAT}: time`)
      const [high, low] = [reader.bits(32), reader.bits(32)]
      isStale = high === STALE_HIGH && low === STALE_LOW
      if (!isStale) Object.assign(state, { high, low })
    } else {
      // Where the time's delta is the same: 0 the same value, 1 another one, 5 a stale marker.
      const kind = i === 1 ? 2 : reader.ones(5)
      if (i === 1) delta = reader.uvarint(`${WHAT}: delta`)
      else if (kind === 2) delta += signed(reader.bits(13), 13)
      else if (kind === 3) delta += signed(reader.bits(20), 20)
      else if (kind === 4) delta += int64(reader.bits(32), reader.bits(32))
      time += delta
      if (kind === 1) state.change(reader, reader.bits(1) === 1)
      else if (kind >= 2 && kind <= 4) {
        const value = reader.ones(3)
        isStale = value === 3
        if (value === 1 || value === 2) state.change(reader, value === 2)
      } else isStale = kind === 5
    }
    const startTime = start.read(reader, i, time, before)
    reader.check(`${WHAT}: sample ${i}`)
    starts?.push(startTime)
    const place = into.length + i
    times[place] = time
    halves[2 * place] = isStale ? STALE_LOW : state.low
    halves[2 * place + 1] = isStale ? STALE_HIGH : state.high
  }
  if (!Number.isSafeInteger(time)) throw corrupt(`${WHAT}: last time`, 'be a safe integer', time)
  into.length += count
  return count
}

/** Two's complement. */
function signed(value: number, bits: number): number {
  return value >= 2 ** (bits - 1) ? value - 2 ** bits : value
}
