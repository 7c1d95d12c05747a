import type { BlockId } from 'blockgate'
import { balanced } from 'blockgate/plugins/placement/balanced'
import { testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import {
  type AssignedMember,
  Assignments,
  type AssignmentsOptions,
} from '../../../../plugins/ownership/hash-ring/assignments.ts'
import type { Placement } from '../../../../plugins/ownership/hash-ring/placement.ts'
import { rendezvous } from '../../../../plugins/ownership/hash-ring/rendezvous.ts'
import { tokenRing } from '../../../../plugins/ownership/hash-ring/token-ring.ts'
import { blocks, gateway, gateways, shuffled } from './support.ts'

const block = testId(1)
const down = { state: 'down' } as const
const draining = { state: 'leaving', draining: true } as const
const evicted = { state: 'down', placed: false } as const

/** Every block has the members in the order in which they are given here. */
const inOrder: Placement = {
  name: 'in-order',
  fingerprint: 'in-order',
  prepare: members => ({ rank: () => members.map(member => member.id) }),
}

/** Whose `block` is, with members `m1`, `m2`, … as given. */
function assign(given: readonly Partial<AssignedMember>[], options: Partial<AssignmentsOptions> = {}) {
  const members = given.map((fields, i) => gateway(`m${i + 1}`, fields))
  const { targets, failoverOwner, ranked } = new Assignments(members, {
    placement: inOrder,
    replicas: 2,
    ...options,
  }).of(block)
  return { targets, failoverOwner, ranked }
}

describe('the targets', () => {
  it('are the first replicas by rank', () => {
    expect(assign([{}, {}, {}])).toEqual({
      targets: ['m1', 'm2'],
      failoverOwner: undefined,
      ranked: ['m1', 'm2', 'm3'],
    })
  })

  it('stay the same while a member is down', () => {
    expect(assign([down, {}, {}])).toMatchObject({ targets: ['m1', 'm2'], failoverOwner: undefined })
  })

  it.each([
    ['drains', draining],
    ['drains and is down', { ...draining, ...down }],
    ['was down for the whole grace', evicted],
  ])('leave out a member that %s', (_, fields) => {
    expect(assign([{}, fields, {}])).toMatchObject({ targets: ['m1', 'm3'], ranked: ['m1', 'm3'] })
  })

  it('are none where there are no members, or none that counts', () => {
    for (const members of [[], [draining, evicted]]) {
      expect(assign(members)).toEqual({ targets: [], failoverOwner: undefined, ranked: [] })
    }
  })
})

describe('the stand-in', () => {
  it('is the next live member where all targets are down', () => {
    expect(assign([down, down, down, {}, {}])).toMatchObject({ targets: ['m1', 'm2'], failoverOwner: 'm4' })
    expect(assign([down, {}, {}], { replicas: 1 }).failoverOwner).toBe('m2')
  })

  it('is nobody as long as one target is live', () => {
    expect(assign([down, {}, {}]).failoverOwner).toBeUndefined()
    expect(assign([{}, down, {}]).failoverOwner).toBeUndefined()
  })

  it('is no member that drains, and none that was down for the whole grace', () => {
    expect(assign([down, draining, evicted, {}], { replicas: 1 }).failoverOwner).toBe('m4')
  })

  it('is nobody where all are down', () => {
    expect(assign([down, down, down]).failoverOwner).toBeUndefined()
  })

  it('may be of a zone that has its copies', () => {
    const members = [{ zone: 'a', ...down }, { zone: 'b', ...down }, { zone: 'a' }]
    expect(assign(members, { zones: ['a', 'b'] })).toMatchObject({ targets: ['m1', 'm2'], failoverOwner: 'm3' })
  })
})

describe('where zones are declared', () => {
  const zones = ['a', 'b']

  it('members of no zone or of another one are not placed', () => {
    const members = [{ zone: 'c' }, {}, { zone: 'a' }, { zone: 'b' }]
    expect(assign(members, { zones })).toMatchObject({ targets: ['m3', 'm4'], ranked: ['m3', 'm4'] })
  })

  it('members of another zone do not stand in either', () => {
    expect(assign([{ zone: 'a', ...down }, { zone: 'c' }], { zones }).failoverOwner).toBeUndefined()
  })
})

describe('an answer', () => {
  it('is worked out once a block', () => {
    let asked = 0
    const counting: Placement = {
      ...inOrder,
      prepare: members => {
        const ranking = inOrder.prepare(members)
        return {
          rank(id) {
            asked++
            return ranking.rank(id)
          },
        }
      },
    }
    const assignments = new Assignments(gateways(3), { placement: counting, replicas: 2 })
    const first = assignments.of(block)
    expect(assignments.of(block)).toBe(first)
    expect(asked).toBe(1)
    expect(assignments.of(testId(2)) === first).toBe(false)
    expect(asked).toBe(2)
  })

  it('is forgotten once half a million others were asked for, and then worked out again', () => {
    const assignments = new Assignments(gateways(2), { placement: inOrder, replicas: 1 })
    const first = assignments.of(block)
    // Making half a million ULIDs would take seconds, and this placement reads none.
    for (let n = 2; n <= 500_000; n++) assignments.of(String(n) as BlockId)
    expect(assignments.of(block)).toBe(first)
    assignments.of(testId(2))
    expect(assignments.of(block)).not.toBe(first)
    expect(assignments.of(block).targets).toEqual(first.targets)
  })

  it.each([rendezvous(), tokenRing({ tokens: 64 }), balanced()])(
    'is the same in every member, whatever the order of the members and of the questions: $name',
    placement => {
      const zones = ['a', 'b', 'c']
      const members = gateways(14, zones).map((member, i) => ({
        ...member,
        ...[down, {}, draining, {}, evicted, down, {}][i % 7],
      }))
      const ids = blocks(200)
      const ask = (some: readonly AssignedMember[], order: typeof ids) => {
        const assignments = new Assignments(some, { placement, replicas: 3, zones })
        for (const id of order) assignments.of(id)
        return ids.map(id => {
          const { targets, failoverOwner, ranked } = assignments.of(id)
          return { targets, failoverOwner, ranked }
        })
      }
      const first = ask(members, ids)
      expect(first.some(({ failoverOwner }) => failoverOwner !== undefined)).toBe(true)
      for (const i of members.keys()) {
        expect(ask(shuffled(members, i + 1), shuffled(ids, i + 100))).toEqual(first)
      }
    },
  )
})

it('without() says who would be to have a block if a member were not there: the targets of the others alone', () => {
  const zones = ['x', 'y', 'z']
  for (const [replicas, inZones] of [
    [1, false],
    [2, false],
    [3, true],
    [4, true],
  ] as const) {
    const members = gateways(7).map((member, i) => {
      return { ...member, zone: zones[i % 3], ...(i === 2 ? down : i === 5 ? draining : {}) }
    })
    const options = { placement: rendezvous(), replicas, ...(inZones && { zones }) }
    const whole = new Assignments(members, options)
    for (const gone of members) {
      const others = new Assignments(
        members.filter(member => member !== gone),
        options,
      )
      for (const id of blocks(40)) {
        expect(whole.without(id, gone.id)).toEqual(others.of(id).targets)
      }
    }
  }
})
