/** Prometheus' remote read: a request in, a response of samples or a stream of chunks out. */
import { BlockgateError, ErrorCode } from '../../contracts/errors.ts'
import { giveSamples, takeSamples } from '../../tsdb/xor-fast.ts'
import type { Querier, Selection } from '../querier.ts'
import type { QueryRun } from '../query-run.ts'
import { SeriesSamples } from '../samples.ts'
import { Body, type Parts, streamOf } from './body.ts'
import { ProtoWriter } from './proto-writer.ts'
import { parseReadRequest, type ResponseType, type Snappy } from './request.ts'
import { QueryResultWriter } from './samples.ts'
import { writeFrame } from './streamed.ts'
import { WriterPool } from './writer-pool.ts'

export interface ReadResponse {
  readonly headers: Readonly<Record<string, string>>
  /** Null where it was given to `send`. */
  readonly body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null
}

export interface ReadOptions {
  readonly querier: Querier
  readonly snappy: Snappy
  /** Called with each query, before anything is read. */
  readonly onQuery?: ((query: Selection) => void) | undefined
  /** Called when all was read, or nobody reads on; with the error that a stream breaks off with. */
  readonly onEnd?: ((error?: unknown) => void) | undefined
  /** Takes a body that is made while it is sent, where the runtime can send it without a stream. */
  readonly send?: ((body: Body) => void) | undefined
}

const MIB = 1024 * 1024
/** Of whole answers: one that is larger grows. */
const answers = new WriterPool({ size: MIB, idle: 2, maxBytes: 16 * MIB })
/** Frames that are handed on together, and room for the last of them. */
const STREAM_BYTES = 512 * 1024
const WRITER_BYTES = STREAM_BYTES + 32 * 1024
const streams = new WriterPool({ size: WRITER_BYTES, idle: 8, maxBytes: MIB })
/** An answer that is larger is handed on in pieces of this. */
const PIECE_BYTES = MIB

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
  { querier, snappy, onEnd, send }: ReadOptions,
  run: QueryRun,
): Promise<ReadResponse> {
  const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' }
  const response = answers.take()
  let body: Uint8Array<ArrayBuffer>
  try {
    await writeSamples(response, queries, querier, run)
    run.times.enter('write')
    body = snappy.compress(response.done())
  } finally {
    answers.give(response)
  }
  run.budget.answer(body.length)
  if (body.length <= PIECE_BYTES) {
    onEnd?.()
    return { headers, body }
  }
  // It is in memory until the client has taken it.
  const length = String(body.length)
  return {
    headers: { ...headers, 'content-length': length },
    body: handed(await Body.begun(pieces(body), { signal: run.signal, onEnd }), send),
  }
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
  { querier, onEnd, send }: ReadOptions,
  run: QueryRun,
): Promise<ReadResponse> {
  const writers = send ? new TwoWriters() : { next: newWriter, give: () => {} }
  // One is made while the other one is sent.
  run.budget.answer(2 * WRITER_BYTES)
  const parts = frames(queries, querier, run, () => writers.next())
  const body = await Body.begun(parts, { signal: run.signal, onEnd, onUnused: () => writers.give() })
  return { headers: { 'content-type': STREAM_TYPE }, body: handed(body, send) }
}

function handed(body: Body, send: ReadOptions['send']): ReadableStream<Uint8Array> | null {
  if (!send) return streamOf(body)
  send(body)
  return null
}

/** Two that take turns: one is filled while what is in the other one is sent. */
class TwoWriters {
  #filled: ProtoWriter | undefined
  #other: ProtoWriter | undefined

  next(): ProtoWriter {
    const writer = this.#other ?? streams.take()
    this.#other = this.#filled
    this.#filled = writer
    writer.length = 0
    return writer
  }

  give(): void {
    for (const writer of [this.#filled, this.#other]) if (writer) streams.give(writer)
    this.#filled = this.#other = undefined
  }
}

function newWriter(): ProtoWriter {
  return new ProtoWriter(WRITER_BYTES)
}

async function* pieces(body: Uint8Array): Parts {
  for (let at = 0; at < body.length; at += PIECE_BYTES) yield body.subarray(at, at + PIECE_BYTES)
}

async function* frames(
  queries: readonly Selection[],
  querier: Querier,
  run: QueryRun,
  writer: () => ProtoWriter,
): Parts {
  let out = writer()
  for (const [i, query] of queries.entries()) {
    for await (const batch of querier.select(query, run)) {
      for (const series of batch) {
        run.budget.count('samples', writeFrame(out, series, i))
        const turn = run.pause()
        if (turn) await turn
        if (out.length < STREAM_BYTES) continue
        yield out.done()
        // The bytes are the socket's now.
        out = writer()
      }
    }
  }
  if (out.length > 0) yield out.done()
}
