import {
  type BlockContext,
  type BlockStage,
  codeOf,
  type Lease,
  LeaseLost,
  linkSignals,
  type Outcome,
  rawMessageOf,
  skip,
} from 'blockgate'
import { blockContext, fakeHost, settle } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { BlockTrace } from '../../src/pipeline/block-trace.ts'
import { type Chain, compose } from '../../src/pipeline/compose.ts'
import { added, failed } from '../../src/pipeline/outcome.ts'

type Handles = Readonly<Record<string, BlockStage['handle']>>

/** Runs a block through stages, the first outermost. */
function run(handles: Handles, end: Chain = async () => added): Promise<Outcome> {
  const block = blockContext()
  const link = linkSignals(block.signal)
  const trace = new BlockTrace(fakeHost())
  const stages = Object.entries(handles).map(([name, handle], position) => {
    return { name, position, stage: { kind: 'block', name, handle } as const }
  })
  return compose(stages, end)({ ...block, signal: link.signal }, { trace, abort: link.abort })
}

/** What became of it, on one line. */
function told(outcome: Outcome): string {
  if (outcome.kind === 'skipped') return `skipped ${outcome.by} ${outcome.reason}`
  return outcome.kind === 'failed' ? `failed ${outcome.by} ${codeOf(outcome.error)}` : outcome.kind
}

const plain: BlockStage['handle'] = (_, next) => next()
const aborted = ({ signal }: BlockContext) =>
  new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))

function lease(
  fence: number,
  assertHeld: Lease['assertHeld'] = () => {},
  signal = new AbortController().signal,
): Lease {
  return { fence, signal, assertHeld, async [Symbol.asyncDispose]() {} }
}

describe('compose', () => {
  it('runs stages in list order, the first outermost, and returns through them in reverse', async () => {
    const log: string[] = []
    const logging =
      (name: string): BlockStage['handle'] =>
      async (_, next) => {
        log.push(`${name} in`)
        const outcome = await next()
        log.push(`${name} out`)
        return outcome
      }
    const outcome = await run({ a: logging('a'), b: logging('b') }, async () => {
      log.push('add')
      return added
    })
    expect([outcome.kind, ...log]).toEqual(['added', 'a in', 'b in', 'add', 'b out', 'a out'])
  })

  it('stops at a skip, stamped with the name of the stage that said it', async () => {
    const outcome = await run({
      outer: plain,
      choosy: async () => skip('too-small', { detail: '3 bytes' }),
      inner: () => expect.unreachable(),
    })
    const said = { kind: 'skipped', by: 'choosy', reason: 'too-small', detail: '3 bytes', retain: false }
    expect(outcome).toMatchObject(said)
  })

  it('gives a failure below as an outcome, charged to the stage that raised it, and next() does not reject', async () => {
    let seen: Outcome | undefined
    const outcome = await run({
      outer: async (_, next) => (seen = await next()),
      broken: () => Promise.reject(new Error('no')),
    })
    expect(told(outcome)).toBe('failed broken stage-failed')
    expect(seen).toBe(outcome)
  })

  it('reports a second next() by the stage that called it', async () => {
    let adds = 0
    const twice: BlockStage['handle'] = async (_, next) => {
      await next()
      return next()
    }
    const outcome = await run({ outer: plain, twice }, async () => {
      adds++
      return added
    })
    expect([told(outcome), adds]).toEqual(['failed twice stage-misuse', 1])
    expect(rawMessageOf((outcome as { error?: unknown }).error)).toContain('next() must be called at most once')
  })

  it('reports a missing await by the stage, aborts what runs below, and waits for it', async () => {
    const log: string[] = []
    const hasty: BlockStage['handle'] = async (_, next) => {
      void next()
      return skip('bored')
    }
    const outcome = await run({ hasty }, async block => {
      await aborted(block)
      await settle()
      log.push('below ended')
      return failed('add', block.signal.reason)
    })
    expect([...log, told(outcome)]).toEqual(['below ended', 'failed hasty stage-misuse'])
  })

  it('lets a stage race next() and throw, and charges the stage with what it threw', async () => {
    const timeout: BlockStage['handle'] = (_, next) => Promise.race([next(), Promise.reject(new Error('late'))])
    const outcome = await run({ timeout }, async block => {
      await aborted(block)
      return failed('add', block.signal.reason)
    })
    expect(outcome).toMatchObject({ kind: 'failed', by: 'timeout', error: { message: 'stage-failed: late' } })
  })

  it.each([
    ['nothing', undefined],
    ['a forged outcome', { kind: 'added' }],
    ['a string', 'added'],
    ['a reason that is not kebab-case', skip('Not Mine')],
    ["another block's outcome", failed('add', new Error('x'))],
  ])('refuses a stage that returns %s', async (_, value) => {
    const forger: BlockStage['handle'] = async (_block, next) => {
      await next()
      return value as Outcome
    }
    expect(told(await run({ forger }))).toBe('failed forger stage-misuse')
  })

  it.each([0, 1])('combines the signals of all stages above: any of them aborts what is below (%s)', async which => {
    const signals = [new AbortController(), new AbortController()] as const
    const outcome = await run(
      { a: (_, next) => next({ signal: signals[0].signal }), b: (_, next) => next({ signal: signals[1].signal }) },
      async ({ signal }) => {
        expect(signal.aborted).toBe(false)
        signals[which]?.abort(new LeaseLost())
        return failed('add', signal.reason)
      },
    )
    expect(told(outcome)).toBe('failed add lease-lost')
  })

  it('combines leases: both must be held for what they are asked before, and the inner fence counts', async () => {
    const asked: unknown[] = []
    const of = (fence: number) => lease(fence, before => void asked.push([fence, before]))
    let fence: number | undefined
    await run({ a: (_, next) => next({ lease: of(1) }), b: (_, next) => next({ lease: of(2) }) }, async block => {
      fence = block.lease?.fence
      block.lease?.assertHeld('load')
      return added
    })
    expect(fence).toBe(2)
    expect(asked).toEqual([
      [1, 'load'],
      [2, 'load'],
    ])
  })

  it("aborts what is below with the lease's reason when the lease is lost", async () => {
    const controller = new AbortController()
    const lost = lease(1, () => {}, controller.signal)
    const outcome = await run(
      { a: (_, next) => next({ lease: lost }), b: (_, next) => next({ lease: lease(2) }) },
      async block => {
        controller.abort(new LeaseLost('gone'))
        return failed('add', block.lease?.signal.reason)
      },
    )
    expect(told(outcome)).toBe('failed add lease-lost')
  })
})
