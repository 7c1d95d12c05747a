import { ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { BlockgateError } from 'blockgate'
import { type Spans, spans } from 'blockgate/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inSpan } from '../../src/contracts/spans.ts'
import { markFailed, tracer } from '../../src/contracts/telemetry.ts'

let recorded: Spans
beforeEach(() => {
  recorded = spans()
})
afterEach(() => recorded.stop())

const events = () => recorded.finished().map(({ name, events }) => [name, events.map(({ name }) => name)])

/** Three spans, one below the other, through which `work` throws. */
async function nested(work: () => Promise<unknown>): Promise<void> {
  const below = () => inSpan('raised', {}, trace.setSpan(ROOT_CONTEXT, outer), work)
  const outer = tracer().startSpan('outer')
  const middle = async () => {
    try {
      await below()
    } catch (error) {
      throw BlockgateError.from(error, 'stage-failed', 'a-stage')
    }
  }
  await inSpan('middle', {}, trace.setSpan(ROOT_CONTEXT, outer), middle).catch(error => markFailed(outer, error))
  outer.end()
}

describe('the exception of an error', () => {
  it('stands on the span that raised it, and on none around it, whatever wraps it on its way', async () => {
    await nested(async () => {
      throw new TypeError('x is not a function')
    })
    expect(events()).toEqual([
      ['raised', ['exception']],
      ['middle', []],
      ['outer', []],
    ])
    const attributes = recorded.finished()[0]?.events[0]?.attributes
    expect(attributes).toMatchObject({ 'exception.type': 'TypeError', 'exception.message': 'x is not a function' })
    expect(attributes?.['exception.stacktrace']).toMatch(/^ {4}at .*exceptions\.test/)
  })

  it('stands in every trace that the same error ends', async () => {
    const stopped = new BlockgateError('stopped', 'the gateway is stopping')
    for (let i = 0; i < 2; i++) await nested(() => Promise.reject(stopped))
    expect(events().filter(([, names]) => names?.length === 1)).toHaveLength(2)
  })

  it('has a bounded text, and no message in its stack', async () => {
    const error = new BlockgateError('internal', 'm'.repeat(5_000))
    error.stack = `Error: a secret\n${'    at somewhere (file.ts:1:1)\n'.repeat(1_000)}`
    await nested(() => Promise.reject(error))
    const { 'exception.message': message, 'exception.stacktrace': stack } =
      recorded.finished()[0]?.events[0]?.attributes ?? {}
    expect([String(message).length, String(stack).length]).toEqual([600, 2_000])
    expect(stack).not.toContain('secret')
  })

  it.each([['a text'], [undefined], [null], [42]])('is told of %o, which is no error', async thrown => {
    await nested(() => Promise.reject(thrown))
    expect(recorded.finished()[0]?.events[0]?.attributes?.['exception.type']).toBe(typeof thrown)
  })
})
