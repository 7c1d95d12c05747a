import { fakeHost } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { intersect, subtract, union } from '../../src/query/postings.ts'

/** Ascending references: dense, sparse or none. */
function lists(seed: number): readonly Uint32Array[] {
  const { random } = fakeHost({ seed })
  return Array.from({ length: 1 + Math.floor(random() * 4) }, () => {
    const [count, step] = [Math.floor(random() * 200), 1 + Math.floor(random() * 9)]
    let ref = 0
    return Uint32Array.from({ length: count }, () => (ref += 1 + Math.floor(random() * step)))
  })
}

it('sets of series are those that arrays would give', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const [first = new Uint32Array(), ...rest] = lists(seed)
    const all = [first, ...rest]
    const inAll = [...first].filter(ref => rest.every(list => list.includes(ref)))
    expect([...intersect(all)], `seed ${seed}`).toEqual(inAll)
    expect([...union(all)], `seed ${seed}`).toEqual([...new Set(all.flatMap(list => [...list]))].sort((a, b) => a - b))
    const [other = new Uint32Array()] = rest
    expect([...subtract(first, other)], `seed ${seed}`).toEqual([...first].filter(ref => !other.includes(ref)))
  }
  expect([intersect([]), union([])].map(list => list.length)).toEqual([0, 0])
})
