import { type BlockStage, type Component, type Selection, type SetStage, skip } from 'blockgate'
import { sampleBlocks, testStage } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { kitResult } from './kit-cases.ts'

const good: BlockStage = { kind: 'block', name: 'good', handle: async (_, next) => next() }
const goodSet: SetStage = { kind: 'set', name: 'good-set', select: list => list.map(b => ({ id: b.meta.ulid })) }

const failures = async (factory: () => BlockStage | SetStage, invalid?: readonly (() => Component)[]) => [
  ...(await kitResult(runner => testStage(runner, { name: 'broken', factory, invalid }))).failed.keys(),
]
const block = (change: Partial<BlockStage>) => failures(() => ({ ...good, ...change }))
const set = (select: SetStage['select']) => failures(() => ({ ...goodSet, select }))

const EVERY_OUTCOME = ['added', 'unchanged', 'passed', 'failed'].map(
  kind => `gives back what next() returned, or a skip with a kebab-case reason: ${kind}`,
)

describe('testStage', () => {
  it('passes a block stage and a set stage that keep the contract, and says what it left out', async () => {
    for (const stage of [good, goodSet]) {
      const { passed, failed, leftOut } = await kitResult(r => testStage(r, { name: 'good', factory: () => stage }))
      expect([...failed]).toEqual([])
      expect(passed.length).toBeGreaterThan(10)
      expect(leftOut).toEqual(['left out: check() reports what is wrong (no `invalid` was given)'])
    }
  })

  it('catches a name that is not kebab-case', async () => {
    expect(await block({ name: 'TimeRange' })).toEqual(['has a kebab-case name, the same for every instance'])
  })

  it('catches a check() that reports right options, or reports something else the second time', async () => {
    const problem = { path: 'x', must: 'be y', value: 1 }
    const name = 'check() finds nothing wrong with the options of the kit, twice'
    expect(await block({ check: () => [problem] })).toEqual([name])
    let calls = 0
    expect(await failures(() => ({ ...good, check: () => (calls++ % 2 === 0 ? [] : [problem]) }))).toEqual([name])
  })

  it('catches a check() that is silent about wrong options, or gives a problem without must', async () => {
    const name =
      'check() reports wrong options as problems with path and must, the same twice, and the factory does not throw'
    expect(await failures(() => good, [() => good])).toEqual([name])
    const lame = { ...good, check: () => [{ path: 'x', must: '', value: 1 }] }
    expect(await failures(() => good, [() => lame])).toEqual([name])
    const whole = { ...good, check: () => [{ path: 'x', must: 'be y', value: 1 }] }
    expect(await failures(() => good, [() => whole])).toEqual([])
  })

  it('catches a stop() that needs a start', async () => {
    const factory = (): BlockStage => {
      let started = false
      return {
        ...good,
        start: async () => {
          started = true
        },
        stop: async () => {
          if (!started) throw new Error('was not started')
        },
      }
    }
    expect(await failures(factory)).toEqual(['can be stopped without a start'])
  })

  it('catches a stop() that works once only', async () => {
    const factory = (): BlockStage => {
      let stopped = false
      return {
        ...good,
        stop: async () => {
          if (stopped) throw new Error('stopped already')
          stopped = true
        },
      }
    }
    expect(await failures(factory)).toEqual(['can be stopped twice', 'stops when time is up already'])
  })

  it('catches a timer that outlives stop()', async () => {
    const factory = (): BlockStage => ({
      ...good,
      start: async ({ host }) => {
        const tick = (): void => void host.setTimer(10_000, tick)
        tick()
      },
    })
    expect(await failures(factory)).toEqual(['nothing ticks after stop'])
  })

  it('catches a reason that is not kebab-case', async () => {
    const failed = await block({ handle: async () => skip('Too fresh') })
    expect(failed).toEqual(expect.arrayContaining(EVERY_OUTCOME))
  })

  it('catches a second next()', async () => {
    const failed = await block({
      handle: async (_, next) => {
        await next()
        return next()
      },
    })
    expect(failed).toEqual(expect.arrayContaining(EVERY_OUTCOME))
  })

  it('catches a second next() whose error is swallowed', async () => {
    const failed = await block({
      handle: async (_, next) => {
        const outcome = await next()
        await next().catch(() => outcome)
        return outcome
      },
    })
    expect(failed).toEqual(expect.arrayContaining(EVERY_OUTCOME))
  })

  it('catches a next() that is not awaited', async () => {
    const failed = await block({
      handle: async (_, next) => {
        void next()
        return skip('too-fresh')
      },
    })
    expect(failed).toEqual(expect.arrayContaining([...EVERY_OUTCOME, 'waits for next() before it answers']))
  })

  it('catches a failure below that is turned into a skip', async () => {
    const failed = await block({
      handle: async (_, next) => {
        const outcome = await next()
        return outcome.kind === 'failed' ? skip('failed-below') : outcome
      },
    })
    expect(failed).toEqual([EVERY_OUTCOME[3]])
  })

  it('catches an answer that is kept in the stage while another block is under way', async () => {
    const factory = (): BlockStage => {
      let outcome: Awaited<ReturnType<BlockStage['handle']>> | undefined
      return {
        ...good,
        handle: async (_, next) => {
          const mine = await next()
          outcome ??= mine
          await Promise.resolve()
          const answer = outcome
          outcome = undefined
          return answer
        },
      }
    }
    expect(await failures(factory)).toEqual(['is asked about many blocks at once, and gives each its own answer'])
  })

  it('catches a stage that cannot be entered twice', async () => {
    const factory = (): BlockStage => {
      let last: Promise<unknown> = Promise.resolve()
      return {
        ...good,
        handle: (_, next) => {
          const mine = last.then(() => next())
          last = mine
          return mine
        },
      }
    }
    expect(await failures(factory)).toEqual(['can be asked about a block from inside the next() of another'])
  })

  it('catches a stage that changes what it was given', async () => {
    const changesMeta = await block({
      handle: async (b, next) => {
        Object.assign(b.meta, { minTime: 0 })
        return next()
      },
    })
    const changesRun = await block({
      handle: async (b, next) => {
        const loaded = b.run.loaded as Set<typeof b.id>
        loaded.delete(b.id)
        return next()
      },
    })
    const name = 'changes nothing of the block or the run it was given'
    expect([changesMeta, changesRun]).toEqual([[name], [name]])
  })

  it('catches a stage that hangs once its signal has aborted', async () => {
    const failed = await block({
      handle: (b, next) => (b.signal.aborted ? new Promise(() => {}) : next()),
    })
    expect(failed).toEqual(['settles when the signal of its block has aborted'])
  })

  it('catches a stage that hangs', async () => {
    const [one] = sampleBlocks(1)
    const stage: BlockStage = { ...good, handle: () => new Promise(() => {}) }
    const { failed } = await kitResult(r =>
      testStage(r, { name: 'broken', factory: () => stage, blocks: one ? [one, one] : [] }),
    )
    expect(failed.get('nothing ticks after stop')).toBe(`expected handle() of ${one?.meta.ulid} to settle`)
  })

  it('catches a set stage that leaves a block out, names it twice, or names a stranger', async () => {
    const ids = (list: Parameters<SetStage['select']>[0]): readonly Selection[] => list.map(b => ({ id: b.meta.ulid }))
    const names = (...counts: number[]) => counts.map(count => `names each of ${count} blocks exactly once`)
    expect(await set(list => ids(list).slice(1))).toEqual(names(1, 500))
    expect(await set(list => [...ids(list), ...ids(list)])).toEqual(names(1, 500))
    expect(await set(list => (list.length === 0 ? ids(sampleBlocks(1)) : ids(list)))).toEqual(names(0))
  })

  it('catches a set stage whose supersededBy stands on a block that goes on, or names one that does not', async () => {
    const name = 'supersededBy stands on skipped blocks only, and names a block of the list that goes on'
    const first = (list: Parameters<SetStage['select']>[0]) => {
      const id = list[0]?.meta.ulid
      return id === undefined ? {} : { supersededBy: id }
    }
    expect(await set(list => list.map(b => ({ id: b.meta.ulid, ...first(list) })))).toEqual([name])
    const all = await set(list => list.map(b => ({ id: b.meta.ulid, skip: 'duplicate', ...first(list) })))
    expect(all).toEqual([name])
  })

  it('catches a set stage with a reason that is not kebab-case', async () => {
    const failed = await set(list => list.map(b => ({ id: b.meta.ulid, skip: 'Duplicate' })))
    expect(failed).toEqual(['skips with kebab-case reasons'])
  })

  it('catches a set stage that sorts the list it was given', async () => {
    const failed = await set(list => {
      const mine = list as (typeof list)[number][]
      return mine.reverse().map(b => ({ id: b.meta.ulid }))
    })
    expect(failed).toContain('changes nothing of the blocks or the list it was given')
  })

  it('catches a set stage that remembers blocks between runs', async () => {
    const factory = (): SetStage => {
      const seen = new Set<string>()
      return {
        ...goodSet,
        select: list =>
          list.map(({ meta }) => {
            const again = seen.has(meta.ulid)
            seen.add(meta.ulid)
            return again ? { id: meta.ulid, skip: 'seen' } : { id: meta.ulid }
          }),
      }
    }
    expect(await failures(factory)).toContain('gives the same answer to the same list, whatever it was asked between')
  })

  it('catches a set stage that keeps a list over an await', async () => {
    const factory = (): SetStage => {
      let mine: Parameters<SetStage['select']>[0] = []
      return {
        ...goodSet,
        select: async list => {
          mine = list
          await Promise.resolve()
          return mine.map(b => ({ id: b.meta.ulid }))
        },
      }
    }
    expect(await failures(factory)).toEqual(['is asked twice at once, and answers both as it does alone'])
  })
})
