/** Prometheus' remote read: a request in, a response of samples or a stream of chunks out. */
import { BlockgateError, ErrorCode } from '../../contracts/errors.ts'
import type { Querier, Selection } from '../querier.ts'
import { SeriesSamples } from '../samples.ts'
import { ProtoWriter } from './proto.ts'
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
  /** Throws where the blocks of a query are not all here. */
  readonly assertAll?: ((query: Selection) => void) | undefined
  /** Called when all was read, or nobody reads on. */
  readonly onEnd?: (() => void) | undefined
  /** Samples of one query, of all its series. */
  readonly maxSamples?: number | undefined
}

/** A response that is larger grows. */
const RESPONSE_BYTES = 1024 * 1024
/** Frames that are handed on together, and room for the last of them. */
const STREAM_BYTES = 256 * 1024
const FRAME_BYTES = 32 * 1024
/** As Prometheus: `--storage.remote.read-sample-limit`. */
const MAX_SAMPLES = 50_000_000

/**
 * @param body a snappy block of ReadRequest
 * @param signal ends the reads: the client has gone
 * @throws BlockgateError `invalid-query`, `query-too-large`, or what reading a block throws; once a stream has begun, the stream fails
 */
export async function remoteRead(body: Uint8Array, options: ReadOptions, signal: AbortSignal): Promise<ReadResponse> {
  const { queries, accepted } = parseReadRequest(body, options.snappy)
  for (const query of queries) options.assertAll?.(query)
  return responseType(accepted) === 'streamed'
    ? await streamed(queries, options, signal)
    : await samples(queries, options, signal)
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
  { querier, snappy, onEnd, maxSamples = MAX_SAMPLES }: ReadOptions,
  signal: AbortSignal,
): Promise<ReadResponse> {
  const response = new ProtoWriter(RESPONSE_BYTES)
  const filled = new SeriesSamples()
  for (const query of queries) {
    const start = response.length
    const result = new QueryResultWriter(response)
    let count = 0
    for await (const batch of querier.select(query, signal)) {
      for (const { labels, chunks } of batch) {
        filled.fill(chunks, query.from, query.to)
        count += filled.floats.length + filled.histograms.length
        if (count > maxSamples) {
          throw new BlockgateError(
            ErrorCode.queryTooLarge,
            `a query must take at most ${maxSamples} samples; ask for a shorter time`,
          )
        }
        result.series(labels, filled)
      }
    }
    // ReadResponse: repeated QueryResult results = 1.
    response.wrap(start, 10)
  }
  const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' }
  onEnd?.()
  return { headers, body: snappy.compress(response.done()) }
}

const STREAM_TYPE = 'application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse'

async function streamed(
  queries: readonly Selection[],
  { querier, onEnd }: ReadOptions,
  signal: AbortSignal,
): Promise<ReadResponse> {
  const parts = frames(queries, querier, signal, onEnd)
  // What is wrong with the query is an answer of its own, not a stream that breaks off.
  const first = await parts.next()
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await parts.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      start(controller) {
        if (first.done) controller.close()
        else controller.enqueue(first.value)
      },
      async cancel() {
        await parts.return()
      },
    },
    { highWaterMark: 1 },
  )
  return { headers: { 'content-type': STREAM_TYPE }, body }
}

async function* frames(
  queries: readonly Selection[],
  querier: Querier,
  signal: AbortSignal,
  onEnd: (() => void) | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    let out = new ProtoWriter(STREAM_BYTES + FRAME_BYTES)
    for (const [i, query] of queries.entries()) {
      for await (const batch of querier.select(query, signal)) {
        for (const series of batch) {
          writeFrame(out, series, i)
          if (out.length < STREAM_BYTES) continue
          yield out.done()
          // The bytes are the socket's now.
          out = new ProtoWriter(STREAM_BYTES + FRAME_BYTES)
        }
      }
    }
    if (out.length > 0) yield out.done()
  } finally {
    onEnd?.()
  }
}
