// Bytes of a bucket and of a client are not trusted: whatever they are, a query ends with an answer or an error that says what is wrong.
import { BlockgateError, codeOf } from 'blockgate'
import { fakeHost, testId } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { Querier } from '../../src/query/querier.ts'
import { ProtoWriter } from '../../src/query/remote-read/proto-writer.ts'
import { parseReadRequest } from '../../src/query/remote-read/request.ts'
import { writeFrame } from '../../src/query/remote-read/streamed.ts'
import { SeriesSamples } from '../../src/query/samples.ts'
import { parseSelector } from '../../src/query/selector.ts'
import { sinkOf } from './sink-of.ts'

const ROUNDS = 700

/** Bytes that were flipped, cut, or made larger; the same for the same seed. */
function mutated(bytes: Uint8Array, seed: number): Uint8Array {
  const { random } = fakeHost({ seed })
  const below = (n: number) => Math.floor(random() * n)
  const changed = Uint8Array.from(bytes.subarray(0, below(6) === 0 ? below(bytes.length) : bytes.length))
  for (let i = 1 + below(4); i > 0 && changed.length > 0; i--)
    changed[below(changed.length)] = [below(256), 255, 0, 128][below(4)] as number
  return changed
}

/** 'ok', or what was thrown, in words. */
function outcomeOf(work: () => unknown): string {
  try {
    work()
    return 'ok'
  } catch (error) {
    return String(error)
  }
}

const series = Array.from({ length: 40 }, (_, i) => {
  const labels = { __name__: i % 2 === 0 ? 'up' : 'down', i: String(i), job: `j${i % 3}` }
  return [labels, Array.from({ length: 30 }, (__, j) => [j * 15_000, i * j] as const)] as const
})

it.each(['index', 'chunks/000001'])('a block whose %s is damaged', async file => {
  const id = testId(1)
  const whole = sinkOf({ series }).files.get(id)?.get(file) as Uint8Array
  let answered = 0
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const { sink, files } = sinkOf({ series })
    files.get(id)?.set(file, mutated(whole, seed))
    const samples = new SeriesSamples()
    const matchers = [
      { type: '=~', name: 'job', value: 'j.' },
      { type: '!=', name: 'i', value: '7' },
    ] as const
    try {
      for await (const batch of new Querier({ sink }).select(
        { matchers, from: 0, to: 7_000_000 },
        new AbortController().signal,
      )) {
        for (const each of batch) {
          // As they are stored, and decoded: what one finds wrong, the other does, too.
          const raw = outcomeOf(() => writeFrame(new ProtoWriter(), each, 0))
          expect(raw, `seed ${seed}`).toBe(outcomeOf(() => each.chunks.length))
          samples.fill(each.chunks, 0, 7_000_000)
        }
      }
      answered++
    } catch (error) {
      expect(error, `seed ${seed}`).toBeInstanceOf(BlockgateError)
      expect(codeOf(error), `seed ${seed}: ${String(error)}`).toBe('corrupt-block')
    }
  }
  // What nobody read, and what another byte took back.
  expect(answered).toBeLessThan(ROUNDS / 2)
})

it('a request that no client sends', () => {
  const identity = {
    compress: (bytes: Uint8Array) => Uint8Array.from(bytes),
    uncompress: (bytes: Uint8Array) => Uint8Array.from(bytes),
  }
  // A query of 0 to 10^12 with two matchers, and two accepted types.
  const query = [8, 0, 16, 128, 160, 148, 165, 141, 29, 26, 8, 8, 2, 18, 1, 97, 26, 1, 98, 26, 6, 18, 1, 99, 26, 1, 100]
  const whole = Uint8Array.of(10, query.length, ...query, 16, 1, 16, 0)
  expect(parseReadRequest(whole, identity).queries[0]?.matchers).toHaveLength(2)
  for (let seed = 1; seed <= ROUNDS; seed++) {
    try {
      parseReadRequest(mutated(whole, seed), identity)
    } catch (error) {
      expect(codeOf(error), `seed ${seed}: ${String(error)}`).toBe('invalid-query')
    }
  }
})

it('a selector that no one writes', () => {
  const whole = new TextEncoder().encode('up{job=~"a.*|web",zone!=\'x\\n\',i=`7`}')
  for (let seed = 1; seed <= ROUNDS; seed++) {
    try {
      parseSelector(new TextDecoder().decode(mutated(whole, seed)))
    } catch (error) {
      expect(codeOf(error), `seed ${seed}: ${String(error)}`).toBe('invalid-query')
    }
  }
})
