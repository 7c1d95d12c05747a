import { fakeHost } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { intersect, subtract, union } from '../../src/query/postings.ts'
import { coalesced, partAt, readSpans } from '../../src/query/ranges.ts'

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

it('spans that are near to one another are one request, and large ones stay apart', () => {
  const spans = [
    { offset: 5000, end: 5100 },
    { offset: 0, end: 100 },
    { offset: 150, end: 200 },
    { offset: 90, end: 120 },
  ]
  expect(coalesced(spans, 50)).toEqual([
    { offset: 0, end: 200 },
    { offset: 5000, end: 5100 },
  ])
  const large = [0, 10, 20].map(i => ({ offset: i * 2 ** 20, end: (i + 10) * 2 ** 20 }))
  expect(coalesced(large)).toHaveLength(3)
})

it('a byte is found in the part that was read last where it begins, and in none where nothing was read', async () => {
  const read = async (offset: number, length: number) => new Uint8Array(length).fill(offset)
  const options = { concurrency: 2, gap: 0, signal: new AbortController().signal }
  const parts = await readSpans(
    [
      { offset: 10, end: 30 },
      { offset: 40, end: 50 },
    ],
    read,
    options,
  )
  const again = { offset: 12, end: 14, bytes: new Uint8Array(2) }
  const all = [...parts, again].sort((a, b) => a.offset - b.offset)
  expect([5, 10, 13, 20, 35, 45, 50].map(at => partAt(all, at)?.offset)).toEqual([
    undefined,
    10,
    12,
    10,
    undefined,
    40,
    undefined,
  ])
})
