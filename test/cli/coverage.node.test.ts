import type { BlockId, Candidate } from 'blockgate'
import { testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { coverageOf } from '../../src/cli/coverage.ts'
import { tempFolders } from '../support/temp-folders.ts'
import { blocks } from '../support/world.ts'
import { cluster, member } from './cluster.ts'

const folder = tempFolders()
/** Compacted from three others; one of them; one that stands for itself. */
const PARENT = '01M82F6PPKPCYJMTRGKGY7ENZS'
const CHILD = '01M82F4V1KFE99C9W1MH5YWA1N'

describe('coverageOf', () => {
  const ids = (...numbers: number[]) => new Set(numbers.map(n => testId(n)))
  const view = (
    list: readonly Candidate[],
    superseded: readonly (readonly [number, number])[] = [],
    complete = true,
  ) => ({
    complete,
    blocks: list,
    superseded: new Map<BlockId, BlockId>(superseded.map(([child, parent]) => [testId(child), testId(parent)])),
  })

  it('counts the members that serve each block, and holds where none is below the minimum', () => {
    const claims = new Map([
      ['a', ids(1, 2, 9)],
      ['b', ids(2)],
    ])
    const told = coverageOf(view(blocks(2, 1)), claims, 1)
    expect(told).toEqual({
      min: 1,
      holds: true,
      complete: true,
      blocks: 2,
      members: ['a', 'b'],
      copies: [0, 1, 1],
      below: { blocks: 0, first: [] },
    })
    expect(coverageOf(view(blocks(2, 1)), claims, 2)).toMatchObject({
      holds: false,
      below: { blocks: 1, first: [{ block: testId(1), members: ['a'] }] },
    })
  })

  it('names the first ten that are below, by ULID', () => {
    const { below, copies } = coverageOf(view(blocks(...Array.from({ length: 12 }, (_, i) => 12 - i))), new Map(), 1)
    expect(below.blocks).toBe(12)
    expect(below.first.map(({ block }) => block)).toEqual(Array.from({ length: 10 }, (_, i) => testId(i + 1)))
    expect(copies).toEqual([12])
  })

  it('does not hold where the view is incomplete', () => {
    expect(coverageOf(view([], [], false), new Map(), 1).holds).toBe(false)
    expect(coverageOf(view([]), new Map(), 1).holds).toBe(true)
  })

  it('does not hold where no block is seen and members serve some', () => {
    expect(coverageOf(view([]), new Map([['a', ids()]]), 1).holds).toBe(true)
    expect(coverageOf(view([]), new Map([['a', ids(1)]]), 1)).toMatchObject({ holds: false, complete: true, blocks: 0 })
  })

  it('gives a superseded block the copies of what holds all of it, over any number of steps, where they are more', () => {
    const claims = new Map([
      ['a', ids(3, 4)],
      ['b', ids(3)],
    ])
    // 1 → 2 → 3, served twice; 4 has a copy of its own, and its parent 5 none.
    const told = coverageOf(
      view(blocks(3, 5), [
        [1, 2],
        [2, 3],
        [4, 5],
      ]),
      claims,
      2,
    )
    expect(told.copies).toEqual([1, 1, 3])
    expect(told.below.first).toEqual([
      { block: testId(4), members: ['a'] },
      { block: testId(5), members: [] },
    ])
  })

  it('ends where blocks supersede each other in a circle', () => {
    const told = coverageOf(
      view(
        [],
        [
          [1, 2],
          [2, 1],
        ],
      ),
      new Map([['a', ids(2)]]),
      1,
    )
    expect(told).toMatchObject({ holds: true, copies: [0, 2] })
  })
})

describe('blockgate coverage', () => {
  const members = [
    member('gw-1'),
    member('gw-2', { state: 'leaving' }),
    member('gw-3', { state: 'down' }),
    member('gw-4', { ready: false }),
  ]
  const run = async (claims: Readonly<Record<string, readonly (readonly string[])[]>>, ...args: string[]) => {
    const only = `{ kind: 'set', name: 'only', select: all => all.map(({ meta: { ulid: id } }) =>
      id === '${PARENT}' ? { id } : id === '${CHILD}' ? { id, skip: 'duplicate', supersededBy: '${PARENT}' } : { id, skip: 'other' }) },`
    const made = cluster(folder(), { members, claims }, { stages: only })
    return { ...(await made.run('coverage', ...args)), calls: made.calls }
  }

  it('takes the filters of the config into account, and every member that is ready, also one that drains', async () => {
    const { code, stdout, calls } = await run(
      { 'gw-1': [[PARENT]], 'gw-2': [[PARENT]], 'gw-3': [[PARENT]], 'gw-4': [[PARENT]] },
      '--min',
      '2',
    )
    expect(stdout).toMatch(
      /^\d+ blocks; ready members: gw-1, gw-2\n\n {2}copies {2}blocks\n {2}2 {7}\d+\n\nevery block has 2 or more\n$/,
    )
    expect(code).toBe(0)
    expect(calls).toEqual(['start as an observer', 'start the filters', 'claims gw-1', 'claims gw-2', 'stop'])
  })

  it('names what is below the minimum, and who serves it, and exits with 1', async () => {
    const { code, stdout } = await run({ 'gw-1': [[PARENT]] }, '--min', '2')
    expect(code).toBe(1)
    expect(stdout).toMatch(/\n {2}1 {7}\d+\n\nfewer than 2: \d+ blocks\n/)
    expect(stdout).toContain(`\n  ${PARENT}  gw-1\n`)
    expect(stdout).toContain(`\n  ${CHILD}  nobody serves it\n`)
  })

  it('--wait asks again, and --json prints the last answer', async () => {
    const { code, stdout } = await run({ 'gw-1': [[], [PARENT]] }, '--min', '1', '--wait', '1ms', '--json')
    expect([code, JSON.parse(stdout)]).toMatchObject([
      0,
      { min: 1, holds: true, complete: true, members: ['gw-1', 'gw-2'] },
    ])
    expect((await run({ 'gw-1': [[], [PARENT]] }, '--min', '1')).code).toBe(1)
  })
})
