import {
  type BlockContext,
  type BlockStage,
  codeOf,
  type Lease,
  LeaseLost,
  linkSignals,
  type Next,
  type Outcome,
  type Skip,
  skip,
} from 'blockgate'
import { blockContext, fakeHost, settle } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { BlockTrace } from '../../src/pipeline/block-trace.ts'
import { type Chain, compose } from '../../src/pipeline/compose.ts'
import { added, failed } from '../../src/pipeline/outcome.ts'

type Handle = (block: BlockContext, next: Next) => Promise<Outcome | Skip>
const stage = (name: string, handle: Handle): BlockStage => ({ kind: 'block', name, handle })

const untraced = () => new BlockTrace({ host: fakeHost(), id: 'x', level: 1, attempt: 1, runId: 'r', instance: 'i' })

function run(stages: BlockStage[], end: Chain = async () => added, block = blockContext()): Promise<Outcome> {
  const link = linkSignals(block.signal)
  return compose(
    stages.map((s, position) => ({ name: s.name, position, stage: s })),
    end,
  )({ ...block, signal: link.signal }, { trace: untraced(), abort: link.abort })
}

/** What became of it, on one line. */
const told = (o: Outcome) =>
  o.kind === 'skipped'
    ? `skipped ${o.by} ${o.reason}`
    : o.kind === 'failed'
      ? `failed ${o.by} ${codeOf(o.error)}`
      : o.kind

describe('compose', () => {
  it('runs stages in list order, the first outermost, and returns through them in reverse', async () => {
    const log: string[] = []
    const logging = (name: string) =>
      stage(name, async (_, next) => {
        log.push(`${name} in`)
        const outcome = await next()
        log.push(`${name} out`)
        return outcome
      })
    const outcome = await run([logging('a'), logging('b'), logging('c')], async () => {
      log.push('add')
      return added
    })
    expect(log).toEqual(['a in', 'b in', 'c in', 'add', 'c out', 'b out', 'a out'])
    expect(outcome.kind).toBe('added')
  })

  it('stops at a skip, stamped with the name of the stage that said it', async () => {
    let below = false
    const outcome = await run([
      stage('outer', (_, next) => next()),
      stage('choosy', async () => skip('too-small', { detail: '3 bytes' })),
      stage('inner', (_, next) => {
        below = true
        return next()
      }),
    ])
    expect(outcome).toMatchObject({
      kind: 'skipped',
      by: 'choosy',
      reason: 'too-small',
      detail: '3 bytes',
      retain: false,
    })
    expect(below).toBe(false)
  })

  it('gives a failure below as an outcome, charged to the stage that raised it, and next() does not reject', async () => {
    const seen: string[] = []
    const outcome = await run([
      stage('outer', async (_, next) => {
        const result = await next()
        seen.push(told(result))
        return result
      }),
      stage('broken', async () => {
        throw new Error('no')
      }),
    ])
    expect(seen).toEqual(['failed broken stage-failed'])
    expect(told(outcome)).toBe('failed broken stage-failed')
  })

  it('reports a second next() by the stage that called it', async () => {
    let adds = 0
    const outcome = await run(
      [
        stage('outer', (_, next) => next()),
        stage('twice', async (_, next) => {
          await next()
          return next()
        }),
      ],
      async () => {
        adds++
        return added
      },
    )
    expect(told(outcome)).toBe('failed twice stage-misuse')
    expect(String((outcome as { error?: Error }).error?.message)).toContain('next() must be called at most once')
    expect(adds).toBe(1)
  })

  it('reports a missing await by the stage, aborts what runs below, and waits for it', async () => {
    const log: string[] = []
    const outcome = await run(
      [
        stage('hasty', async (_, next) => {
          void next()
          return skip('bored')
        }),
      ],
      async block => {
        await new Promise<void>(resolve => block.signal.addEventListener('abort', () => resolve(), { once: true }))
        await settle()
        log.push('below ended')
        return failed('add', block.signal.reason)
      },
    )
    log.push('stage ended')
    expect(told(outcome)).toBe('failed hasty stage-misuse')
    expect(log).toEqual(['below ended', 'stage ended'])
  })

  it('lets a stage race next() and throw, and charges the stage with what it threw', async () => {
    const outcome = await run(
      [stage('timeout', async (_, next) => Promise.race([next(), Promise.reject(new Error('late'))]))],
      block =>
        new Promise(resolve =>
          block.signal.addEventListener('abort', () => resolve(failed('add', block.signal.reason))),
        ),
    )
    expect(outcome).toMatchObject({ kind: 'failed', by: 'timeout' })
    expect(String((outcome as { error?: Error }).error?.message)).toBe('stage-failed: late')
  })

  it.each([
    ['nothing', undefined],
    ['a forged outcome', { kind: 'added' }],
    ['a string', 'added'],
    ['a reason that is not kebab-case', skip('Not Mine')],
  ])('refuses a stage that returns %s', async (_, value) => {
    const outcome = await run([stage('forger', async () => value as unknown as Outcome)])
    expect(told(outcome)).toBe('failed forger stage-misuse')
  })

  it("refuses another block's outcome", async () => {
    let kept: Outcome | undefined
    const keep = stage('keep', async (_, next) => (kept = await next()))
    await run([keep], async () => failed('add', new Error('x')))
    const outcome = await run([
      stage('forger', async (_, next) => {
        await next()
        return kept as Outcome
      }),
    ])
    expect(told(outcome)).toBe('failed forger stage-misuse')
  })

  it('combines the signals of all stages above: any of them aborts what is below', async () => {
    const outer = new AbortController()
    const inner = new AbortController()
    let signal: AbortSignal | undefined
    await run(
      [
        stage('a', (_, next) => next({ signal: outer.signal })),
        stage('b', (_, next) => next({ signal: inner.signal })),
      ],
      async block => {
        signal = block.signal
        expect(signal.aborted).toBe(false)
        outer.abort(new Error('outer'))
        return added
      },
    )
    expect(signal?.aborted).toBe(true)
    expect(String(signal?.reason)).toContain('outer')
  })

  it('combines leases: both must be held, and the inner fence counts', async () => {
    const lease = (fence: number, ok = true): Lease => ({
      fence,
      signal: new AbortController().signal,
      assertHeld() {
        if (!ok) throw new LeaseLost()
      },
      async [Symbol.asyncDispose]() {},
    })
    let fence: number | undefined
    const outcome = await run(
      [stage('a', (_, next) => next({ lease: lease(1, false) })), stage('b', (_, next) => next({ lease: lease(2) }))],
      async block => {
        fence = block.lease?.fence
        try {
          block.lease?.assertHeld()
          return added
        } catch (error) {
          return failed('add', error)
        }
      },
    )
    expect(fence).toBe(2)
    expect(told(outcome)).toBe('failed add lease-lost')
  })

  it('tells both leases what they are asked before', async () => {
    const asked: unknown[] = []
    const lease = (fence: number): Lease => ({
      fence,
      signal: new AbortController().signal,
      assertHeld: before => void asked.push([fence, before]),
      async [Symbol.asyncDispose]() {},
    })
    await run(
      [stage('a', (_, next) => next({ lease: lease(1) })), stage('b', (_, next) => next({ lease: lease(2) }))],
      async block => {
        block.lease?.assertHeld('load')
        return added
      },
    )
    expect(asked).toEqual([
      [1, 'load'],
      [2, 'load'],
    ])
  })

  it("aborts what is below with the lease's reason when the lease is lost", async () => {
    const controller = new AbortController()
    const lost: Lease = { fence: 1, signal: controller.signal, assertHeld() {}, async [Symbol.asyncDispose]() {} }
    const outcome = await run([stage('a', (_, next) => next({ lease: lost }))], async block => {
      controller.abort(new LeaseLost('gone'))
      return failed('add', block.signal.reason)
    })
    expect(told(outcome)).toBe('failed add lease-lost')
  })
})
