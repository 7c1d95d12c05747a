import type { BlockId, BlockMeta } from 'blockgate'
import { balanced } from 'blockgate/plugins/placement/balanced'
import { fakeHost, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { Assignments } from '../../../../plugins/ownership/hash-ring/assignments.ts'
import { rendezvous } from '../../../../plugins/ownership/hash-ring/rendezvous.ts'
import { keyOf, leadOf, seedOf } from '../../../../plugins/placement/balanced/key.ts'
import { encode } from '../../../../plugins/placement/balanced/table.ts'
import { gateways } from '../../ownership/hash-ring/support.ts'
import { sized } from './sizes.ts'

const { random } = fakeHost({ seed: 5 })
let made = 0
const id = () => testId(1_767_225_600_000 + ++made * 1000, Math.floor(random() * 2 ** 48))
const raw = () => sized(id(), 1)
const compacted = (parents: readonly BlockMeta[], given: Partial<BlockMeta> = {}) => {
  const sources = [...new Set(parents.flatMap(({ compaction }) => compaction.sources))]
  return sized(id(), parents.length, { compaction: { level: 2, sources }, ...given })
}

/** A block of 2 weeks, as it is compacted in four steps; with all that came before it. */
function tree(level: number): { readonly block: BlockMeta; readonly parents: readonly BlockMeta[] }[] {
  if (level === 0) return [{ block: raw(), parents: [] }]
  const width = 2 + Math.floor(random() * 5)
  const below = Array.from({ length: width }, () => tree(level - 1))
  const parents = below.map(all => all[0]?.block as BlockMeta)
  return [{ block: compacted(parents), parents }, ...below.flat()]
}

const owner = (published?: string) => {
  const members = gateways(20)
  const assignments = new Assignments(members, { placement: balanced(), replicas: 1, published })
  return (block: BlockMeta) => assignments.of(block.ulid, block).targets[0] as string
}

describe('a compacted block', () => {
  const all = Array.from({ length: 12 }, () => tree(3)).flat()
  const children = all.filter(({ parents }) => parents.length > 0)

  it('is placed where one of its parents is, whatever was compacted before', () => {
    const of = owner()
    expect(children.length).toBeGreaterThan(100)
    for (const { block, parents } of children) expect(parents.map(of)).toContain(of(block))
  })

  it('follows a parent that the published placement has moved', () => {
    const named = new Map(all.map(({ block }) => [keyOf(seedOf(block)), [`gw-${1 + Math.floor(random() * 20)}`]]))
    const of = owner(encode(named))
    for (const { block, parents } of children) expect(parents.map(of)).toContain(of(block))
  })

  it('goes with the parent that brings most, as often as it brings more', () => {
    const share = (big: number) => {
      let with_ = 0
      for (let n = 0; n < 400; n++) {
        const large = compacted(Array.from({ length: big }, raw))
        const child = compacted([large, raw(), raw()])
        if (leadOf(child) === leadOf(large)) with_++
      }
      return with_ / 400
    }
    expect(Math.abs(share(1) - 1 / 3)).toBeLessThan(0.1)
    expect(share(18)).toBeGreaterThan(0.8)
  })

  it('is not where another resolution or another shard of the same sources is, but by chance', () => {
    const base = compacted(Array.from({ length: 4 }, raw))
    const like = (given: Partial<BlockMeta>) => keyOf(seedOf({ ...base, ...given }))
    const shard = (n: number) => like({ labels: { __compactor_shard_id__: `${n}_of_4` } })
    const keys = [like({}), like({ resolution: 300_000 }), like({ resolution: 3_600_000 }), ...[1, 2, 3, 4].map(shard)]
    expect(new Set(keys).size).toBe(7)
    expect(like({ labels: { cluster: 'eu' } })).toBe(keys[0])
  })
})

describe('a block that nobody compacted', () => {
  it('is where rendezvous() puts it, also where its meta names no source', () => {
    const members = gateways(9)
    const plain = new Assignments(members, { placement: rendezvous(), replicas: 3 })
    const ours = new Assignments(members, { placement: balanced(), replicas: 3 })
    for (let n = 0; n < 100; n++) {
      const block = raw()
      const { targets, ranked } = plain.of(block.ulid)
      expect([ours.of(block.ulid, block).targets, ours.of(block.ulid, block).ranked]).toEqual([targets, ranked])
      const bare = { ...block, compaction: { level: 1, sources: [] as readonly BlockId[] } }
      expect(new Assignments(members, { placement: balanced(), replicas: 3 }).of(block.ulid, bare).targets).toEqual(
        targets,
      )
    }
  })
})

describe('why a block is where it is', () => {
  const members = gateways(3)
  const why = (block: BlockMeta, published?: string) =>
    new Assignments(members, { placement: balanced(), replicas: 1, published }).of(block.ulid, block).why

  it('is rendezvous, a parent, or the published placement, as long as that names somebody who is there', () => {
    const block = raw()
    const parent = raw()
    const child = compacted([parent])
    expect(why(block)).toBe('by rendezvous')
    expect(why(child)).toBe(`with its source ${parent.ulid}, by rendezvous: where one of its parents was`)
    const named = (member: string) => encode(new Map([[keyOf(seedOf(block)), [member]]]))
    expect(why(block, named('gw-2'))).toBe('the published placement names it: balanced by bytes')
    expect(why(block, named('gone'))).toBe('by rendezvous')
  })
})
