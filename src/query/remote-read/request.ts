/** What Prometheus asks: `ReadRequest` of prompb, in a snappy block. */
import { BlockgateError, ErrorCode } from '../../contracts/errors.ts'
import type { LabelMatcher, MatcherType } from '../matchers.ts'
import type { Selection } from '../querier.ts'
import { type FieldsLeft, ProtoReader, takeField } from './proto-reader.ts'

/** Snappy's block format, without frames; from npm, by the runtime. */
export interface Snappy {
  compress(bytes: Uint8Array): Uint8Array<ArrayBuffer>
  uncompress(bytes: Uint8Array): Uint8Array<ArrayBuffer>
}

export type ResponseType = 'samples' | 'streamed'

export interface ReadRequest {
  readonly queries: readonly Selection[]
  /** As the client prefers them; none means samples. */
  readonly accepted: readonly (ResponseType | undefined)[]
}

interface Field {
  readonly field: number
  readonly type: number
}

/** As Prometheus limits it. */
const MAX_REQUEST_BYTES = 32 * 1024 * 1024
/**
 * A few million bytes of snappy can say millions of queries, matchers or fields of two bytes, each an object in memory. Prometheus asks
 * one query at a time, of a few matchers.
 */
const MAX_QUERIES = 1_000
const MAX_MATCHERS = 1_000
const MAX_FIELDS = 100_000
const MATCHERS: readonly MatcherType[] = ['=', '!=', '=~', '!~']
const TYPES: readonly ResponseType[] = ['samples', 'streamed']

/** @throws BlockgateError `invalid-query` that says what is wrong */
export function parseReadRequest(body: Uint8Array, snappy: Snappy): ReadRequest {
  // The size that is declared is checked before anything is allocated for it.
  const declared = new ProtoReader(body.subarray(0, 10), 'snappy block').uint()
  if (declared > MAX_REQUEST_BYTES) {
    throw invalid(`a request must have at most ${MAX_REQUEST_BYTES} bytes: it says ${declared}`)
  }
  const fields = { left: MAX_FIELDS }
  const request = new ProtoReader(uncompressed(body, snappy), 'ReadRequest', fields)
  const queries: Selection[] = []
  const accepted: (ResponseType | undefined)[] = []
  for (let next = request.next(); next; next = request.next()) {
    const { field, type } = next
    if (field === 1 && type === 2) {
      if (queries.length === MAX_QUERIES) throw invalid(`ReadRequest: there must be at most ${MAX_QUERIES} queries`)
      queries.push(query(request.bytes(), fields))
    } else if (field === 2 && type === 0) accepted.push(TYPES[request.uint()])
    else if (field === 2 && type === 2) {
      for (const value of request.bytes()) {
        takeField(fields, 'ReadRequest')
        accepted.push(TYPES[value])
      }
    } else skipOther(request, 'ReadRequest', next, 2)
  }
  return { queries, accepted }
}

function query(bytes: Uint8Array, fields: FieldsLeft): Selection {
  const reader = new ProtoReader(bytes, 'Query', fields)
  const matchers: LabelMatcher[] = []
  let [from, to] = [0, 0]
  for (let next = reader.next(); next; next = reader.next()) {
    const { field, type } = next
    if (field === 1 && type === 0) from = reader.int()
    else if (field === 2 && type === 0) to = reader.int()
    else if (field === 3 && type === 2) {
      if (matchers.length === MAX_MATCHERS) throw invalid(`Query: there must be at most ${MAX_MATCHERS} matchers`)
      matchers.push(labelMatcher(reader.bytes(), fields))
    } else skipOther(reader, 'Query', next, 3)
  }
  return { matchers, from, to }
}

function labelMatcher(bytes: Uint8Array, fields: FieldsLeft): LabelMatcher {
  const reader = new ProtoReader(bytes, 'LabelMatcher', fields)
  let [kind, name, value] = [0, '', '']
  for (let next = reader.next(); next; next = reader.next()) {
    const { field, type } = next
    if (field === 1 && type === 0) kind = reader.uint()
    else if (field === 2 && type === 2) name = reader.text()
    else if (field === 3 && type === 2) value = reader.text()
    else skipOther(reader, 'LabelMatcher', next, 3)
  }
  const type = MATCHERS[kind]
  if (type === undefined) throw invalid(`LabelMatcher: type must be 0 to 3: current value is ${kind}`)
  return { type, name, value }
}

/**
 * Skips a field that is not known. One that is known and of another type is no request: without it, more would be selected than was
 * asked for.
 */
function skipOther(reader: ProtoReader, what: string, { field, type }: Field, known: number): void {
  if (field <= known) throw invalid(`${what}: field ${field} must be of another type: current value is ${type}`)
  reader.skip(type)
}

function uncompressed(body: Uint8Array, snappy: Snappy): Uint8Array {
  try {
    return snappy.uncompress(body)
  } catch (error) {
    throw new BlockgateError(ErrorCode.invalidQuery, 'the body must be a snappy block', { cause: error })
  }
}

function invalid(message: string): BlockgateError {
  return new BlockgateError(ErrorCode.invalidQuery, message)
}
