import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { fakeHost, type Spans, spans } from 'blockgate/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startSpan } from '../../src/contracts/spans.ts'
import { LateSpan, spanClock } from '../../src/traces/late-span.ts'

let recorded: Spans
beforeEach(() => {
  recorded = spans()
})
afterEach(() => recorded.stop())

it('is made with all that was said of it, all below it, and the times it had', async () => {
  const host = fakeHost({ now: Date.UTC(2027, 0, 1) })
  const late = new LateSpan('late', spanClock(host), ROOT_CONTEXT, { attributes: { a: 1 } })
  await host.advance(1_000)
  const below = context.with(late.context, () => startSpan('below', { attributes: { c: 3 } }))
  late.setAttribute('b', 2).addEvent('said').updateName('renamed')
  await host.advance(2_000)
  below.end()
  late.end()
  expect([recorded.tree(), late.isMade, late.spanContext().traceId]).toEqual(['', false, '0'.repeat(32)])
  late.make()
  expect(recorded.tree({ attributes: ['a', 'b', 'c'] })).toBe('renamed a=1 b=2\n  below c=3')
  const times = recorded.finished().map(({ name, startTime, duration }) => [name, startTime[0], duration[0]])
  const start = Date.UTC(2027, 0, 1) / 1000
  expect(times.sort()).toEqual([
    ['below', start + 1, 2],
    ['renamed', start, 3],
  ])
  const [event] = recorded.finished().flatMap(({ events }) => events)
  expect([event?.name, event?.time[0]]).toEqual(['said', start + 1])
})

it('makes what comes later at once, also by hands that know nothing of it', () => {
  const late = new LateSpan('late', spanClock(fakeHost()), ROOT_CONTEXT)
  late.make()
  trace.getTracer('other').startSpan('foreign', {}, late.context).end()
  startSpan('own', {}, late.context).end()
  late.end()
  expect(recorded.tree()).toBe('late\n  foreign\n  own')
})

it('keeps a bounded number below it while it is not made', () => {
  const late = new LateSpan('late', spanClock(fakeHost()), ROOT_CONTEXT)
  for (let i = 0; i < 1_500; i++) late.child('below').end()
  late.make()
  late.end()
  expect(recorded.finished()).toHaveLength(1_001)
})
