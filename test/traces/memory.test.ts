import type { SpanContext } from '@opentelemetry/api'
import { memoryState, testId } from 'blockgate/testing'
import { expect, it } from 'vitest'
import type { KnownBlock, TraceMemory } from '../../src/pipeline/traces.ts'
import { lastTrace, recall, remember, writeTraces } from '../../src/traces/memory.ts'

/** A process that knows nothing of any block. */
function newMemory(): TraceMemory {
  return { get: (): KnownBlock | undefined => undefined, traced: () => {} }
}

function span(n: number): SpanContext {
  return { traceId: n.toString(16).padStart(32, '0'), spanId: '00000000000000aa', traceFlags: 1 }
}

it.each([2, 1_001])(
  'writes down the newest 1,000 where there are %d more, for the process after this one',
  async more => {
    const [before, after, state] = [newMemory(), newMemory(), memoryState()]
    for (let n = 1; n <= 1_000 + more; n++) remember(before, testId(n), span(n))
    // Named again, it is one of the newest.
    remember(before, testId(3), span(3))
    remember(before, testId(5_000), span(5_000))
    await writeTraces(before, state)
    expect(Object.keys(Object((await state.get('traces')) ?? {}))).toHaveLength(1_000)
    await recall(after, state, 'gw-1')
    const known = [1, more + 2, more + 3, 3, 5_000].map(n => lastTrace(after, testId(n)) !== undefined)
    expect(known).toEqual([false, false, true, true, true])
  },
)

it('takes nothing from a file that is no ULID with a traceparent', async () => {
  const [memory, state] = [newMemory(), memoryState()]
  const good = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`
  await state.set('traces', { [testId(1)]: good, [testId(2)]: `${good}0`, [testId(3)]: 7, 'no-ulid': good })
  await recall(memory, state, 'gw-1')
  const ids = [...[1, 2, 3].map(n => testId(n)), 'no-ulid' as ReturnType<typeof testId>]
  expect(ids.map(id => lastTrace(memory, id)?.traceId)).toEqual(['1'.repeat(32), undefined, undefined, undefined])
})
