import { context, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import { afterEach, describe, expect, it } from 'vitest'
import { type Spans, spans } from '../../src/testing/spans.ts'

let recorded: Spans | undefined

function start(): Spans {
  recorded = spans()
  return recorded
}

function tracer(): Tracer {
  return trace.getTracer('test')
}

/** Runs `fn` in a span that ends with it. */
async function inSpan<T>(name: string, fn: () => Promise<T> | T): Promise<T> {
  return tracer().startActiveSpan(name, async span => {
    try {
      return await fn()
    } finally {
      span.end()
    }
  })
}

afterEach(() => {
  recorded?.stop()
  recorded = undefined
})

describe('spans()', () => {
  it('prints a run and a block that is linked to it as an exact tree', async () => {
    const all = start()
    const run = tracer().startSpan('sync.run')
    await context.with(trace.setSpan(context.active(), run), async () => {
      await inSpan('source.scan-bucket', () => inSpan('bucket.list', () => {}))
      await inSpan('set.dedup', () => {})
      const block = tracer().startSpan('sync.block', { root: true, links: [{ context: run.spanContext() }] })
      await context.with(trace.setSpan(context.active(), block), () =>
        inSpan('block.owned', async () => {
          await inSpan('ownership.claim', () => {})
          await inSpan('block.memory', () => inSpan('bucket.get', () => {}))
        }),
      )
      block.end()
    })
    run.end()
    expect(all.tree()).toMatchInlineSnapshot(`
      "sync.run
        source.scan-bucket
          bucket.list
        set.dedup
      sync.block ~> sync.run
        block.owned
          ownership.claim
          block.memory
            bucket.get"
    `)
  })

  it('keeps the order of the starts where spans end in another order and share one timestamp', () => {
    const all = start()
    const startTime = 1_700_000_000_000
    const names = ['d', 'b', 'e', 'a', 'c']
    const made = names.map(name => tracer().startSpan(name, { startTime }))
    for (const span of made.reverse()) span.end(startTime)
    expect(all.tree().split('\n')).toEqual(names)
    expect(all.finished().map(span => span.name)).toEqual([...names].reverse())
  })

  it('follows the active span across awaits of concurrent work', async () => {
    const all = start()
    const turn = Promise.withResolvers<void>()
    const first = inSpan('first', async () => {
      await turn.promise
      await inSpan('child of first', () => {})
    })
    const second = inSpan('second', async () => {
      turn.resolve()
      await first
      await inSpan('child of second', () => {})
    })
    await second
    expect(all.tree()).toMatchInlineSnapshot(`
      "first
        child of first
      second
        child of second"
    `)
  })

  it('shows chosen attributes in the order of the choice, quoting what holds blanks', () => {
    const all = start()
    const attributes = { 'block.outcome': 'skipped', n: 3, why: 'two words', hidden: 'x' }
    tracer().startSpan('sync.block', { attributes }).end()
    expect(all.tree({ attributes: ['why', 'block.outcome', 'n', 'absent'] })).toBe(
      'sync.block why="two words" block.outcome=skipped n=3',
    )
    expect(all.tree()).toBe('sync.block')
  })

  it('marks spans with an error status and spans that were never ended', () => {
    const all = start()
    const failed = tracer().startSpan('failed')
    failed.setStatus({ code: SpanStatusCode.ERROR, message: 'no' })
    failed.end()
    const fine = tracer().startSpan('fine')
    fine.setStatus({ code: SpanStatusCode.OK })
    fine.end()
    tracer().startSpan('open')
    expect(all.tree()).toBe('failed !error\nfine\nopen (never ended)')
    expect(all.finished().map(span => span.name)).toEqual(['failed', 'fine'])
  })

  it('shows a linked span that it did not record as unknown, and a span of an unrecorded parent as a root', () => {
    const all = start()
    const before = tracer().startSpan('before')
    all.reset()
    tracer()
      .startSpan('child', { links: [{ context: before.spanContext() }] }, trace.setSpan(context.active(), before))
      .end()
    expect(all.tree()).toBe('child ~> (unknown)')
  })

  it('forgets on reset also what ends later', () => {
    const all = start()
    tracer().startSpan('earliest').end()
    const early = tracer().startSpan('early')
    all.reset()
    early.end()
    tracer().startSpan('late').end()
    expect(all.tree()).toBe('late')
    expect(all.finished().map(span => span.name)).toEqual(['late'])
  })

  it('can be used again after stop, with nothing of the time before', () => {
    const first = start()
    tracer().startSpan('first').end()
    first.stop()
    const second = start()
    tracer().startSpan('second').end()
    first.stop()
    tracer().startSpan('third').end()
    expect(first.tree()).toBe('first')
    expect(second.tree()).toBe('second\nthird')
  })

  it('leaves neither a provider nor a context manager behind', () => {
    start()[Symbol.dispose]()
    const span = tracer().startSpan('after')
    expect(span.isRecording()).toBe(false)
    expect(context.with(trace.setSpan(context.active(), span), () => trace.getActiveSpan())).toBeUndefined()
  })

  it('refuses to stand beside another provider, and leaves that one at work', () => {
    const all = start()
    expect(() => spans()).toThrow('spans() must be the only tracer provider')
    tracer().startSpan('still recorded').end()
    expect(all.tree()).toBe('still recorded')
  })
})
