// What one request of remote read may say: each query, matcher and field takes memory, however few bytes it has.
import { describe, expect, it } from 'vitest'
import { ProtoWriter } from '../../src/query/remote-read/proto-writer.ts'
import { parseReadRequest } from '../../src/query/remote-read/request.ts'

const plain = {
  compress: (bytes: Uint8Array) => Uint8Array.from(bytes),
  uncompress: (bytes: Uint8Array) => Uint8Array.from(bytes),
}

/** A message of one field of bytes. */
function field(tag: number, bytes: Uint8Array): Uint8Array {
  const out = new ProtoWriter()
  out.bytesField(tag, bytes)
  return out.done()
}

function times(count: number, ...bytes: readonly number[]): Uint8Array {
  return Uint8Array.from({ length: count * bytes.length }, (_, i) => bytes[i % bytes.length] as number)
}

const QUERY = 10
const MATCHER = 26

describe('a request of remote read', () => {
  it('has at most 1,000 queries', () => {
    expect(parseReadRequest(times(1_000, QUERY, 0), plain).queries).toHaveLength(1_000)
    expect(() => parseReadRequest(times(1_001, QUERY, 0), plain)).toThrow('at most 1000 queries')
  })

  it('has at most 1,000 matchers in a query', () => {
    const [query] = parseReadRequest(field(QUERY, times(1_000, MATCHER, 0)), plain).queries
    expect(query?.matchers).toHaveLength(1_000)
    expect(() => parseReadRequest(field(QUERY, times(1_001, MATCHER, 0)), plain)).toThrow('at most 1000 matchers')
  })

  it.each([
    ['fields that are not known', times(100_000, 120, 0), times(100_001, 120, 0)],
    ['fields of its queries', field(QUERY, times(99_999, 120, 0)), field(QUERY, times(100_000, 120, 0))],
    ['accepted types', field(18, times(99_999, 1)), field(18, times(100_000, 1))],
  ])('has at most 100,000 %s', (_, most, more) => {
    expect(() => parseReadRequest(most, plain)).not.toThrow()
    expect(() => parseReadRequest(more, plain)).toThrow('too many fields')
  })
})
