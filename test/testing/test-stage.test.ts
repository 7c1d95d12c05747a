import { type BlockStage, type Candidate, type Component, type Outcome, type SetStage, skip } from 'blockgate'
import { sampleBlocks, testStage } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { kitResult } from './kit-cases.ts'

const good: BlockStage = { kind: 'block', name: 'good', handle: async (_, next) => next() }
const goodSet: SetStage = { kind: 'set', name: 'good-set', select: list => list.map(b => ({ id: b.meta.ulid })) }

const failures = async (factory: () => BlockStage | SetStage, invalid?: readonly (() => Component)[]) => [
  ...(await kitResult(runner => testStage(runner, { name: 'broken', factory, invalid }))).failed.keys(),
]
const problem = { path: 'x', must: 'be y', value: 1 }
const ids = (list: readonly Candidate[]) => list.map(b => ({ id: b.meta.ulid }))
const superseded = (list: readonly Candidate[], skip: { readonly skip?: string }) => {
  const supersededBy = list[0]?.meta.ulid
  return ids(list).map(selection => ({ ...selection, ...skip, ...(supersededBy && { supersededBy }) }))
}

const OUTCOMES = ['added', 'unchanged', 'passed', 'failed'].map(
  kind => `gives back what next() returned, or a skip with a kebab-case reason: ${kind}`,
)
const EVERY_OUTCOME: unknown = expect.arrayContaining(OUTCOMES)
const CHECKED = 'check() finds nothing wrong with right options, twice'
const UNCHANGED = 'changes nothing of the block or the run it was given'
const SUPERSEDED = 'supersededBy stands on skipped blocks only, and names a block of the list that goes on'
const once = (...counts: number[]) => counts.map(count => `names each of ${count} blocks exactly once`)

/** What a broken stage does, how it is made anew for each case, and the cases that must fail. */
type Broken<T> = readonly [what: string, make: () => Partial<T>, failed: unknown]

const BLOCK_STAGES: readonly Broken<BlockStage>[] = [
  ['is named in capitals', () => ({ name: 'TimeRange' }), ['has a kebab-case name, the same for every instance']],
  ['reports right options', () => ({ check: () => [problem] }), [CHECKED]],
  [
    'needs a start before stop()',
    () => {
      let started = false
      return {
        start: async () => {
          started = true
        },
        stop: async () => {
          if (!started) throw new Error('was not started')
        },
      }
    },
    ['can be stopped without a start'],
  ],
  [
    'stops once only',
    () => {
      let stopped = false
      return {
        stop: async () => {
          if (stopped) throw new Error('stopped already')
          stopped = true
        },
      }
    },
    ['can be stopped twice', 'stops when time is up already'],
  ],
  [
    'has a timer that outlives stop()',
    () => ({
      start: async ({ host }) => {
        const tick = (): void => void host.setTimer(10_000, tick)
        tick()
      },
    }),
    ['nothing ticks after stop'],
  ],
  ['has a reason that is not kebab-case', () => ({ handle: async () => skip('Too fresh') }), EVERY_OUTCOME],
  [
    'calls next() a second time',
    () => ({
      handle: async (_, next) => {
        await next()
        return next()
      },
    }),
    EVERY_OUTCOME,
  ],
  [
    'calls next() a second time and swallows the error',
    () => ({
      handle: async (_, next) => {
        const outcome = await next()
        await next().catch(() => outcome)
        return outcome
      },
    }),
    EVERY_OUTCOME,
  ],
  [
    'does not await next()',
    () => ({
      handle: async (_, next) => {
        void next()
        return skip('too-fresh')
      },
    }),
    expect.arrayContaining([...OUTCOMES, 'waits for next() before it answers']),
  ],
  [
    'does not await next(), and answers nothing',
    () => ({
      handle: async (_, next) => {
        void next()
        return undefined as never
      },
    }),
    expect.arrayContaining(['waits for next() before it answers']),
  ],
  [
    'takes blocks to come back in their order',
    () => {
      let blocks = 0
      const outcomes: Outcome[] = []
      return {
        handle: async (_, next) => {
          const at = blocks++
          outcomes.push(await next())
          return outcomes[at] as Outcome
        },
      }
    },
    [
      'is asked about many blocks at once, and gives each its own answer',
      'can be asked about a block from inside the next() of another',
    ],
  ],
  [
    'turns a failure below into a skip',
    () => ({
      handle: async (_, next) => {
        const outcome = await next()
        return outcome.kind === 'failed' ? skip('failed-below') : outcome
      },
    }),
    [OUTCOMES[3]],
  ],
  [
    'keeps an answer while another block is under way',
    () => {
      let outcome: Awaited<ReturnType<BlockStage['handle']>> | undefined
      return {
        handle: async (_, next) => {
          const mine = await next()
          outcome ??= mine
          await Promise.resolve()
          const answer = outcome
          outcome = undefined
          return answer
        },
      }
    },
    ['is asked about many blocks at once, and gives each its own answer'],
  ],
  [
    'cannot be entered twice',
    () => {
      let last: Promise<unknown> = Promise.resolve()
      return {
        handle: (_, next) => {
          const mine = last.then(() => next())
          last = mine
          return mine
        },
      }
    },
    ['can be asked about a block from inside the next() of another'],
  ],
  [
    'changes the meta it was given',
    () => ({
      handle: async (b, next) => {
        Object.assign(b.meta, { minTime: 0 })
        return next()
      },
    }),
    [UNCHANGED],
  ],
  [
    'changes the run it was given',
    () => ({
      handle: async (b, next) => {
        const loaded = b.run.loaded as Set<typeof b.id>
        loaded.delete(b.id)
        return next()
      },
    }),
    [UNCHANGED],
  ],
  [
    'hangs once its signal has aborted',
    () => ({ handle: (b, next) => (b.signal.aborted ? new Promise(() => {}) : next()) }),
    ['settles when the signal of its block has aborted'],
  ],
]

const SET_STAGES: readonly Broken<SetStage>[] = [
  ['leaves a block out', () => ({ select: list => ids(list).slice(1) }), once(1, 500)],
  ['names a block twice', () => ({ select: list => [...ids(list), ...ids(list)] }), once(1, 500)],
  ['names a stranger', () => ({ select: list => ids(list.length === 0 ? sampleBlocks(1) : list) }), once(0)],
  ['supersedes a block that goes on', () => ({ select: list => superseded(list, {}) }), [SUPERSEDED]],
  [
    'supersedes by a block that does not go on',
    () => ({ select: list => superseded(list, { skip: 'duplicate' }) }),
    [SUPERSEDED],
  ],
  [
    'has a reason that is not kebab-case',
    () => ({ select: list => ids(list).map(({ id }) => ({ id, skip: 'Duplicate' })) }),
    ['skips with kebab-case reasons'],
  ],
  [
    'sorts the list it was given',
    () => ({ select: list => ids((list as Candidate[]).reverse()) }),
    expect.arrayContaining(['changes nothing of the blocks or the list it was given']),
  ],
  [
    'remembers blocks between runs',
    () => {
      const seen = new Set<string>()
      return {
        select: list =>
          ids(list).map(({ id }) => {
            const again = seen.has(id)
            seen.add(id)
            return again ? { id, skip: 'seen' } : { id }
          }),
      }
    },
    expect.arrayContaining(['gives the same answer to the same list, whatever it was asked between']),
  ],
  [
    'keeps a list over an await',
    () => {
      let mine: readonly Candidate[] = []
      return {
        select: async list => {
          mine = list
          await Promise.resolve()
          return ids(mine)
        },
      }
    },
    ['is asked twice at once, and answers both as it does alone'],
  ],
]

describe('testStage', () => {
  it('passes a block stage and a set stage that keep the contract, and says what it left out', async () => {
    for (const stage of [good, goodSet]) {
      const { passed, failed, leftOut } = await kitResult(r => testStage(r, { name: 'good', factory: () => stage }))
      expect([...failed]).toEqual([])
      expect(passed.length).toBeGreaterThan(10)
      expect(leftOut).toEqual(['left out: check() reports what is wrong (no `invalid` was given)'])
    }
  })

  it.each(BLOCK_STAGES)('catches a block stage that %s', async (_, make, failed) => {
    expect(await failures(() => ({ ...good, ...make() }))).toEqual(failed)
  })

  it.each(SET_STAGES)('catches a set stage that %s', async (_, make, failed) => {
    expect(await failures(() => ({ ...goodSet, ...make() }))).toEqual(failed)
  })

  it('catches a check() that reports something else the second time', async () => {
    let calls = 0
    expect(await failures(() => ({ ...good, check: () => (calls++ % 2 === 0 ? [] : [problem]) }))).toEqual([CHECKED])
  })

  it('catches a check() that is silent about wrong options, or gives a problem without must', async () => {
    const reporting = (problems: readonly (typeof problem)[]) => () => ({ ...good, check: () => problems })
    const name =
      'check() reports wrong options as problems with path and must, the same twice, and the factory does not throw'
    expect(await failures(() => good, [() => good])).toEqual([name])
    expect(await failures(() => good, [reporting([{ ...problem, must: '' }])])).toEqual([name])
    expect(await failures(() => good, [reporting([problem])])).toEqual([])
  })

  it('says of a stage that hangs which block it hangs with', async () => {
    const [one] = sampleBlocks(1)
    const factory = (): BlockStage => ({ ...good, handle: () => new Promise(() => {}) })
    const { failed } = await kitResult(r => testStage(r, { name: 'broken', factory, blocks: one ? [one, one] : [] }))
    expect(failed.get('nothing ticks after stop')).toBe(`expected handle() of ${one?.meta.ulid} to settle`)
  })
})
