import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { type Spans, spans } from 'blockgate/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { tracer } from '../../src/contracts/telemetry.ts'
import { traceIds } from '../../src/contracts/trace-ids.ts'
import { jsonLine } from '../../src/runtime/log/json-line.ts'

let recorded: Spans
beforeEach(() => {
  recorded = spans()
})
afterEach(() => recorded.stop())

const line = (fields = {}) => JSON.parse(jsonLine(0, 'info', 'a message', fields))
const ids = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }

it('a line that is written in a span has its ids, and one that is not has none', () => {
  const span = tracer().startSpan('a', {}, ROOT_CONTEXT)
  const { traceId, spanId } = span.spanContext()
  const inside = context.with(trace.setSpan(ROOT_CONTEXT, span), () => line({ block: 'b' }))
  expect(inside).toMatchObject({ message: 'a message', block: 'b', trace_id: traceId, span_id: spanId })
  expect(Object.keys(line())).toEqual(['time', 'level', 'message'])
})

it('a line of a timer that outlives its span has none', () => {
  const span = tracer().startSpan('a', {}, ROOT_CONTEXT)
  span.end()
  expect(context.with(trace.setSpan(ROOT_CONTEXT, span), () => line())).not.toHaveProperty('trace_id')
})

it('a field of the line itself wins', () => {
  const span = tracer().startSpan('a', {}, ROOT_CONTEXT)
  const inside = context.with(trace.setSpan(ROOT_CONTEXT, span), () => line({ trace_id: 'of the query' }))
  expect(inside.trace_id).toBe('of the query')
})

it('a trace that is not recorded is not named: nobody would find it', () => {
  expect(traceIds({ ...ids, traceFlags: 0 })).toEqual({})
  expect(traceIds({ ...ids, traceFlags: 1 })).toEqual({ trace_id: ids.traceId, span_id: ids.spanId })
  const unsampled = trace.setSpanContext(ROOT_CONTEXT, { ...ids, traceFlags: 0 })
  expect(context.with(unsampled, () => line())).not.toHaveProperty('trace_id')
})
