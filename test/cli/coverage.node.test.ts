import type { BlockId } from 'blockgate'
import { testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { coverageOf } from '../../src/cli/coverage.ts'
import { member } from '../support/ring.ts'
import { blocks, numberOf } from '../support/world.ts'
import { cluster } from './cluster.ts'
import { CHILD, folder, jsonLine, PARENT } from './world.ts'

describe('coverageOf', () => {
  const ids = (...numbers: number[]) => new Set(numbers.map(n => testId(n)))
  /** Of these blocks; `parents` of those that are superseded; by member, what each serves. */
  function covered(
    min: number,
    numbers: readonly number[],
    served: Readonly<Record<string, readonly number[]>>,
    { parents = {}, complete = true }: { parents?: Readonly<Record<number, number>>; complete?: boolean } = {},
  ) {
    const pairs = Object.entries(parents).map(([child, parent]): [BlockId, BlockId] => {
      return [testId(Number(child)), testId(parent)]
    })
    const advertised = new Map(Object.entries(served).map(([id, numbers]) => [id, ids(...numbers)]))
    const view = { complete, blocks: blocks(...numbers), failed: new Map(), superseded: new Map(pairs) }
    const { below, ...told } = coverageOf(view, advertised, min)
    return { ...told, below: below.blocks, first: below.first.map(one => [numberOf(one.block), one.members.join()]) }
  }

  it('counts the members that serve each block, and holds where none is below the minimum', () => {
    const served = { a: [1, 2, 9], b: [2] }
    const told = { complete: true, blocks: 2, members: ['a', 'b'], copies: [0, 1, 1] }
    expect(covered(1, [2, 1], served)).toEqual({ ...told, min: 1, holds: true, below: 0, first: [] })
    expect(covered(2, [2, 1], served)).toEqual({ ...told, min: 2, holds: false, below: 1, first: [[1, 'a']] })
  })

  it('names the first ten that are below, by ULID', () => {
    const numbers = Array.from({ length: 12 }, (_, i) => 12 - i)
    const { below, copies, first } = covered(1, numbers, {})
    expect([below, copies, first.map(([n]) => n)]).toEqual([12, [12], Array.from({ length: 10 }, (_, i) => i + 1)])
  })

  it('does not hold where the view is incomplete, nor where no block is seen and members serve some', () => {
    expect(covered(1, [], {}, { complete: false }).holds).toBe(false)
    expect(covered(1, [], {}).holds).toBe(true)
    expect(covered(1, [], { a: [] }).holds).toBe(true)
    expect(covered(1, [], { a: [1] })).toMatchObject({ holds: false, complete: true, blocks: 0 })
  })

  it('gives a superseded block the copies of what holds all of it, over any number of steps, where they are more', () => {
    // 1 → 2 → 3, served twice; 4 has a copy of its own, and its parent 5 none.
    const told = covered(2, [3, 5], { a: [3, 4], b: [3] }, { parents: { 1: 2, 2: 3, 4: 5 } })
    expect([told.copies, told.first]).toEqual([
      [1, 1, 3],
      [
        [4, 'a'],
        [5, ''],
      ],
    ])
  })

  it('ends where blocks supersede each other in a circle', () => {
    expect(covered(1, [], { a: [2] }, { parents: { 1: 2, 2: 1 } })).toMatchObject({ holds: true, copies: [0, 2] })
  })
})

describe('blockgate coverage', () => {
  const members = [
    member('gw-1'),
    member('gw-2', { state: 'leaving' }),
    member('gw-3', { state: 'down' }),
    member('gw-4', { ready: false }),
  ]
  const run = async (advertised: Readonly<Record<string, readonly (readonly string[])[]>>, ...args: string[]) => {
    const only = `{ kind: 'set', name: 'only', select: all => all.map(({ meta: { ulid: id } }) =>
      id === '${PARENT}' ? { id } : id === '${CHILD}' ? { id, skip: 'duplicate', supersededBy: '${PARENT}' } : { id, skip: 'other' }) },`
    const made = cluster(folder(), { members, advertised }, { stages: only })
    return { ...(await made.run('coverage', ...args)), calls: made.calls }
  }

  it('takes the filters of the config into account, and every member that is ready, also one that drains', async () => {
    const all = Object.fromEntries(members.map(({ id }) => [id, [[PARENT]]]))
    const { code, stdout, calls } = await run(all, '--min', '2')
    expect(stdout).toMatch(
      /^\d+ blocks; ready members: gw-1, gw-2\n\n {2}copies {2}blocks\n {2}2 {7}\d+\n\nevery block has 2 or more\n$/,
    )
    expect(code).toBe(0)
    expect(calls).toEqual(['start as an observer', 'start the filters', 'advertised gw-1', 'advertised gw-2', 'stop'])
  })

  it('names what is below the minimum, and who serves it, and exits with 1', async () => {
    const { code, stdout } = await run({ 'gw-1': [[PARENT]] }, '--min', '2')
    expect(code).toBe(1)
    expect(stdout).toMatch(/\n {2}1 {7}\d+\n\nfewer than 2: \d+ blocks\n/)
    expect(stdout).toContain(`\n  ${PARENT}  gw-1\n`)
    expect(stdout).toContain(`\n  ${CHILD}  nobody serves it\n`)
  })

  it('--wait asks again, and --json prints the last answer', async () => {
    const late = { 'gw-1': [[], [PARENT]] }
    const { code, stdout } = await run(late, '--min', '1', '--wait', '1ms', '--json')
    const told = { min: 1, holds: true, complete: true, members: ['gw-1', 'gw-2'] }
    expect([code, jsonLine(stdout)]).toMatchObject([0, told])
    expect((await run(late, '--min', '1')).code).toBe(1)
  })
})
