import { expect, it } from 'vitest'
import { spanContextOf, traceparentOf } from '../../src/contracts/traceparent.ts'

const [traceId, spanId] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331']

it.each([0, 1, 3, 255])('a place with the flags %i is told as text, and read again', traceFlags => {
  const text = traceparentOf({ traceId, spanId, traceFlags })
  expect(spanContextOf(text)).toEqual({ traceId, spanId, traceFlags, isRemote: true })
})

it('a span in no trace has no text', () => {
  expect(traceparentOf({ traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 })).toBe(undefined)
})

it.each([
  [undefined],
  [null],
  [42],
  [{}],
  [[`00-${traceId}-${spanId}-01`]],
  [''],
  [`00-${traceId}-${spanId}`],
  [`01-${traceId}-${spanId}-01`],
  [`00-${traceId}-${spanId}-1`],
  [`00-${traceId}-${spanId}-0g`],
  [` 00-${traceId}-${spanId}-01`],
  [`00-${traceId}-${spanId}-01\n`],
  [`00-${traceId.toUpperCase()}-${spanId}-01`],
])('%j is no traceparent', text => {
  expect(spanContextOf(text)).toBe(undefined)
})
