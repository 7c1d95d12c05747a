import { expect, it } from 'vitest'
import { type AssignedMember, Assignments } from '../../../../plugins/ownership/hash-ring/assignments.ts'
import { rendezvous } from '../../../../plugins/ownership/hash-ring/rendezvous.ts'
import { tokenRing } from '../../../../plugins/ownership/hash-ring/token-ring.ts'
import { targets, zoneLimits } from '../../../../plugins/ownership/hash-ring/zoned.ts'
import { blocks, counted, gateways } from './support.ts'

/** `a1 b1` ranked so, the zone of each being its letter. */
function choose(ranked: string, replicas: number, zones: readonly string[] | undefined): string {
  const ids = ranked.split(' ')
  const zoneOf = (id: string) => id.charAt(0)
  const members = ids.map(id => ({ id, zone: zoneOf(id) }))
  return targets(ids, zoneOf, replicas, zoneLimits(members, replicas, zones)).join(' ')
}

const AB = ['a', 'b']
const ABC = ['a', 'b', 'c']

it.each([
  ['the first ones without zones', 'a1 a2 a3 b1', 3, undefined, 'a1 a2 a3'],
  ['all there are', 'a1 b1', 3, undefined, 'a1 b1'],
  ['one of each zone, by rank', 'b1 b2 a1 c1 a2', 3, ABC, 'b1 a1 c1'],
  ['one of two zones of three', 'b1 b2 a1 c1', 2, ABC, 'b1 a1'],
  ['two of each, two zones and four copies', 'a1 a2 a3 b1 b2', 4, AB, 'a1 a2 b1 b2'],
  ['at most two of each, two zones and three copies', 'a1 a2 a3 b1 b2', 3, AB, 'a1 a2 b1'],
  ['at most two of each, three zones and four copies', 'a1 a2 a3 b1 b2 c1', 4, ABC, 'a1 a2 b1 b2'],
  ['everything of one zone', 'a1 a2 a3', 2, ['a'], 'a1 a2'],
  ['fewer copies where a zone is lost', 'a1 a2 b1 b2', 3, ABC, 'a1 b1'],
  ['fewer copies where a zone is too small', 'a1 a2 a3 b1', 4, AB, 'a1 a2 b1'],
  ['nobody of a zone that is not declared', 'd1 a1 d2 b1', 3, AB, 'a1 b1'],
  ['nobody where nobody is in a zone', 'd1 e1', 1, AB, ''],
])('takes %s', (_, ranked, replicas, zones, chosen) => {
  expect(choose(ranked, replicas, zones)).toBe(chosen)
})

it('takes no more of the ranks than it needs, also where a zone is lost', () => {
  const taken: string[] = []
  const ranked = Iterator.from(['a1', 'a2', 'b1', 'a3', 'b2', 'a4']).map(id => {
    taken.push(id)
    return id
  })
  const members = ['a1', 'a2', 'a3', 'a4', 'b1', 'b2'].map(id => ({ id, zone: id.charAt(0) }))
  targets(ranked, id => id.charAt(0), 3, zoneLimits(members, 3, ABC))
  expect(taken).toEqual(['a1', 'a2', 'b1'])
})

const placements = [rendezvous(), tokenRing({ tokens: 64 })].flatMap(placement =>
  [undefined, AB, ABC].flatMap(zones => [1, 2, 3, 4].map(replicas => ({ placement, zones, replicas }))),
)

it.each(placements)(
  'changes at most one owner of a block when a member joins or goes: $placement.name, $replicas copies, zones $zones',
  ({ placement, zones, replicas }) => {
    const options = { placement, zones, replicas }
    const members = gateways(9, zones)
    const ids = blocks(200)
    const owners = (some: readonly AssignedMember[]) => {
      const assignments = new Assignments(some, options)
      return ids.map(id => assignments.of(id).targets)
    }
    const all = owners(members)
    expect(owners(members)).toEqual(all)
    for (const gone of members) {
      for (const [i, rest] of owners(members.filter(member => member !== gone)).entries()) {
        const lost = (all[i] ?? []).filter(id => !rest.includes(id))
        const taken = rest.filter(id => !all[i]?.includes(id))
        expect(lost).toEqual(all[i]?.includes(gone.id) ? [gone.id] : [])
        expect(taken.length).toBeLessThanOrEqual(lost.length)
      }
    }
  },
)

it('moves nothing between two zones when the third is lost', () => {
  const options = { placement: rendezvous(), zones: ABC, replicas: 3 }
  const members = gateways(9, ABC)
  const before = new Assignments(members, options)
  const after = new Assignments(
    members.filter(member => member.zone !== 'c'),
    options,
  )
  const lost = new Set(members.filter(member => member.zone === 'c').map(member => member.id))
  for (const id of blocks(200)) {
    const owners = before.of(id).targets
    expect(counted(owners.map(owner => (lost.has(owner) ? 'c' : 'other')))).toEqual(
      new Map([
        ['c', 1],
        ['other', 2],
      ]),
    )
    expect(after.of(id).targets).toEqual(owners.filter(owner => !lost.has(owner)))
  }
})
