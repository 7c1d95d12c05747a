/** Prometheus' remote read: a request in, a response of samples or a stream of chunks out. */
import { BlockgateError, ErrorCode } from '../../contracts/errors.ts'
import { giveSamples, takeSamples } from '../../tsdb/xor-fast.ts'
import type { Querier, Selection, Series } from '../querier.ts'
import type { QueryRun } from '../query-run.ts'
import { SeriesSamples } from '../samples.ts'
import { bodyOf } from './body.ts'
import { giveWriter, ProtoWriter, takeWriter } from './proto-writer.ts'
import { parseReadRequest, type ResponseType, type Snappy } from './request.ts'
import { QueryResultWriter } from './samples.ts'
import { writeFrame } from './streamed.ts'

export interface ReadResponse {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>
}

export interface ReadOptions {
  readonly querier: Querier
  readonly snappy: Snappy
  /** Called with each query, before anything is read. */
  readonly onQuery?: ((query: Selection) => void) | undefined
  /** Called when all was read, or nobody reads on; with the error that a stream breaks off with. */
  readonly onEnd?: ((error?: unknown) => void) | undefined
}

/** A response that is larger grows. */
const RESPONSE_BYTES = 1024 * 1024
/** Frames that are handed on together, and room for the last of them. */
const STREAM_BYTES = 512 * 1024
const FRAME_BYTES = 32 * 1024
/** An answer that is larger is handed on in pieces of this. */
const PIECE_BYTES = 1024 * 1024

/**
 * @param body a snappy block of ReadRequest
 * @param run what the request may take; its signal ends the reads, also where nobody takes what was read
 * @throws BlockgateError `invalid-query`, `query-too-large`, or what reading a block throws; once a stream has begun, the stream fails
 */
export async function remoteRead(body: Uint8Array, options: ReadOptions, run: QueryRun): Promise<ReadResponse> {
  const { queries, accepted } = parseReadRequest(body, options.snappy)
  for (const query of queries) options.onQuery?.(query)
  return responseType(accepted) === 'streamed'
    ? await streamed(queries, options, run)
    : await samples(queries, options, run)
}

/** The first that we have of those that the client accepts. */
function responseType(accepted: readonly (ResponseType | undefined)[]): ResponseType {
  if (accepted.length === 0) return 'samples'
  const type = accepted.find(each => each !== undefined)
  if (type) return type
  throw new BlockgateError(ErrorCode.invalidQuery, 'accepted_response_types must have SAMPLES or STREAMED_XOR_CHUNKS')
}

async function samples(
  queries: readonly Selection[],
  { querier, snappy, onEnd }: ReadOptions,
  run: QueryRun,
): Promise<ReadResponse> {
  const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' }
  const response = takeWriter(RESPONSE_BYTES)
  let body: Uint8Array<ArrayBuffer>
  try {
    await writeSamples(response, queries, querier, run)
    run.times.enter('write')
    body = snappy.compress(response.done())
  } finally {
    giveWriter(response)
  }
  run.budget.answer(body.length)
  if (body.length <= PIECE_BYTES) {
    onEnd?.()
    return { headers, body }
  }
  // It is in memory until the client has taken it.
  const length = String(body.length)
  return { headers: { ...headers, 'content-length': length }, body: await bodyOf(pieces(body), run.signal, onEnd) }
}

/** Writes a ReadResponse. */
async function writeSamples(response: ProtoWriter, queries: readonly Selection[], querier: Querier, run: QueryRun) {
  const filled = new SeriesSamples(takeSamples())
  try {
    for (const query of queries) {
      const start = response.length
      const result = new QueryResultWriter(response)
      for await (const batch of querier.select(query, run)) {
        for (const { labels, chunks } of batch) {
          filled.fill(chunks, query.from, query.to)
          run.budget.take('samples', filled.floats.length + filled.histograms.length)
          result.series(labels, filled)
          run.budget.answer(response.length)
          const turn = run.pause()
          if (turn) await turn
          run.signal.throwIfAborted()
        }
      }
      // ReadResponse: repeated QueryResult results = 1.
      response.wrap(start, 10)
    }
  } finally {
    giveSamples(filled.floats)
  }
}

const STREAM_TYPE = 'application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse'

async function streamed(
  queries: readonly Selection[],
  { querier, onEnd }: ReadOptions,
  run: QueryRun,
): Promise<ReadResponse> {
  return {
    headers: { 'content-type': STREAM_TYPE },
    body: await bodyOf(frames(queries, querier, run), run.signal, onEnd),
  }
}

async function* pieces(body: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < body.length; at += PIECE_BYTES) yield body.subarray(at, at + PIECE_BYTES)
}

async function* frames(
  queries: readonly Selection[],
  querier: Querier,
  run: QueryRun,
): AsyncGenerator<Uint8Array, void, undefined> {
  let out = new ProtoWriter(STREAM_BYTES + FRAME_BYTES)
  for (const [i, query] of queries.entries()) {
    for await (const batch of querier.select(query, run)) {
      for (const series of batch) {
        run.budget.count('samples', samplesOf(series.chunks))
        writeFrame(out, series, i)
        const turn = run.pause()
        if (turn) await turn
        if (out.length < STREAM_BYTES) continue
        yield out.done()
        // The bytes are the socket's now.
        out = new ProtoWriter(STREAM_BYTES + FRAME_BYTES)
      }
    }
  }
  if (out.length > 0) yield out.done()
}

/** Every encoding begins with the number of its samples, in two bytes. */
function samplesOf(chunks: Series['chunks']): number {
  let count = 0
  for (const { chunk } of chunks) if (chunk.end - chunk.start >= 2) count += chunk.view.getUint16(chunk.start)
  return count
}
